package pace_test

import (
	"context"
	"fmt"
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

func TestBackoff(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]time.Duration{
		0: time.Minute, 1: time.Minute, 2: 2 * time.Minute, 6: 32 * time.Minute, 7: time.Hour, 1 << 40: time.Hour,
	} {
		if got := pace.Backoff(n); got != want {
			t.Errorf("after %d failures %s, want %s", n, got, want)
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
