package store_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/store"
)

var began = time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)

func TestTally(t *testing.T) {
	t.Parallel()
	at := func(minutes ...int) (tally store.Tally) {
		var times []time.Time
		for _, m := range minutes {
			at := began.Add(time.Duration(m) * time.Minute)
			tally, times = tally.Add(at), append(times, at)
		}
		if all := store.Tally("").Add(times...); all != tally {
			t.Errorf("%v at once: %q, one by one: %q", minutes, all, tally)
		}
		return tally
	}
	for _, tt := range []struct {
		tally, want store.Tally
		last        time.Duration
		day, all    int // within a day and within an hour of the last, counted by the hour
	}{
		{at(), "", 0, 0, 0},
		{at(0), "1772368200 1", 0, 1, 1},
		{at(0, 12, 24), "1772369640 3", 24 * time.Minute, 3, 3},
		{at(0, 12, 24, 36), "1772370360 1 3", 36 * time.Minute, 4, 4},
		{at(0, 121), "1772375460 1 0 1", 121 * time.Minute, 2, 1},
		{at(0, 24*60), store.Tally("1772454600 1" + zeros(23) + " 1"), 24 * time.Hour, 2, 1},
		{at(0, 24*60+30), "1772456400 1", 24*time.Hour + 30*time.Minute, 1, 1},
		// A clock that was wrong by a day, and one that is a second behind another's.
		{at(24*60, 0), "1772368200 2", 0, 2, 2},
		{at(31, 29), "1772369940 2", 29 * time.Minute, 2, 2},
		{at(-60, 24*60, 0, 12), "1772368920 3", 12 * time.Minute, 3, 3},
	} {
		if tt.tally != tt.want {
			t.Errorf("%q, want %q", tt.tally, tt.want)
			continue
		}
		if parsed, err := store.ParseTally(string(tt.tally)); err != nil || parsed != tt.tally {
			t.Errorf("%q is read as %q, %v", tt.tally, parsed, err)
		}
		last := tt.tally.Last()
		if tt.want != "" && !last.Equal(began.Add(tt.last)) || tt.want == "" && !last.IsZero() {
			t.Errorf("%q: the last at %v", tt.tally, last)
		}
		if day, hour := tt.tally.Since(last.Add(-24*time.Hour)), tt.tally.Since(last.Add(-time.Hour)); day != tt.day || hour != tt.all {
			t.Errorf("%q: %d in a day and %d in an hour, want %d and %d", tt.tally, day, hour, tt.day, tt.all)
		}
	}
}

func zeros(n int) (text string) {
	for range n {
		text += " 0"
	}
	return text
}

// Compared with a list of times, a tally never counts too few, and of the oldest hour perhaps
// too many.
func TestTallyIsCareful(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var tally store.Tally
		var times []time.Time
		now := began
		for range 300 {
			now = now.Add(time.Duration(random.ExpFloat64() * float64(15*time.Minute)))
			times, tally = append(times, now), tally.Add(now)
			least, most := 0, 0
			for _, at := range times {
				if !at.Before(now.Add(-24 * time.Hour)) {
					least++
				}
				if !at.Before(now.Add(-24 * time.Hour).Truncate(time.Hour)) {
					most++
				}
			}
			if n := tally.Since(now.Add(-24 * time.Hour)); n != most || n < least {
				t.Fatalf("%q counts %d, want %d to %d", tally, n, least, most)
			}
			assert.Assert(t, len(tally) <= 10+25*3, "%q is long", tally)
		}
	}
}

func TestParseTally(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"1772368200", "1772368200 ", " 1", "1772368200 1 ", "1772368200  1", "-1 1", "x 1", "1772368200 x", "1772368200 -1",
		"1772368200 10000", "1772368200 1\n", "99999999999999 1", "1772368200" + zeros(26),
	} {
		if got, err := store.ParseTally(text); err == nil {
			t.Errorf("%q is read as %q", text, got)
		}
		if got := store.Tally(text).Add(began); got != "1772368200 1" {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}
