package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/operator/bulk"
	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/internal/plant"
	"tokenrefresh/pkg/release"
	"tokenrefresh/pkg/store"
)

// TestMain lets the test binary be the command in a process of its own: local starts its victims,
// and tests start run, refresh and sandbox.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.Contains([]string{"victim", "run", "refresh", "exec", "sandbox"}, os.Args[1]) {
		main()
		return
	}
	if len(os.Args) == 3 && os.Args[1] == "browse" {
		os.Exit(browse(os.Args[2]))
	}
	code := m.Run()
	if code == 0 && !takesAdvice() {
		code = 1
	}
	os.Exit(code)
}

// said is the output and the end of a command.
type said struct {
	code     int
	out, err string
}

// tokenctl runs the command. No output of it may show a secret.
func tokenctl(t *testing.T, stdin string, args ...string) said {
	t.Helper()
	return tokenctlIn(t.Context(), t, stdin, args...)
}

func tokenctlIn(ctx context.Context, t *testing.T, stdin string, args ...string) said {
	t.Helper()
	var out, errOut bytes.Buffer
	code := execute(ctx, args, strings.NewReader(stdin), &out, &errOut)
	assert.Check(t, !plant.Shown(out.String(), errOut.String()),
		"%v shows a secret:\n%s%s", args, out.String(), errOut.String())
	if !slices.Contains(args, "--help") && args[0] != "__complete" && args[0] != "completion" {
		advises(t, out.String()+"\n"+errOut.String()) //nolint:contextcheck // flags are parsed, and nothing runs
	}
	return said{code, out.String(), errOut.String()}
}

// want checks the exit code, and that the output contains each of parts.
func (s said) want(t *testing.T, code int, parts ...string) {
	t.Helper()
	assert.Check(t, s.code == code, "exit code %d, want %d:\n%s%s", s.code, code, s.out, s.err)
	for _, part := range parts {
		assert.Check(t, strings.Contains(s.out+s.err, part), "it does not say %q:\n%s%s", part, s.out, s.err)
	}
}

// TestLocal runs the demonstration as `make run` does. The demonstration fails by itself if the
// story goes wrong; the test also checks what it prints.
func TestLocal(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	says := []string{"logged_in", "refreshed 3", "not_due", "killed", "busy", "recovered", "presented twice: 0", "valid: true"}
	tokenctl(t, "", "local").want(t, exitDone, append(says, shownByReadme(t)...)...)
	left, err := os.ReadDir(os.TempDir())
	assert.NilError(t, err)
	assert.Check(t, len(left) == 0, "it leaves %v behind", left)
}

// shownByReadme are the lines that the README shows.
func shownByReadme(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	assert.NilError(t, err)
	lines := regexp.MustCompile(`(?m)^ {6}[0-9]{2}:[0-9]{2}  .*$`).FindAllString(string(text), -1)
	assert.Assert(t, len(lines) >= 5, "the README shows %q alone", lines)
	for i, line := range lines {
		lines[i] = strings.TrimPrefix(line, "    ")
	}
	return lines
}

