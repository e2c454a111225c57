package refresh

import (
	"fmt"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/store"
)

func TestRefreshAt(t *testing.T) {
	t.Parallel()
	issued := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		lifetime         time.Duration
		earliest, latest time.Duration
	}{
		"hesabe":                     {900 * time.Second, 684 * time.Second, 720 * time.Second},
		"tconnect":                   {36000 * time.Second, 27360 * time.Second, 28800 * time.Second},
		"a day":                      {24 * time.Hour, 24 * time.Hour * 76 / 100, 24 * time.Hour * 80 / 100},
		"just long enough for ten":   {691 * time.Second, 10 * time.Minute, 10 * time.Minute},
		"too short for ten minutes":  {690 * time.Second, 484 * time.Second, 510 * time.Second},
		"five minutes":               {300 * time.Second, 142 * time.Second, 150 * time.Second},
		"a minute: at half of it":    {time.Minute, 28500 * time.Millisecond, 30 * time.Second},
		"a second: at half of it":    {time.Second, 475 * time.Millisecond, 500 * time.Millisecond},
		"none: no hot loop":          {0, 10 * time.Minute, 10 * time.Minute},
		"less than none":             {-time.Hour, 10 * time.Minute, 10 * time.Minute},
		"thirty days":                {720 * time.Hour, 720 * time.Hour * 76 / 100, 720 * time.Hour * 80 / 100},
		"nineteen minutes and a bit": {1150 * time.Second, 874 * time.Second, 920 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			waits := map[time.Duration]bool{}
			for n := range 200 {
				key := store.Key{Provider: "p", Account: fmt.Sprint(n)}
				wait := refreshAt(key, issued, issued.Add(tt.lifetime)).Sub(issued)
				assert.Assert(t, wait >= tt.earliest && wait <= tt.latest, "%s: due after %s", key, wait)
				assert.Equal(t, refreshAt(key, issued, issued.Add(tt.lifetime)).Sub(issued), wait)
				waits[wait] = true
			}
			assert.Check(t, tt.earliest == tt.latest || len(waits) >= 100, "200 keys share %d moments", len(waits))
		})
	}
}
