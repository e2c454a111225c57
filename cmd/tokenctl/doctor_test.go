package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"tokenrefresh/internal/moto"
	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/doctor"
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
	if err := json.Unmarshal([]byte(s.out), &report); err != nil {
		t.Fatalf("%v:\n%s", err, s.out)
	}
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
	if _, err := os.Stat(path); err == nil {
		t.Error("it makes one")
	}
}

// Only the tables of the stack exist.
//
//nolint:paralleltest // variables tell the command of AWS
func TestDoctorOfAStack(t *testing.T) {
	w := awsWorld(t)
	stack := moto.NewName("stack")
	w.run(t, "", "doctor", "--stack", stack, "--account", "shop-2").want(t, exitPerson,
		"ok       aws", "warn     ledger ", "fail     stack", "there is no stack "+stack+" in eu-west-1",
		"oauth2 function and", "needs stack", "hesabe/shop-2 has no", "a person must act: stack, hesabe secrets")
	if s := w.run(t, "", "doctor", "--stack", stack, "--no-invoke", "--json"); s.code != exitPerson || !json.Valid([]byte(s.out)) {
		t.Errorf("%d: %s%s", s.code, s.out, s.err)
	}
}

func TestDoctorRefuses(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--account", "a/b"}, {"--home", "s3"}, {"--secret-prefix", ""}, {"x"}, {"--home", "embedded", "--environment", "moon"},
	} {
		tokenctl(t, "", append([]string{"doctor"}, args...)...).want(t, exitUsage)
	}
}
