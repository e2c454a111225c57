package pace_test

import (
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/pace"
)

func TestAttemptsLeft(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	const takes = 20 * time.Second
	for name, tt := range map[string]struct {
		from, until time.Duration // from now
		early       bool
		refused     bool
		failures    int
		tick        time.Duration
		want        int
	}{
		"Hesabe, just refreshed":               {from: 12 * time.Minute, until: 15 * time.Minute, early: true, want: 3},  // at 12, 13 and 14
		"due a moment after a tick":            {from: 721 * time.Second, until: 15 * time.Minute, early: true, want: 2}, // at 13 and 14
		"after its first failure":              {until: 3 * time.Minute, early: true, failures: 1, want: 2},              // at 1 and 2
		"after its second":                     {until: 2 * time.Minute, early: true, failures: 2, want: 1},              // at 1
		"after its third":                      {until: time.Minute, early: true, failures: 3, want: 0},                  // too late at 1
		"the last tick is just in time":        {until: time.Minute + takes, want: 1},                                    //
		"the last tick is just too late":       {until: time.Minute + takes - 1, want: 0},                                //
		"Hesabe each other minute":             {from: 12 * time.Minute, until: 15 * time.Minute, early: true, tick: 2 * time.Minute, want: 2},
		"Hesabe each fifth minute":             {from: 12 * time.Minute, until: 15 * time.Minute, early: true, tick: 5 * time.Minute, want: 0},
		"TConnect, just refreshed":             {from: 8 * time.Hour, until: 10 * time.Hour, early: true, want: 27}, // 480, 481, 483, 487, each fifth, 597, 598 and 599
		"a back-off longer than the token":     {from: time.Hour, until: 30 * time.Minute, want: 0},
		"refused once":                         {from: time.Hour, until: 10 * time.Hour, refused: true, failures: 1, want: 2},      // 60, 421
		"refused for days":                     {from: 12 * time.Hour, until: 90 * time.Hour, refused: true, failures: 5, want: 4}, // 12 h, 36 h, 60 h, 84 h
		"refused, and it ends before":          {from: time.Hour, until: 50 * time.Minute, refused: true, failures: 1, want: 0},
		"expired":                              {until: -time.Hour, want: 0},
		"years":                                {until: 1e5 * time.Hour, want: pace.MaxAttempts},
		"Berbix, just refreshed":               {from: 48 * time.Minute, until: time.Hour, want: 5},                     // 48, 50, 53, 58, 59
		"Berbix, its fourth failure":           {from: 100 * time.Second, until: 3 * time.Minute, failures: 4, want: 1}, // 2
		"a long outage":                        {until: 21*time.Minute + takes, failures: 9, want: 5},                   // 1, 7, 13, 19, 21
		"a long outage, early":                 {until: 21*time.Minute + takes + 1, early: true, failures: 9, want: 6},  // 1, 6, 11, 16, 20, 21
		"the last tick is next":                {until: 2*time.Minute + takes, failures: 9, want: 2},                    // 1, 2
		"its third failure was now":            {from: 4 * time.Minute, until: 12 * time.Minute, failures: 3, want: 3},  // 4, 10, 11
		"a wait that is shorter than the tick": {until: time.Hour, tick: 5 * time.Minute, want: 8},                      // 5, 10, 15, 20, 30, 40, 50, 55
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := pace.Outlook{From: now.Add(tt.from), Until: now.Add(tt.until), Takes: takes, Failures: tt.failures, Early: tt.early, Refused: tt.refused}
			assert.Equal(t, o.AttemptsLeft(now, max(tt.tick, time.Minute)), tt.want)
		})
	}
	assert.Equal(t, (pace.Outlook{}).AttemptsLeft(now, time.Minute), 0)
}

// The count is, at any moment, the number of attempts of a schedule that always fails.
func TestAttemptsLeftAreThoseThatCome(t *testing.T) {
	t.Parallel()
	const takes = 20 * time.Second
	began := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	most := 0
	for _, early := range []bool{false, true} {
		retry := pace.Retry
		if early {
			retry = pace.RetryEarly
		}
		for _, tick := range []time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute} {
			for _, attempt := range []time.Duration{300 * time.Millisecond, time.Second, 20 * time.Second} { // how long each lasts
				for life := 13*time.Minute + time.Second; life < time.Hour; life += 7 * time.Second {
					if (life-takes)%tick == 0 || early && (life-takes)%(tick/2) == 0 {
						continue // the last tick may be too late or not
					}
					o := pace.Outlook{From: began.Add(3 * time.Minute), Until: began.Add(life), Takes: takes, Early: early}
					count := func(now time.Time) int { return o.AttemptsLeft(now, tick) }
					want := count(began)
					most = max(most, want)
					for now := began.Add(tick); now.Before(o.Until); now = now.Add(tick) {
						if !now.Before(o.From) && !now.After(o.Until.Add(-takes)) {
							want--
							o.Failures++
							ended := now.Add(attempt)
							o.From = ended.Add(retry(o.Failures, o.Until.Add(-takes).Sub(ended), tick))
						}
						if got := count(now); got != want {
							t.Fatalf("early %t, a tick of %s, attempts of %s, a token of %s: %d left after %s, want %d",
								early, tick, attempt, life, got, now.Sub(began), want)
						}
					}
					if want != 0 {
						t.Fatalf("early %t, a tick of %s, attempts of %s, a token of %s: %d of those that were counted did not come",
							early, tick, attempt, life, want)
					}
				}
			}
		}
	}
	assert.Check(t, most >= 12)
}
