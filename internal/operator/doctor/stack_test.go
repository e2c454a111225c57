package doctor_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/moto/awscli"
	"tokenrefresh/internal/operator/doctor"
)

// found is a finding that a broken stack must have.
type found struct {
	check   string
	verdict doctor.Verdict
	says    []string // cause, mend, and the command
}

// breakage breaks one thing of a stack in which all is well, and mends it.
type breakage struct {
	name  string
	spoil func(w *world)
	heal  func(w *world) // nil: spoil has changed only the front and the doctor's options
	never string         // what no finding may say
	found
}

func fails(check string, says ...string) found { return found{check, doctor.Fail, says} }
func warns(check string, says ...string) found { return found{check, doctor.Warn, says} }

const (
	hesabe   = "stack-refresh-hesabe"
	tokens   = prefix + "/hesabe/default/tokens"
	tconnect = prefix + "/tconnect/default/credentials"
)

//nolint:paralleltest // one stack for all, broken in turn
func TestStack(t *testing.T) {
	w := newWorld(t, map[string]string{"BerbixQueueConcurrency": "10"})
	w.send("stack-berbix")
	report := doctor.Run(t.Context(), w.stack.Checks())
	assert.Assert(t, report.Well && len(report.Findings) == 27,
		"a stack in which all is well:\n%s", report.Text(120, false))
	if text := report.Text(120, false); !strings.Contains(text, "the queues are empty; 1 messages wait in stack-berbix") {
		t.Errorf("the message in the queue is not counted:\n%s", text)
	}
	for _, f := range report.Findings {
		assert.Check(t, f.Verdict == doctor.OK && f.Cause != "" && f.Mend == "", "all is well, and yet: %+v", f)
	}
	advised := map[string]bool{}
	for _, b := range slices.Concat(brokenTables, brokenRuns, brokenState, brokenAlarms) {
		t.Run(b.name, func(t *testing.T) {
			broken := *w
			broken.t = t
			b.spoil(&broken)
			findings := look(t, broken.stack.Checks(), b.check)
			want(t, findings, b.check, b.verdict, b.says...)
			for _, f := range findings {
				for _, line := range f.Commands {
					advised[line] = true
				}
			}
			if text := (doctor.Report{Findings: findings}).Text(0, false); b.never != "" && strings.Contains(text, b.never) {
				t.Errorf("it says %q:\n%s", b.never, text)
			}
			w.Front.Reset()
			w.Front.Invoke = w.dryRun
			if b.heal != nil {
				b.heal(&broken)
			}
		})
	}
	t.Run("what the operator may not see is not missing", func(t *testing.T) { denied(t, w) })
	report = doctor.Run(t.Context(), w.stack.Checks())
	assert.Check(t, report.Well, "a test has left something broken:\n%s", report.Text(120, false))
	t.Run("the AWS CLI takes each line that is advised", func(t *testing.T) { areTaken(t, w, advised) })
}

// areTaken types lines as the doctor has printed them. AWS may refuse one, as nothing is broken any more.
func areTaken(t *testing.T, w *world, lines map[string]bool) {
	t.Helper()
	typed := 0
	for _, line := range slices.Sorted(maps.Keys(lines)) {
		if !strings.HasPrefix(line, "aws ") || strings.HasPrefix(line, "aws sso login") { // which asks in a browser
			continue
		}
		typed++
		if code, said := awscli.Type(t, line, w.Front.Environment()...); code != 0 && code != awscli.Refused {
			t.Errorf("%s\nexit code %d: %s", line, code, said)
		}
	}
	assert.Check(t, typed >= 15, "only %d lines for the AWS CLI were advised: %v", typed, lines)
}

// answers makes the front change the answer of an operation. moto's resources never come into such
// a state.
func answers(operation string, change func(body string) string) func(*world) {
	return func(w *world) { w.Front.Rewrite[operation] = change }
}

func replaced(old, by string) func(string) string {
	return func(body string) string { return strings.ReplaceAll(body, old, by) }
}
