package doctor_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/operator/doctor"
)

func finding(verdict doctor.Verdict, cause string) func(context.Context) []doctor.Finding {
	return func(context.Context) []doctor.Finding { return []doctor.Finding{{Verdict: verdict, Cause: cause}} }
}

func TestRunKeepsTheOrderAndSkipsWhatOnlyRepeats(t *testing.T) {
	t.Parallel()
	report := doctor.Run(t.Context(), []doctor.Check{
		{Name: "late", After: "broken", Look: finding(doctor.OK, "never looked at")},
		{Name: "broken", Look: finding(doctor.Fail, "it is")},
		{Name: "sound", Look: finding(doctor.OK, "it is")},
		{Name: "next", After: "sound", Look: finding(doctor.Warn, "so so")},
		{Name: "later", After: "late", Look: finding(doctor.OK, "never looked at either")},
		{Name: "silent", Look: func(context.Context) []doctor.Finding { return nil }},
	})
	want := doctor.Report{Findings: []doctor.Finding{
		{Check: "late", Verdict: doctor.Skipped, Cause: "needs broken, see there"},
		{Check: "broken", Verdict: doctor.Fail, Cause: "it is"},
		{Check: "sound", Verdict: doctor.OK, Cause: "it is"},
		{Check: "next", Verdict: doctor.Warn, Cause: "so so"},
		{Check: "later", Verdict: doctor.Skipped, Cause: "needs broken, see there"},
	}}
	assert.Check(t, is.DeepEqual(report, want))
}

func TestWhoMustAct(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		finding doctor.Finding
		person  bool
	}{
		"ok":        {doctor.Finding{Verdict: doctor.OK}, false},
		"warn":      {doctor.Finding{Verdict: doctor.Warn, Mend: "x"}, false},
		"fail":      {doctor.Finding{Verdict: doctor.Fail}, true},
		"off":       {doctor.Finding{Verdict: doctor.Skipped}, false},
		"forbidden": {doctor.Finding{Verdict: doctor.Skipped, Mend: "allow it"}, true},
	} {
		report := doctor.Run(t.Context(), []doctor.Check{{Name: "x", Look: func(context.Context) []doctor.Finding {
			return []doctor.Finding{c.finding}
		}}})
		assert.Check(t, report.Well != c.person, "%s: well %t", name, report.Well)
	}
}

// Checks run side by side: all of them take as long as the longest.
func TestRunEndsWithItsLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hang := func(ctx context.Context) []doctor.Finding {
			<-ctx.Done()
			return []doctor.Finding{{Verdict: doctor.Fail, Cause: ctx.Err().Error()}}
		}
		began := time.Now()
		report := doctor.Run(t.Context(), []doctor.Check{
			{Name: "usual", Look: hang}, {Name: "long", Limit: time.Minute, Look: hang}, {Name: "quick", Look: finding(doctor.OK, "")},
		})
		assert.Check(t, is.Equal(time.Since(began), time.Minute), "it takes")
		assert.Check(t, len(report.Findings) == 3, "findings %+v", report.Findings)
	})
}

func TestText(t *testing.T) {
	t.Parallel()
	report := doctor.Report{Findings: []doctor.Finding{
		{Check: "aws", Verdict: doctor.OK, Cause: "account 1"},
		{
			Check: "hesabe schedule", Verdict: doctor.Fail, Cause: "stack-refresh-hesabe is switched off: nothing calls the function",
			Mend: "switch it on with this line, which says all of it", Commands: []string{"aws scheduler update-schedule --name stack-refresh-hesabe --state ENABLED"},
		},
		{Check: "one", Verdict: doctor.Skipped, Cause: "needs aws, see there"},
		{Check: "two", Verdict: doctor.Skipped, Cause: "needs aws, see there"},
		{Check: "three", Verdict: doctor.Skipped, Cause: "off"},
	}}
	const want = `ok       aws              account 1
fail     hesabe schedule  stack-refresh-hesabe is switched off: nothing
                          calls the function
                          → switch it on with this line, which says all of
                            it
                            aws scheduler update-schedule --name stack-refresh-hesabe --state ENABLED
skipped  one and 1 more   needs aws, see there
skipped  three            off
1 ok, 1 fail, 3 skipped`
	assert.Check(t, is.DeepEqual(report.Text(76, false), want))
	coloured := report.Text(76, true)
	if !strings.Contains(coloured, "\x1b[31mfail   \x1b[0m") || !strings.Contains(coloured, "\x1b[32mok     \x1b[0m") {
		t.Errorf("no colours:\n%q", coloured)
	}
}
