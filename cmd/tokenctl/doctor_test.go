package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/moto"
	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/doctor"
	"tokenrefresh/internal/sandbox"
)

func TestDoctorOfAMachine(t *testing.T) {
	t.Parallel()
	w := embeddedWorld(t)
	w.run(t, "", "doctor").want(t, exitPerson, "ok    file ", "no credentials are set up",
		"tokenctl seed credentials --provider hesabe --home embedded --state /", "a person must act: credentials")

	w.run(t, `{"username":"u","password":"p","base_url":"http://127.0.0.1:1"}`,
		"seed", "credentials", "--provider", "hesabe", "--file", "-").want(t, exitDone)
	s := w.run(t, "", "doctor", "--json")
	s.want(t, exitPerson, "a person must act: hesabe address")
	var report doctor.Report
	err := json.Unmarshal([]byte(s.out), &report)
	assert.Assert(t, err == nil, "%v:\n%s", err, s.out)
	for _, f := range report.Findings {
		if f.Check == "hesabe address" && f.Verdict == doctor.Fail && f.Cause == "127.0.0.1:1 refuses connections" {
			return
		}
	}
	t.Errorf("not told: %+v", report)
}

func TestDoctorMakesNoFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	tokenctl(t, "", "doctor", "--home", "embedded", "--state", path).want(t, exitPerson, "there is no file",
		fmt.Sprintf("writing and %d more", 3+len(catalog.All())), "needs file")
	_, err := os.Stat(path)
	assert.Check(t, err != nil, "it makes one")
}

// Only the tables of the stack exist.
func TestDoctorOfAStack(t *testing.T) {
	w := awsWorld(t)
	stack := moto.NewName("stack")
	w.run(t, "", "doctor", "--stack", stack, "--account", "shop-2").want(t, exitPerson,
		"ok       aws", "warn     ledger ", "fail     stack", "there is no stack "+stack+" in eu-west-1",
		"oauth2 function and", "needs stack", "hesabe/shop-2 has no", "a person must act: stack, hesabe secrets")
	s := w.run(t, "", "doctor", "--stack", stack, "--no-invoke", "--json")
	assert.Check(t, s.code == exitPerson && json.Valid([]byte(s.out)), "%d: %s%s", s.code, s.out, s.err)
}

func TestDoctorRefuses(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--account", "a/b"}, {"--home", "s3"}, {"--secret-prefix", ""}, {"x"}, {"--home", "embedded", "--environment", "moon"},
	} {
		tokenctl(t, "", append([]string{"doctor"}, args...)...).want(t, exitUsage)
	}
}

// Every verb finds the same home if nobody names one, and prints which.
func TestDefaultHome(t *testing.T) {
	s := embeddedWorld(t).provision(t)
	path := s.flags[len(s.flags)-1]
	none := filepath.Join(t.TempDir(), "none.db")
	aws := refusing(t, "AccessDeniedException", 0)
	config := write(t, "config", "[default]\nregion = eu-north-1\n[profile other]\nregion = eu-south-1\n")
	for name, tt := range map[string]struct {
		env  map[string]string
		args []string
		want string // of the line about it; empty: none
	}{
		"a file and no region":       {map[string]string{"TOKENCTL_STATE": path}, nil, "home: the state file " + path},
		"a file and a region":        {map[string]string{"TOKENCTL_STATE": path, "AWS_REGION": "eu-west-3"}, nil, "home: AWS in eu-west-3"},
		"a file and a region's flag": {map[string]string{"TOKENCTL_STATE": path}, []string{"--region", "eu-west-2"}, "home: AWS in eu-west-2"},
		"a region in AWS's files":    {map[string]string{"TOKENCTL_STATE": path, "AWS_CONFIG_FILE": config}, nil, "home: AWS in eu-north-1"},
		"a profile's region": {
			map[string]string{"TOKENCTL_STATE": path, "AWS_CONFIG_FILE": config}, []string{"--profile", "other"}, "home: AWS in eu-south-1",
		},
		"neither":       {map[string]string{"TOKENCTL_STATE": none}, nil, "home: AWS, as there is no state file " + none},
		"--state":       {map[string]string{"AWS_REGION": "eu-west-3"}, []string{"--state", path}, ""},
		"--home":        {map[string]string{"AWS_REGION": "eu-west-3", "TOKENCTL_STATE": path}, []string{"--home", "embedded"}, ""},
		"TOKENCTL_HOME": {map[string]string{"AWS_REGION": "eu-west-3", "TOKENCTL_STATE": path, "TOKENCTL_HOME": "embedded"}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			onAWS(t, aws)
			t.Setenv("AWS_REGION", "")
			setenv(t, tt.env)
			for _, verb := range [][]string{{"status"}, {"pause", "--provider", "hesabe"}} {
				got := tokenctl(t, "", append(verb, tt.args...)...)
				if n := strings.Count(got.err, "tokenctl: home: "); tt.want == "" && n > 0 || tt.want != "" && (n != 1 || !strings.Contains(got.err, tt.want)) {
					t.Errorf("%v says %q, want %q", verb, got.err, tt.want)
				}
			}
		})
	}
}

// A printed command works in a shell without this one's variables.
func TestToldLinesAreComplete(t *testing.T) {
	s := embeddedWorld(t).provision(t)
	bare(t)
	t.Setenv("TOKENCTL_HOME", "embedded")
	t.Setenv("TOKENCTL_STATE", s.flags[len(s.flags)-1])
	told := tokenctl(t, "", "status").command("tokenctl seed credentials --provider hesabe")
	bare(t)
	t.Setenv("AWS_REGION", "eu-west-1")
	(&site{scene: s}).obeys(t, told, s.Credentials(sandbox.Hesabe))
	s.hasRow(t, "hesabe", "default", true)
}
