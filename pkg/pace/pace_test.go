package pace_test

import (
	"context"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"

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
			assert.Check(t, earliest <= wait && wait <= tt.latest, "lifetime %s: due after %s", tt.lifetime, wait)
			assert.Equal(t, pace.Refresh(name, tt.lifetime), wait, "lifetime %s", tt.lifetime)
			seen[wait] = true
		}
		assert.Check(t, len(seen) >= 190, "lifetime %s: 200 names share %d moments", tt.lifetime, len(seen))
	}
	for _, lifetime := range []time.Duration{0, -time.Hour} {
		assert.Equal(t, pace.Refresh("name", lifetime), pace.Unusable)
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
				assert.Check(t, math.Abs(float64(n)-share) <= 4*math.Sqrt(share),
					"of %d names like %s, %d are due in part %d of %d, want about %.0f", names, fmt.Sprintf(format, 1), n, i+1, parts, share)
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
		assert.Equal(t, pace.RetryAfter(tt.asked, tt.left), tt.want, "%+v", tt)
	}
}

func TestSleep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		assert.Check(t, pace.Sleep(t.Context(), time.Minute))
		assert.Equal(t, time.Since(began), time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		assert.Check(t, !pace.Sleep(ctx, time.Minute))
		assert.Equal(t, time.Since(began), time.Minute+time.Second)
	})
}

func TestEnough(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		assert.NilError(t, pace.Enough(t.Context(), time.Hour)) // there is no deadline
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		assert.NilError(t, pace.Enough(ctx, time.Minute))
		assert.Check(t, pace.Enough(ctx, time.Minute+1) != nil, "too little is enough")
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
		assert.Equal(t, pace.Retry(tt.n, tt.left, tt.tick), tt.want, name)
		assert.Equal(t, pace.RetryEarly(tt.n, tt.left, tt.tick), max(0, tt.want-tt.tick/2), name)
	}
}

func TestRefusedCredentials(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]time.Duration{0: time.Hour, 1: time.Hour, 2: 6 * time.Hour, 3: 24 * time.Hour, 50: 24 * time.Hour} {
		assert.Equal(t, pace.RefusedCredentials(n), want, "%d", n)
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
				assert.Check(t, pace.LookForEdit(name, 20, at, tick), "of 20 one is not looked at")
				if pace.LookForEdit(name, 100, at, tick) {
					inRun++
					looks[name]++
				}
			}
			most = max(most, inRun)
		}
		for name, n := range looks {
			assert.Check(t, n >= 12 && n <= 15, "tick %s: %s is looked at %d times an hour", tick, name, n)
		}
		if tick < 5*time.Minute && most > 65 {
			t.Errorf("tick %s: %d of 100 in one run", tick, most)
		}
	}
}
