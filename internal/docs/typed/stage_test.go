package typed_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

// Programs that do what they do, and those that only write down that they were called.
var (
	genuine = []string{"aws", "tokenctl", "jq", "xargs"}
	stubs   = []string{
		"sam", "make", "git", "pip", "go", "install", "useradd", "userdel", "systemctl", "openssl", "mkdir", "cp", "zip", "rm", "shred",
		"flock", "diff", "sha256sum", "moto_server", "sleep", "true",
	}
)

// call is one of a program, as the stage writes it down.
type call struct {
	Unit    string
	Program string
	Args    []string
	Payload string `json:",omitempty"` // of aws lambda invoke
	Code    int
	Said    string // on standard error
}

func (c call) String() string {
	return fmt.Sprintf("%s %s: exit code %d: %s", c.Program, strings.Join(c.Args, " "), c.Code, strings.TrimSpace(c.Said))
}

// Variables that tell the stage's programs of it.
const (
	stageLog  = "DOCS_TEST_CALLS"
	stageUnit = "DOCS_TEST_UNIT"
	stageAWS  = "DOCS_TEST_AWS"      // the AWS CLI's path
	stageCtl  = "DOCS_TEST_TOKENCTL" // tokenctl's
	stageDir  = "DOCS_TEST_MACHINE"  // what is /var/lib/token-refresh
)

// TestMain lets the test process be every program of the stage.
func TestMain(m *testing.M) {
	path := os.Getenv(stageLog)
	if path == "" {
		os.Exit(m.Run())
	}
	c := call{Unit: os.Getenv(stageUnit), Program: filepath.Base(os.Args[0]), Args: os.Args[1:]}
	c.act()
	line, err := json.Marshal(c)
	log, failed := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err = errors.Join(err, failed); err == nil {
		_, err = log.Write(append(line, '\n'))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "stage:", err)
		c.Code = 99
	}
	os.Exit(c.Code)
}

// act does what the program does here.
func (c *call) act() {
	switch c.Program {
	case "aws":
		args := slices.Clone(c.Args)
		for i, arg := range args {
			if arg == "--wait-time-seconds" { // a queue that is empty here stays so
				args[i+1] = "0"
			}
		}
		stdin := c.readPayload()
		c.exec(os.Getenv(stageAWS), args, stdin)
	case "tokenctl":
		args := slices.Clone(c.Args)
		if slices.Contains([]string{"run", "sandbox", "local"}, args[0]) || slices.Contains(args, "--watch") {
			args = append(args, "--help") // they do not end; flags are read all the same
		}
		for i, arg := range args {
			args[i] = here(arg)
		}
		c.exec(os.Getenv(stageCtl), args, nil)
	case "sudo": // sudo -u NAME env A=B … PROGRAM ARGS
		words := c.Args[3:]
		for strings.Contains(words[0], "=") {
			name, value, _ := strings.Cut(words[0], "=")
			_ = os.Setenv(name, here(value))
			words = words[1:]
		}
		c.Program, c.Args = filepath.Base(words[0]), words[1:]
		c.act()
	case "seq":
		fmt.Println("1\n2")
	}
}

// here is a path, in the stage's folder where it is one of this machine's.
func here(path string) string {
	return strings.NewReplacer("/var/lib/token-refresh/", os.Getenv(stageDir)+"/", "/tmp/many/", os.Getenv(stageDir)+"/").Replace(path)
}

// readPayload keeps what a function is given, and returns the standard input if that was it.
func (c *call) readPayload() []byte {
	at := slices.Index(c.Args, "--payload")
	if at < 0 {
		return nil
	}
	c.Payload = c.Args[at+1]
	path, isFile := strings.CutPrefix(c.Payload, "fileb://")
	if !isFile {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		c.Said = err.Error()
	}
	c.Payload = string(text)
	if path == "/dev/stdin" {
		return text
	}
	return nil
}

// exec runs a program in place of this one; input: what was read of its own already.
func (c *call) exec(program string, args []string, input []byte) {
	var said bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, &said
	if input != nil {
		cmd.Stdin = bytes.NewReader(input)
	}
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, stageLog) })
	err := cmd.Run()
	c.Code, c.Said = cmd.ProcessState.ExitCode(), c.Said+said.String()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		c.Code, c.Said = 99, err.Error()
	}
	fmt.Fprint(os.Stderr, said.String())
}

