package pace_test

import (
	"testing"
	"time"

	"tokenrefresh/pkg/pace"
)

func TestAttemptsLeft(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	const takes = 20 * time.Second
	for name, tt := range map[string]struct {
		from, until time.Duration // from now
		backsOff    bool
		retries     bool
		failures    int
		tick        time.Duration
		want        int
	}{
		"Hesabe, just refreshed":             {from: 12 * time.Minute, until: 15 * time.Minute, want: 3},  // at 12, 13 and 14
		"due a moment after a tick":          {from: 721 * time.Second, until: 15 * time.Minute, want: 2}, // at 13 and 14
		"after its first failure":            {until: 3 * time.Minute, want: 2},                           // at 1 and 2
		"after its second":                   {until: 2 * time.Minute, want: 1},                           // at 1
		"after its third":                    {until: time.Minute, want: 0},                               // too late at 1
		"the last tick is just in time":      {until: time.Minute + takes, want: 1},                       //
		"the last tick is just too late":     {until: time.Minute + takes - 1, want: 0},                   //
		"Hesabe each other minute":           {from: 12 * time.Minute, until: 15 * time.Minute, tick: 2 * time.Minute, want: 2},
		"Hesabe each fifth minute":           {from: 12 * time.Minute, until: 15 * time.Minute, tick: 5 * time.Minute, want: 0},
		"TConnect, just refreshed":           {from: 8 * time.Hour, until: 10 * time.Hour, want: 120},
		"a back-off longer than the token":   {from: time.Hour, until: 30 * time.Minute, want: 0},
		"expired":                            {until: -time.Hour, want: 0},
		"expired, backing off":               {until: -time.Hour, backsOff: true, want: 0},
		"years":                              {until: 1e5 * time.Hour, want: pace.MostAttempts},
		"years, backing off":                 {until: 1e5 * time.Hour, backsOff: true, want: pace.MostAttempts},
		"Berbix, just refreshed":             {from: 48 * time.Minute, until: time.Hour, backsOff: true, want: 4},  // 48, 50, 53, 58
		"retried, just refreshed":            {from: 48 * time.Minute, until: time.Hour, retries: true, want: 5},   // 48, 50, 53, 58, 59
		"retried, a long outage":             {until: 21*time.Minute + takes, retries: true, failures: 9, want: 5}, // 1, 7, 13, 19, 21
		"retried, the last tick is next":     {until: 2*time.Minute + takes, retries: true, failures: 9, want: 2},  // 1, 2
		"its third failure was now":          {from: 4 * time.Minute, until: 12 * time.Minute, backsOff: true, failures: 3, want: 1},
		"a login failed once, two hours":     {from: time.Minute, until: 2 * time.Hour, backsOff: true, failures: 1, want: 6}, // 1, 4, 9, 18, 35, 68
		"a login fails each hour":            {from: time.Hour, until: 4 * time.Hour, backsOff: true, failures: 9, want: 3},   // 60, 121, 182
		"a back-off that is shorter than it": {until: time.Hour, backsOff: true, tick: 5 * time.Minute, want: 6},              // 5, 10, 15, 20, 30, 50
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := pace.Outlook{From: now.Add(tt.from), Until: now.Add(tt.until), Takes: takes, BacksOff: tt.backsOff, Retries: tt.retries, Failures: tt.failures}
			if got := o.AttemptsLeft(now, max(tt.tick, time.Minute)); got != tt.want {
				t.Errorf("%d, want %d", got, tt.want)
			}
		})
	}
	if got := (pace.Outlook{}).AttemptsLeft(now, time.Minute); got != 0 {
		t.Errorf("%d without a token", got)
	}
}

// What is counted is what a schedule does that fails each time.
func TestAttemptsLeftAreThoseThatCome(t *testing.T) {
	t.Parallel()
	const tick, takes, moment = time.Minute, 20 * time.Second, 300 * time.Millisecond
	for name, one := range map[string]struct {
		o    pace.Outlook
		wait func(failures int, left time.Duration) time.Duration
	}{
		"each tick": {wait: func(int, time.Duration) time.Duration { return 0 }},
		"backs off": {o: pace.Outlook{BacksOff: true}, wait: func(n int, _ time.Duration) time.Duration { return pace.Backoff(n) }},
		"retries":   {o: pace.Outlook{Retries: true}, wait: func(n int, left time.Duration) time.Duration { return pace.Retry(n, left, tick) }},
	} {
		began := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
		o := one.o
		o.From, o.Until, o.Takes = began.Add(11*time.Minute), began.Add(50*time.Minute), takes
		want := o.AttemptsLeft(began, tick)
		for now := began.Add(tick); now.Before(o.Until); now = now.Add(tick) {
			if !now.Before(o.From) && !now.After(o.Until.Add(-takes)) {
				want--
				o.Failures++
				ended := now.Add(moment)
				o.From = ended.Add(one.wait(o.Failures, o.Until.Add(-takes).Sub(ended)))
			}
			if got := o.AttemptsLeft(now, tick); got != want {
				t.Errorf("%s, %s later: %d left, want %d", name, now.Sub(began), got, want)
			}
		}
		if want != 0 {
			t.Errorf("%s: %d of those that were counted did not come", name, want)
		}
	}
}
