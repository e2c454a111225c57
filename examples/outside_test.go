package examples_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/homes/embedded"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// repository is where the documents say that a team has the project.
const repository = "https://github.com/your-org/token-refresh"

// A service in a module of its own gets the readers by the commands of docs/reading.md, reads a
// token with them, and takes in nothing of the rest.
func TestReadersInAnotherModule(t *testing.T) {
	t.Parallel()
	ways := commands(t, "../docs/reading.md", "go mod edit")
	assert.Assert(t, len(ways) == 2, "docs/reading.md shows %d ways", len(ways))
	origin := published(t)
	for i, way := range ways {
		t.Run(fmt.Sprintf("way %d", i+1), func(t *testing.T) {
			t.Parallel()
			s := service{t: t, dir: t.TempDir(), env: outside(t, origin)}
			program, err := os.ReadFile("go/main.go")
			if err == nil {
				err = os.WriteFile(filepath.Join(s.dir, "main.go"), program, 0o600)
			}
			assert.NilError(t, err)
			s.sh("git init -q && go mod init shop")
			s.sh(way)
			s.sh("go build -o shop .")
			s.readsFromAWS()
			s.readsFromFile()
			if i == 0 {
				s.takesInLittle()
				return
			}
			s.sh("go mod vendor && rm -r third_party && go build -o shop .") // it needs the submodule no more
			s.readsFromAWS()
		})
	}
}

// commands are the blocks of a document that hold this.
func commands(t *testing.T, path, part string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	assert.NilError(t, err)
	var found []string
	for block := range strings.SplitSeq(string(text), "\n\n") {
		if strings.HasPrefix(block, "    ") && strings.Contains(block, part) {
			found = append(found, strings.ReplaceAll("\n"+block, "\n    ", "\n")+"\n")
		}
	}
	return found
}

// published makes a repository of the project as it stands, with the tag that the documents name.
func published(t *testing.T) string {
	t.Helper()
	origin := t.TempDir()
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch name := entry.Name(); {
		case err != nil:
			return err
		case entry.IsDir() && path != ".." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "dist" || name == "bin"):
			return filepath.SkipDir
		case entry.IsDir() || !slices.Contains([]string{".go", ".tmpl", ".mod", ".sum"}, filepath.Ext(name)):
			return nil // above all .git, which may name the real repository
		}
		text, err := os.ReadFile(path)
		to := filepath.Join(origin, strings.TrimPrefix(path, ".."))
		if err == nil {
			err = os.MkdirAll(filepath.Dir(to), 0o700)
		}
		if err != nil {
			return err
		}
		return os.WriteFile(to, text, 0o600)
	})
	assert.NilError(t, err)
	s := service{t: t, dir: origin, env: environment()}
	s.sh(`git init -q && git add . && git -c user.name=n -c user.email=e@example.com commit -qm all && git tag v0.9.0`)
	return origin
}

// environment is the process's, without what tells git of another repository than the directory's.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "GIT_") })
}

// outside is the environment of a machine that finds the repository at its address, and modules
// where this machine has them. What it fetches is forgotten after the test.
func outside(t *testing.T, origin string) []string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), "go", "env", "-json", "GOMODCACHE", "GOPROXY").Output()
	assert.NilError(t, err)
	var here struct{ GOMODCACHE, GOPROXY string }
	assert.NilError(t, json.Unmarshal(output, &here))
	return append(environment(),
		"GIT_CONFIG_COUNT=2",
		"GIT_CONFIG_KEY_0=url.file://"+origin+".insteadOf", "GIT_CONFIG_VALUE_0="+repository,
		"GIT_CONFIG_KEY_1=protocol.file.allow", "GIT_CONFIG_VALUE_1=always",
		"GOMODCACHE="+t.TempDir(), "GOPROXY=file://"+filepath.Join(here.GOMODCACHE, "cache", "download")+","+here.GOPROXY,
		"GOFLAGS=-modcacherw -trimpath", "GONOSUMDB=*", "GOWORK=off",
		"AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=k", "AWS_SECRET_ACCESS_KEY=s", "AWS_CONFIG_FILE="+os.DevNull,
	)
}

// service is a module outside of the tree.
type service struct {
	t   *testing.T
	dir string
	env []string
}

// sh runs commands as the documents show them.
func (s service) sh(script string, env ...string) string {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), "bash", "-ec", script)
	cmd.Dir, cmd.Env = s.dir, slices.Concat(s.env, env)
	output, err := cmd.CombinedOutput()
	assert.Assert(s.t, err == nil, "%s: %v\n%s", script, err, output)
	return string(output)
}

// api is an API that takes one token.
func (s service) api(token string) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	s.t.Cleanup(server.Close)
	return server.URL
}

func document(token string) string {
	now := time.Now().UTC()
	return fmt.Sprintf(`{"access_token":%q,"token_type":"Bearer","access_expires_at":%q,"refresh_at":%q,"attempt_id":"a"}`,
		token, now.Add(15*time.Minute).Format(time.RFC3339), now.Add(12*time.Minute).Format(time.RFC3339))
}

func (s service) wantOK(api string, env ...string) {
	s.t.Helper()
	said := s.sh("./shop "+api, env...)
	assert.Check(s.t, said == api+" 200 OK\n", "it says %q", said)
}

// readsFromAWS lets the service read its secret.
func (s service) readsFromAWS() {
	s.t.Helper()
	aws := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked struct{ SecretId string } //nolint:revive // AWS's name
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked.SecretId != "token-refresh/hesabe/default/access" {
			s.t.Errorf("it asks for %+v, %v", asked, err)
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"SecretString": document("from-aws")})
	}))
	defer aws.Close()
	s.wantOK(s.api("from-aws"), "ACCESS_SECRET=token-refresh/hesabe/default/access", "AWS_ENDPOINT_URL="+aws.URL)
}

// readsFromFile lets it read the state file of a single machine.
func (s service) readsFromFile() {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), "state.db")
	home, err := embedded.Open(s.t.Context(), path)
	assert.NilError(s.t, err)
	key := store.Key{Provider: "hesabe", Account: "default"}
	assert.NilError(s.t, home.Secrets().CreateSecret(s.t.Context(), key, store.AccessDoc))
	_, err = home.Secrets().PutCurrent(s.t.Context(), key, store.AccessDoc, secret.New(document("from-file")))
	assert.NilError(s.t, err)
	s.wantOK(s.api("from-file"), "STATE_FILE="+path)
}

// takesInLittle holds a service that reads from AWS alone to the modules that docs/reading.md
// names.
func (s service) takesInLittle() {
	s.t.Helper()
	list := s.sh(`go list -deps -f '{{with .Module}}{{.Path}}{{end}}' tokenrefresh/pkg/reader/awsreader | sort -u`)
	text, err := os.ReadFile("../docs/reading.md")
	assert.NilError(s.t, err)
	for module := range strings.FieldsSeq(list) {
		if module == "tokenrefresh" || strings.HasPrefix(module, "github.com/aws/aws-sdk-go-v2") {
			continue
		}
		assert.Check(s.t, bytes.Contains(text, []byte("`"+module+"`")),
			"awsreader takes in %s, which docs/reading.md does not name", module)
	}
}