func TestWrongUsage(t *testing.T) {
	t.Parallel()
	embedded := []string{"--home", "embedded", "--state", t.TempDir() + "/state.db"}
	for line, says := range map[string]string{
		"local x":                               "x",
		"local --json":                          "leave --json out",
		"nothing":                               "nothing",
		"victim":                                "accepts 3",
		"--nothing":                             "--nothing",
		"seed":                                  "credentials, tokens or --file",
		"seed passwords":                        "passwords",
		"seed credentials":                      "provider",
		"seed credentials --provider nobody":    strings.Join(catalog.Names(), ", "),
		"pause":                                 "provider",
		"pause --provider hesabe --account a/b": "--account",
		"pause --provider hesabe --home s3":     "aws or embedded",
		"resume --provider hesabe --secret-prefix=": "--secret-prefix",
		"record":                                                 "transaction-id",
		"record --transaction-id x":                              "transaction-id",
		"record --transaction-id 1 --file f":                     "none of the others can be",
		"record --status deleted --file f":                       "none of the others can be",
		"record --transaction-id -1 --status deleted":            "transaction-id",
		"record --transaction-id 1 --status done":                "active, completed or deleted",
		"record --transaction-id 1":                              `"refresh_token" is missing`,
		"record --file f.txt":                                    "--format",
		"record --transaction-id 1 --account default/":           "--account",
		"refresh everything":                                     "everything",
		"refresh --account shop-2":                               "needs its --provider",
		"refresh --provider hesabe --account a/b":                "--account",
		"refresh --provider nobody":                              strings.Join(catalog.Names(), ", "),
		"refresh --provider hesabe --transaction 1":              "--provider berbix",
		"refresh --provider berbix --transaction -1":             "above 0",
		"refresh --provider hesabe --function f":                 "none of the others can be",
		"refresh --function f":                                   "--home aws alone",
		"refresh --environment staging":                          "production or sandbox",
		"run everything":                                         "everything",
		"run --provider nobody":                                  strings.Join(catalog.Names(), ", "),
		"run --every 10ms":                                       "--every",
		"run --every 2h":                                         "--every",
		"run --account shop-2":                                   "needs a --provider",
		"run --provider hesabe --account a/b":                    "--account",
		"run --environment staging":                              "production or sandbox",
		"status --provider nobody":                               strings.Join(catalog.Names(), ", "),
		"status --account a/b":                                   "--account",
		"status --every 1ms":                                     "--every",
		"token --provider berbix":                                "--transaction",
		"token --provider hesabe --transaction 1":                "--transaction",
		"token --provider hesabe --min-life -1s":                 "--min-life",
		"token --provider berbix --transaction 1 --account a":    "leave --account out",
		"exec --provider hesabe":                                 "at least 1 arg",
		"remove":                                                 "account",
		"remove --provider hesabe":                               "account",
		"remove --provider hesabe --account a/b":                 "--account",
		"remove --provider hesabe --account a --recovery-days 6": "from 7 to 30",
		"resolve":                                        "accept, relogin, discard",
		"resolve hope --provider hesabe":                 "accept, relogin, discard",
		"resolve accept":                                 "provider",
		"resolve accept --provider berbix":               "record a transaction again",
		"resolve accept --provider hesabe --account a/b": "--account",
	} {
		// The state first: a flag on the line overrules it.
		tokenctl(t, "", append(slices.Clone(embedded), strings.Fields(line)...)...).want(t, exitUsage, says)
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	tokenctl(t, "", "--help").want(t, exitDone, "Exit codes", "--home", "completion")
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		tokenctl(t, "", "completion", shell).want(t, exitDone, "tokenctl")
	}
	tokenctl(t, "", "__complete", "pause", "--provider", "").want(t, exitDone, strings.Join(catalog.Names(), "\n")+"\n")
	tokenctl(t, "", "__complete", "--home", "").want(t, exitDone, "aws\nembedded\n")
	tokenctl(t, "", "__complete", "--table-prefix", "a", "refresh", "--function", "").want(t, exitDone, "a-refresh-hesabe\na-refresh-tconnect\n")
}

