package main

import (
	"encoding/json"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/moto/awscli"
	"tokenrefresh/internal/moto/deployed"
	"tokenrefresh/internal/operator/health"
	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/refresh"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// trouble is a way in which a home of three providers breaks, the messages about it, and what a new
// operator does then. The operator knows only these messages.
type trouble struct {
	name   string
	fresh  bool // nothing is set up yet
	breaks func(t *testing.T, s *site)
	noRun  bool // there are no more runs

	status, doctor told
	both           told // instead

	// types is what the operator types into the printed command.
	types func(s *site) string
	// acts is what the operator does besides, or without a printed command.
	acts func(t *testing.T, s *site)
}

// told is what a verb must print, and how it ends.
type told struct {
	code  int
	cause string
	mend  string // a command's beginning, where the verb gives it a line of its own; or words
}

// site is an operator's home. aws is nil on a machine.
type site struct {
	*scene
	aws *deployed.Stack
}

// nothing is the output of a verb that does not look at the broken part.
var nothing = told{code: exitDone}

// play breaks the site and runs the functions, asks what is wrong, does what is printed, and checks
// that all is well then.
func (b trouble) play(t *testing.T, s *site) {
	t.Helper()
	b.breaks(t, s)
	if !b.noRun {
		s.ticks(t)
	}
	if b.both != (told{}) {
		b.status, b.doctor = b.both, b.both
	}
	status, doctor := s.run(t, "", "status"), s.doctor(t)
	b.status.check(t, "status", status)
	b.doctor.check(t, "doctor", doctor)

	line := status.command(b.status.mend)
	if line == "" || strings.HasPrefix(line, "tokenctl doctor") { // which has been asked
		line = doctor.command(b.doctor.mend)
	}
	if line != "" {
		var typed string
		if b.types != nil {
			typed = b.types(s)
		}
		s.obeys(t, line, typed)
	}
	if b.acts != nil {
		b.acts(t, s)
	}
	s.ticks(t)
	s.well(t)
}

// check compares a verb's output with what it must be.
func (w told) check(t *testing.T, verb string, got said) {
	t.Helper()
	text := strings.Join(strings.Fields(got.out+got.err), " ") // as if no line were wrapped
	if got.code != w.code || !strings.Contains(text, w.cause) || got.command(w.mend) == "" && !strings.Contains(text, w.mend) {
		t.Errorf("%s ends with %d, want %+v:\n%s%s", verb, got.code, w, got.out, got.err)
	}
}

// command is the printed command that begins with that.
func (s said) command(beginning string) string {
	for line := range strings.Lines(s.out) {
		line = strings.TrimSpace(line)
		for _, program := range []string{"tokenctl ", "aws ", "chmod "} {
			if beginning != "" && strings.HasPrefix(line, program) && strings.HasPrefix(line, beginning) {
				return line
			}
		}
	}
	return ""
}

// obeys types a command as it was printed.
func (s *site) obeys(t *testing.T, line, typed string) {
	t.Helper()
	if strings.HasPrefix(line, "tokenctl ") {
		done := tokenctl(t, typed, words(t, line)[1:]...)
		done.want(t, exitDone)
		s.quiet(t, done.out, done.err)
		return
	}
	code, said := awscli.Type(t, line)
	assert.Check(t, code == exitDone, "%s: exit code %d: %s", line, code, said)
}

// words are those of a line, as a shell takes it.
func words(t *testing.T, line string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "sh", "-c", `printf '%s\n' `+line).Output()
	assert.Assert(t, err == nil, "a shell does not take %q: %v", line, err)
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

// ticks runs the functions. Status shows how they ended.
func (s *site) ticks(t *testing.T) {
	t.Helper()
	runs := 2 // on AWS one is enough, and takes long enough
	if s.aws != nil {
		runs = 1
	}
	for range runs {
		got := s.run(t, "", "refresh")
		assert.Assert(t, got.code != exitUsage, got.err)
	}
}

// well checks that status, and on a machine the doctor, see no more trouble. The doctor of a stack
// takes longer, and comes at the end.
func (s *site) well(t *testing.T) {
	t.Helper()
	r := s.status(t, exitDone)
	assert.Check(t, r.State == health.OK, "not well: %+v", r)
	if s.aws == nil {
		s.doctor(t).want(t, exitDone)
	}
}

func (s *site) doctor(t *testing.T) said {
	t.Helper()
	if s.aws == nil {
		return s.run(t, "", "doctor")
	}
	return s.run(t, "", "doctor", "--stack", deployed.Name)
}

// seeds writes credentials as people do, through the command.
func (s *site) seeds(t *testing.T, p sandbox.Provider, text string) {
	t.Helper()
	s.run(t, text, "seed", "credentials", "--provider", string(p)).want(t, exitDone)
}

// passes lets time pass for a provider, by moving the times of its row back.
func (s *site) passes(t *testing.T, p sandbox.Provider, d time.Duration) {
	t.Helper()
	row, _ := s.row(t, string(p), "default")
	for _, at := range []*time.Time{&row.RefreshAt, &row.NotBefore, &row.AccessExpiresAt, &row.LastSuccessAt} {
		if !at.IsZero() {
			*at = at.Add(-d)
		}
	}
	if last := row.Staged.Last(); !last.IsZero() {
		row.Staged = store.Tally("").Add(last.Add(-d))
	}
	s.write(t, row)
}

// due lets time pass until a refresh is due.
func (s *site) due(t *testing.T, p sandbox.Provider) {
	t.Helper()
	row, _ := s.row(t, string(p), "default")
	s.passes(t, p, time.Until(row.RefreshAt)+time.Second)
}

// overdue records a transaction that is due for so long, and lets as much pass for all.
func (s *site) overdue(t *testing.T, d time.Duration) {
	t.Helper()
	added := s.AddTransaction()
	s.record(t, added)
	stored, _, err := s.Transactions("berbix").Get(t.Context(), added.ID)
	if err == nil {
		stored.RefreshAt = stored.RefreshAt.Add(-d)
		err = s.Transactions("berbix").Update(t.Context(), stored, stored.RefreshToken)
	}
	assert.NilError(t, err)
	s.passes(t, sandbox.Berbix, d)
}

// revokes lets Hesabe end the chain.
func (s *site) revokes(t *testing.T) {
	t.Helper()
	held, err := refresh.ParseTokens(secret.New(s.current(t, "hesabe", "default", store.TokensDoc)))
	assert.Assert(t, err == nil && s.Revoke(sandbox.Hesabe, held.RefreshToken.Reveal()), "nothing to revoke: %v", err)
}

// seedAll puts the right credentials of all providers in.
func (s *site) seedAll(t *testing.T) {
	t.Helper()
	for _, p := range []sandbox.Provider{sandbox.Hesabe, sandbox.TConnect, sandbox.Berbix} {
		s.seeds(t, p, s.Credentials(p))
	}
}

// wrong are a provider's credentials with a mistake in one field, which keeps its form.
func (s *site) wrong(t *testing.T, p sandbox.Provider, field string) string {
	t.Helper()
	return s.changed(t, p, func(all map[string]string) { all[field] = "0" + all[field][:len(all[field])-1] })
}

// withoutLogin are Hesabe's credentials for a chain that begins by hand.
func (s *site) withoutLogin(t *testing.T) string {
	t.Helper()
	return s.changed(t, sandbox.Hesabe, func(all map[string]string) {
		delete(all, "username")
		delete(all, "password")
	})
}

func (s *site) changed(t *testing.T, p sandbox.Provider, change func(all map[string]string)) string {
	t.Helper()
	all := map[string]string{}
	err := json.Unmarshal([]byte(s.Credentials(p)), &all)
	change(all)
	text, failed := json.Marshal(all)
	assert.NilError(t, errors.Join(err, failed))
	return string(text)
}