// stage is a folder of programs, and a shell that knows no others.
type stage struct {
	dir string
	env []string
}

// emptyZip is an archive of no files.
const emptyZip = "PK\x05\x06" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// newStage makes one. The variables are those of the shell besides.
func newStage(t *testing.T, env ...string) *stage {
	t.Helper()
	s := &stage{dir: t.TempDir()}
	self, err := os.Executable()
	assert.NilError(t, err)
	bin := filepath.Join(s.dir, "bin")
	assert.NilError(t, os.Mkdir(bin, 0o700))
	for _, program := range append([]string{"aws", "tokenctl", "sudo", "seq"}, stubs...) {
		assert.NilError(t, os.Symlink(self, filepath.Join(bin, program)))
	}
	for _, program := range []string{"jq", "xargs", "cat"} {
		path, err := exec.LookPath(program)
		assert.NilError(t, err)
		assert.NilError(t, os.Symlink(path, filepath.Join(bin, program)))
	}
	for _, folder := range []string{"docs", "events", "examples"} {
		path, err := filepath.Abs(filepath.Join(root, folder))
		assert.NilError(t, err)
		assert.NilError(t, os.Symlink(path, filepath.Join(s.dir, folder)))
	}
	files := map[string]string{
		"calls": "", "credentials.json": `{"username":"u","password":"p"}`, "tokens.json": `{"refresh_token":"r"}`, "ca.zip": emptyZip,
		"refresh-hesabe_0.9.0_arm64.zip": emptyZip, "token-refresh_0.9.0.template.json": `{"Resources":{}}`,
		"accounts.jsonl":     `{"account":"shop-9","credentials":{"username":"u","password":"p"}}`,
		"transactions.jsonl": `{"transaction_id":7,"refresh_token":"x"}`, "transactions.csv": "transaction_id,refresh_token\n8,x\n",
		"credentials": "[default]\naws_access_key_id = testing\naws_secret_access_key = testing\n",
	}
	for name, text := range files {
		assert.NilError(t, os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600))
	}
	s.env = append([]string{
		"PATH=" + bin, "HOME=" + s.dir, "EDITOR=true", stageLog + "=" + filepath.Join(s.dir, "calls"), stageDir + "=" + s.dir,
		"AWS_CONFIG_FILE=" + filepath.Join(s.dir, "config"), "AWS_SHARED_CREDENTIALS_FILE=" + filepath.Join(s.dir, "credentials"),
		"AWS_PAGER=", "AWS_MAX_ATTEMPTS=1",
	}, env...)
	return s
}

// placeholders are what readers replace by names of their own.
var placeholders = strings.NewReplacer(
	"--stack NAME --region R --secret-prefix P --table-prefix T", "--stack "+stack+" --region eu-west-1 --secret-prefix "+stack+" --table-prefix "+stack,
	"--backup-arn arn:…", "--backup-arn arn:aws:dynamodb:eu-west-1:123456789012:table/token-refresh-ledger/backup/01234567890123-abcdef12",
	"deploy --no-execute-changeset …", "deploy --no-execute-changeset --stack-name "+stack+" --template-file token-refresh_0.9.0.template.json",
	"key/…", "key/0123", "secret-id …", "secret-id "+stack+"/hesabe/default/tokens",
)

// types types units one after the other into one shell, and returns which programs were called, and what the shell says.
func (s *stage) types(t *testing.T, units []unit) ([]call, string) {
	t.Helper()
	var script strings.Builder
	for i, u := range units {
		file := filepath.Join(s.dir, fmt.Sprintf("unit-%d", i))
		assert.NilError(t, os.WriteFile(file, []byte(placeholders.Replace(u.text)), 0o600))
		fmt.Fprintf(&script, "export %s=%d\neval \"$(<'%s')\"\n", stageUnit, i, file) // a wrong one does not end the others
	}
	bash, err := exec.LookPath("bash")
	assert.NilError(t, err)
	cmd := exec.CommandContext(t.Context(), bash, "-c", script.String())
	cmd.Dir, cmd.Env = s.dir, s.env
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(s.dir, "calls"))
	assert.NilError(t, err)
	var calls []call
	for line := range strings.Lines(string(text)) {
		var c call
		assert.NilError(t, json.Unmarshal([]byte(line), &c))
		calls = append(calls, c)
	}
	return calls, said.String()
}