// The shell completes existing accounts.
func TestCompletesAccounts(t *testing.T) {
	inHomes(t, func(t *testing.T, w *world) {
		for _, key := range []store.Key{
			{Provider: "hesabe", Account: "shop-1"},
			{Provider: "hesabe", Account: "shop-2"},
			{Provider: "tconnect", Account: "bank"},
			{Provider: "berbix", Account: "shop-1"},
		} {
			w.write(t, store.Row{Key: key, Phase: store.Idle})
		}
		for line, want := range map[string]string{
			"pause --provider hesabe --account":        "shop-1\nshop-2\n:4\n",
			"remove --provider tconnect --account":     "bank\n:4\n",
			"status --account":                         "shop-1\nshop-2\nbank\n:4\n",
			"record --account":                         "shop-1\n:4\n",
			"run --provider hesabe,tconnect --account": "shop-1\nshop-2\nbank\n:4\n",
		} {
			args := append([]string{"__complete"}, w.flags...)
			got := tokenctl(t, "", append(append(args, strings.Fields(line)...), "")...)
			assert.Check(t, got.out == want && !strings.Contains(got.err, "home:"),
				"%s: %q; %s", line, got.out, got.err)
		}
	})
	none := []string{"__complete", "--home", "embedded", "--state", t.TempDir() + "/none.db", "pause", "--provider", "hesabe", "--account", ""}
	tokenctl(t, "", none...).want(t, exitDone, ":4")
}

// The help lists each exit code of the code, and the code has no other.
func TestExitCodesAreListed(t *testing.T) {
	t.Parallel()
	help := tokenctl(t, "", "--help").out
	parsed, err := parser.ParseFile(token.NewFileSet(), "main.go", nil, 0)
	assert.NilError(t, err)
	var named []string
	ast.Inspect(parsed, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(spec.Names[0].Name, "exit") && spec.Names[0].Name != "exits" {
			named = append(named, spec.Names[0].Name)
		}
		return true
	})
	assert.Check(t, len(named) == len(exits) && len(named) > 5, "the constants are %v, the help lists %d", named, len(exits))
	for err, code := range map[error]int{
		nil: exitDone, errors.New("x"): exitFailed, errUsage: exitUsage, errPerson: exitPerson, store.ErrForbidden: exitPerson,
		fs.ErrPermission: exitPerson, errPartly: exitPartly, errNothing: exitNothing, errStopped: exitStopped, bulk.ErrStopped: exitStopped,
		&home.AccessError{Passing: true}: exitFailed, &home.AccessError{}: exitPerson,
	} {
		assert.Check(t, codeOf(err, true) == code, "%v ends with %d", err, codeOf(err, true))
		listed := slices.IndexFunc(exits, func(e exit) bool { return e.code == code })
		assert.Assert(t, listed >= 0, "%d is not listed", code)
		assert.Check(t, strings.Contains(help, fmt.Sprintf("\n  %3d  %s", code, exits[listed].says)), "the help lacks %d:\n%s", code, help)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	tokenctl(t, "", "--version").want(t, exitDone, "tokenctl version "+release.Version+" ("+commit()+")\n")
	tokenctl(t, "", "version").want(t, exitDone, "tokenctl "+release.Version)
}

// Each function reports its own version; one that cannot is named.
func TestVersionOfTheFunctions(t *testing.T) {
	onAWS(t, answering(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.Contains(r.URL.Path, "/s-refresh-hesabe/"):
			body, err := io.ReadAll(r.Body)
			assert.Check(t, err == nil && string(body) == `{"dry_run":true}`, "%s, %v", body, err)
			_, _ = w.Write([]byte(`{"provider":"hesabe","version":"7.8.9","run_id":"r","outcomes":{},"credentials":[]}`))
		case strings.Contains(r.URL.Path, "/s-refresh-tconnect/"):
			_, _ = w.Write([]byte(`{"provider":"tconnect","run_id":"r","outcomes":{},"credentials":[]}`))
		default:
			w.Header().Set("X-Amzn-Errortype", "ResourceNotFoundException")
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	tokenctl(t, "", "version", "--stack", "s").want(t, exitFailed,
		"tokenctl "+release.Version, "s-refresh-hesabe 7.8.9\n", "s-refresh-tconnect before 0.9.0\n", "s-refresh-berbix invoke the function",
		"no version of s-refresh-", "s-refresh-berbix")
	tokenctl(t, "", "version", "--stack", "s", "--json").want(t, exitFailed, `{"name":"s-refresh-hesabe","version":"7.8.9"}`)
}
