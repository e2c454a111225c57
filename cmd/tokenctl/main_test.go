package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// TestMain lets the test binary be the command where local starts its victims.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "victim" {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestLocal runs the demonstration as `make run` does. It fails by itself where the
// story goes otherwise; here it has to tell it, too.
func TestLocal(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	cmd := root()
	cmd.SetArgs([]string{"local"})
	var out bytes.Buffer
	cmd.SetOut(&out)
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{"logged_in", "refreshed 3", "not_due", "killed", "busy", "recovered", "presented twice: 0", "valid: true"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not tell of %q:\n%s", want, out.String())
		}
	}
	left, err := os.ReadDir(os.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 0 {
		t.Errorf("it leaves %v behind", left)
	}
}

func TestWrongArguments(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"local", "x"}, {"nothing"}, {"victim"}} {
		cmd := root()
		cmd.SetArgs(args)
		cmd.SetOut(new(bytes.Buffer))
		if err := cmd.ExecuteContext(t.Context()); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}
