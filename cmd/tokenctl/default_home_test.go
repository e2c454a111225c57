package main

import (
	"path/filepath"
	"strings"
	"testing"

	"tokenrefresh/internal/sandbox"
)

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
	if _, exists := s.row(t, "hesabe", "default"); !exists {
		t.Errorf("%q was for another home", told)
	}
}
