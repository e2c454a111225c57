package status_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/operator/health"
	"tokenrefresh/internal/operator/status"
)

// sixty are sixty credentials with long names, two of them dead.
func sixty() status.Report {
	all := some()
	well, dead := all[0], all[1]
	var credentials []health.Credential
	for i := range 60 {
		one := well
		if i == 20 || i == 40 {
			one = dead
		}
		one.Key.Account = fmt.Sprintf("a-merchant-with-a-rather-long-name-%02d", i)
		one.Row.Key = one.Key
		credentials = append(credentials, one)
	}
	return status.New(credentials, now)
}

func lines(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }

func TestManyWorstFirst(t *testing.T) {
	t.Parallel()
	got := lines(sixty().Table(status.Style{Width: 80}))
	if !strings.Contains(got[1], "name-20") || !strings.Contains(got[2], "act") {
		t.Errorf("the dead are not the first:\n%s\n%s", got[1], got[2])
	}
	assert.Check(t, is.Equal(got[len(got)-1], "60 credentials: 2 act, 58 ok"), "the last line")
	only := sixty().Only(health.Act)
	assert.Check(t, len(only.Credentials) == 2 && only.State == health.Act,
		"only act: %d, %s", len(only.Credentials), only.State)
	if text := only.Table(status.Style{Width: 80}); !strings.HasSuffix(text, "60 credentials: 2 act, 58 ok\n") {
		t.Errorf("what --only leaves out is not counted:\n%s", text)
	}
	if only := sixty().Only(health.Warn); len(only.Credentials) != 0 || only.State != health.Act {
		t.Errorf("only warn: %d, %s", len(only.Credentials), only.State)
	}
}

// A row is as wide as the terminal at most; a command may be longer, to be copied.
func TestManyFit(t *testing.T) {
	t.Parallel()
	for _, width := range []int{120, 100, 80, 60, 48} {
		for _, line := range lines(sixty().Table(status.Style{Width: width, Fit: true})) {
			if utf8.RuneCountInString(line) > width && !strings.Contains(line, "tokenctl ") && !strings.Contains(line, "/") {
				t.Errorf("%d: %q", width, line)
			}
		}
	}
	text := sixty().Table(status.Style{Width: 40})
	assert.Check(t, strings.Contains(text, "name-59  refreshed"), "names are shortened where nobody looks")
}

func TestManyInHeight(t *testing.T) {
	t.Parallel()
	for height := 12; height < 90; height++ {
		got := lines(sixty().Table(status.Style{Width: 80, Height: height}))
		assert.Check(t, len(got) <= height, "%d lines in %d:\n%s", len(got), height, strings.Join(got, "\n"))
		more := strings.Contains(got[len(got)-2], " more: see --only")
		if whole := len(lines(sixty().Table(status.Style{Width: 80}))); more == (whole <= height) {
			t.Errorf("%d of %d lines: does it say that there are more? %t", height, whole, more)
		}
	}
	// A row that does not fit is still shown.
	got := sixty().Table(status.Style{Width: 80, Height: 4})
	assert.Check(t, strings.Contains(got, "name-20"), "nothing is shown:\n%s", got)
}
