package refresh_test

import (
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/refresh"
	rt "tokenrefresh/pkg/refresh/refreshtest"
)

// Whatever makes so many versions, there is a warning before the hundredth, and another before the
// hundred and forty-fourth. There is none in between, where the refreshes of a 15-minute token are.
func TestVersionsAreMetered(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := live(t)
		warned := func(want int) bool {
			w.Advance(time.Minute)
			got := wantRun(t, w, nil, refresh.Request{Force: true}, outcome.Refreshed)
			assert.Equal(t, got.Versions, want)
			text := strings.Join(got.Warnings, " ")
			return strings.Contains(text, "model/default/tokens") && strings.Contains(text, "24 hours")
		}
		for n := 2; n <= 150; n++ {
			want := n >= 90 && n <= 100 || n >= 134
			assert.Equal(t, warned(n), want)
		}
		w.Advance(25 * time.Hour) // they are counted by the hour
		assert.Check(t, !warned(1), "warned of the versions of another day")
	})
	inBubble(t, "the row does not grow for ever", func(t *testing.T) {
		w := live(t)
		for range 300 {
			w.Advance(11 * time.Minute)
			run(w, nil, refresh.Request{Force: true})
		}
		assert.Check(t, len(row(w).Staged) <= 100)
	})
}

// A failed login and a login after a lost reply are separate attempts, and may each stage a
// version. A recovery and a lost claim stage none, and are not counted.
func TestVersionsCountAttempts(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := live(t)
		for _, step := range []struct {
			hook rt.Hook
			want outcome.Outcome
			n    int
		}{
			{at(sends, 1, 0, rt.FailAfter), outcome.LoggedIn, 3},
			{at(claims, 1, 0, rt.FailBefore), outcome.Transient, 3},
			{at(promotes, 1, 0, rt.DieBefore), outcome.PersistFailed, 4},
			{nil, outcome.Recovered, 4},
		} {
			w.Advance(12 * time.Minute)
			wantTick(t, w, step.hook, step.want)
			assert.Equal(t, row(w).Staged.Since(time.Time{}), step.n)
		}
	})
}
