package refresh_test

import (
	"fmt"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/providers"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/store"
)

// Readers notice no outage of the provider that leaves one tick of the margin, whenever it begins.
// It may be refused connections, a rate limit without a wait, or both in turn.
func TestReadersThroughAnOutage(t *testing.T) {
	t.Parallel()
	const margin = 3 // minutes between the due time of a 15-minute token and its end
	kinds := [][]providers.Kind{
		{providers.NotSent}, {providers.RateLimited}, {providers.NotSent, providers.RateLimited},
	}
	for _, login := range []bool{true, false} {
		for begin := range 30 {
			inBubble(t, fmt.Sprintf("from minute %d, login %t", begin, login), func(t *testing.T) {
				for length := 1; length < margin; length++ {
					for _, kinds := range kinds {
						outage(t, login, begin, length, kinds)
					}
				}
			})
		}
	}
}

func outage(t *testing.T, login bool, begin, length int, kinds []providers.Kind) {
	t.Helper()
	w := liveWith(t, login)
	for minute := range 60 {
		w.Provider.Answer = nil
		if minute >= begin && minute < begin+length {
			w.Provider.Answer = rt.Fail(rt.Refresh, kinds[minute%len(kinds)], false)
		}
		tick(w, nil)
		access, _ := read(w, store.AccessDoc)
		if left := w.Provider.Remaining(access.AccessToken); left < time.Minute {
			t.Errorf("%d minutes of %v from minute %d: at minute %d readers have a token for %s", length, kinds, begin, minute, left)
			return
		}
		w.Advance(time.Minute)
	}
	assert.Equal(t, w.Provider.Calls(rt.Login), 0)
}
