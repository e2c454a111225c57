package refresh_test

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/store"
)

// The row has the reason why the last run brought nothing, as long as it is true.
func TestLastError(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		breaks, mends func(*rt.World)
		outcome       outcome.Outcome
		cause         string
	}{
		"the provider cannot be reached": {
			func(w *rt.World) { w.Provider.Answer = rt.Fail(rt.Refresh, providers.NotSent, false) },
			func(w *rt.World) { w.Provider.Answer = nil },
			outcome.Transient, "not sent",
		},
		"the refresh token is refused": {
			func(w *rt.World) { w.Provider.Answer = rt.Fail(rt.Refresh, providers.Refused, false) },
			func(w *rt.World) { w.Provider.Answer = nil; w.Seed(rt.Default) },
			outcome.Dead, "refused",
		},
		"the credentials are forbidden": {
			func(w *rt.World) { w.Secrets.Break(rt.Default, store.Credentials, store.ErrForbidden) },
			func(w *rt.World) { w.Secrets.Break(rt.Default, store.Credentials, nil) },
			outcome.Misconfigured, store.ErrForbidden.Error(),
		},
	} {
		inBubble(t, name, func(t *testing.T) {
			w := liveWithoutLogin(t)
			tt.breaks(w)
			for range 2 { // the second finds what the first has written
				wantTick(t, w, nil, tt.outcome)
				if r := row(w); r.LastOutcome != tt.outcome || !strings.Contains(r.LastError, tt.cause) || strings.Contains(r.LastError, "\n") {
					t.Errorf("noted: %s, %q, want %s because of %s", r.LastOutcome, r.LastError, tt.outcome, tt.cause)
				}
				w.Advance(5 * time.Minute)
			}
			tt.mends(w)
			after(w, time.Hour)
			assert.Check(t, row(w).LastError == "")
		})
	}
}

func TestEnded(t *testing.T) {
	t.Parallel()
	r := store.Row{LastError: "old"}
	r.Ended(outcome.Refreshed, nil)
	assert.Equal(t, r.LastOutcome, outcome.Refreshed)
	assert.Check(t, r.LastError == "")
	r.Ended(outcome.Dead, errors.Join(errors.New("why"), errors.New("what to do")))
	assert.Equal(t, r.LastError, "why")
	r.Ended(outcome.Dead, errors.New("x"+strings.Repeat("é", 1000)))
	n := len(r.LastError)
	assert.Check(t, n == 499 && utf8.ValidString(r.LastError), "%d bytes, of UTF-8: %t", n, utf8.ValidString(r.LastError))
}

// If a secret cannot be read for a new reason, the row gets that reason.
func TestLastErrorFollowsTheSecrets(t *testing.T) {
	t.Parallel()
	for name, world := range map[string]func(t *testing.T) *rt.World{
		"due": live,
		"backing off": func(t *testing.T) *rt.World {
			t.Helper()
			w := failing(providers.NotSent)(t)
			tick(w, nil)
			w.Provider.Answer = nil
			return w
		},
	} {
		inBubble(t, name, func(t *testing.T) {
			w := world(t)
			for _, reason := range []error{store.ErrForbidden, store.ErrNoSecret, store.ErrForbidden} {
				w.Secrets.Break(rt.Default, store.Credentials, reason)
				for range 2 {
					got := wantTick(t, w, nil, outcome.Misconfigured)
					assert.Check(t, errors.Is(got.Err, reason))
				}
				assert.Check(t, strings.Contains(row(w).LastError, reason.Error()))
			}
			w.Secrets.Break(rt.Default, store.Credentials, nil)
			tick(w, nil)
			wantHealthy(t, w)
		})
	}
}
