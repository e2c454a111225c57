package pace_test

import (
	"context"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"tokenrefresh/pkg/pace"
)

func TestRefresh(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		lifetime, latest time.Duration
	}{
		{15 * time.Minute, 12 * time.Minute},       // 180 s before the end: Hesabe
		{10 * time.Hour, 8 * time.Hour},            // 20 %: TConnect
		{time.Hour, 48 * time.Minute},              // 20 %
		{5 * time.Minute, 150 * time.Second},       // 180 s would be more than half
		{2 * time.Second, time.Second},             // half
		{30 * 24 * time.Hour, 24 * 24 * time.Hour}, // 20 %
	} {
		earliest := tt.latest - tt.latest/20
		seen := map[time.Duration]bool{}
		for i := range 200 {
			name := fmt.Sprint(i)
			wait := pace.Refresh(name, tt.lifetime)
			if wait > tt.latest || wait < earliest {
				t.Errorf("lifetime %s: due after %s, want %s to %s", tt.lifetime, wait, earliest, tt.latest)
			}
			if again := pace.Refresh(name, tt.lifetime); again != wait {
				t.Errorf("lifetime %s: %s, then %s", tt.lifetime, wait, again)
			}
			seen[wait] = true
		}
		if len(seen) < 190 {
			t.Errorf("lifetime %s: 200 names share %d moments", tt.lifetime, len(seen))
		}
	}
	for _, lifetime := range []time.Duration{0, -time.Hour} {
		if wait := pace.Refresh("name", lifetime); wait != pace.Unusable {
			t.Errorf("lifetime %s: due after %s", lifetime, wait)
		}
	}
}

// Tokens of the same moment, under names that differ at their ends alone, become due in all parts
// of the time that jitter covers.
func TestRefreshIsSpread(t *testing.T) {
	t.Parallel()
	const lifetime, parts = 10 * time.Hour, 10
	latest := 8 * time.Hour
	for _, format := range []string{
		"hesabe/merchant-%04d", "tconnect/shop-%d", "hesabe/%04d-merchant", "%d", "hesabe/a%09d", "tconnect/%c", "p/tenant-%04d/eu-west-1",
	} {
		for _, names := range []int{100, 1000} {
			var in [parts]int
			for i := range names {
				early := latest - pace.Refresh(fmt.Sprintf(format, i+1), lifetime)
				in[int(parts*early/(latest/20))]++
			}
			// With chance alone a part deviates from its share by its root; four times that is rare.
			share := float64(names) / parts
			for i, n := range in {
				if off := math.Abs(float64(n) - share); off > 4*math.Sqrt(share) {
					t.Errorf("of %d names like %s, %d are due in part %d of %d, want about %.0f", names, fmt.Sprintf(format, 1), n, i+1, parts, share)
				}
			}
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ asked, left, want time.Duration }{
		{0, time.Hour, time.Minute},                          // it named none
		{0, 0, time.Minute},                                  //
		{10 * time.Second, time.Hour, 10 * time.Second},      // as asked
		{time.Millisecond, time.Hour, time.Second},           // no hot loop
		{10 * time.Minute, 5 * time.Minute, 5 * time.Minute}, // not beyond the token's end
		{10 * time.Minute, 10 * time.Second, time.Minute},    //
		{10 * time.Minute, -time.Hour, time.Minute},          // nothing left to lose
		{100 * time.Hour, 1000 * time.Hour, time.Hour},       // absurd
	} {
		if got := pace.RetryAfter(tt.asked, tt.left); got != tt.want {
			t.Errorf("asked %s, left %s: %s, want %s", tt.asked, tt.left, got, tt.want)
		}
	}
}

func TestSleep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if !pace.Sleep(t.Context(), time.Minute) || time.Since(began) != time.Minute {
			t.Errorf("slept %s", time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if pace.Sleep(ctx, time.Minute) || time.Since(began) != time.Minute+time.Second {
			t.Errorf("a cancelled sleep lasted until %s", time.Since(began))
		}
	})
}

func TestEnough(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		if err := pace.Enough(t.Context(), time.Hour); err != nil {
			t.Errorf("without a deadline: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := pace.Enough(ctx, time.Minute); err != nil {
			t.Errorf("just enough: %v", err)
		}
		if pace.Enough(ctx, time.Minute+1) == nil {
			t.Error("too little is enough")
		}
	})
}

func TestRetry(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		n                int
		left, tick, want time.Duration
	}{
		"the first":                  {1, time.Hour, time.Minute, time.Minute},
		"the second":                 {2, time.Hour, time.Minute, 2 * time.Minute},
		"the third":                  {3, time.Hour, time.Minute, 4 * time.Minute},
		"the fourth":                 {4, time.Hour, time.Minute, 5 * time.Minute},
		"the hundredth":              {100, time.Hour, time.Minute, 5 * time.Minute},
		"none has failed yet":        {0, time.Hour, time.Minute, time.Minute},
		"years":                      {1 << 40, time.Hour, time.Minute, 5 * time.Minute},
		"none is left":               {100, -time.Second, time.Minute, 5 * time.Minute},
		"the last attempt is within": {100, 4 * time.Minute, time.Minute, 3 * time.Minute},
		"the next tick is the last":  {100, 90 * time.Second, time.Minute, 30 * time.Second},
		"hardly any time":            {100, 10 * time.Second, time.Minute, 0},
		"a longer tick":              {1, 6 * time.Minute, 5 * time.Minute, time.Minute},
	} {
		if got := pace.Retry(tt.n, tt.left, tt.tick); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
		if got := pace.RetryEarly(tt.n, tt.left, tt.tick); got != max(0, tt.want-tt.tick/2) {
			t.Errorf("%s: early %s", name, got)
		}
	}
}

func TestRefusedCredentials(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]time.Duration{0: time.Hour, 1: time.Hour, 2: 6 * time.Hour, 3: 24 * time.Hour, 50: 24 * time.Hour} {
		if got := pace.RefusedCredentials(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

// Each run looks at all of few accounts. Of many, it looks at each once in five minutes, and not at
// all in the same run.
func TestLookForEdit(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	for _, tick := range []time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute} {
		most := 0
		looks := map[string]int{}
		for at := began; at.Before(began.Add(time.Hour)); at = at.Add(tick) {
			inRun := 0
			for i := range 100 {
				name := fmt.Sprint("merchant-", i)
				if !pace.LookForEdit(name, 20, at, tick) {
					t.Fatal("of 20 one is not looked at")
				}
				if pace.LookForEdit(name, 100, at, tick) {
					inRun++
					looks[name]++
				}
			}
			most = max(most, inRun)
		}
		for name, n := range looks {
			if n < 12 || n > 15 {
				t.Errorf("tick %s: %s is looked at %d times an hour", tick, name, n)
			}
		}
		if tick < 5*time.Minute && most > 65 {
			t.Errorf("tick %s: %d of 100 in one run", tick, most)
		}
	}
}
