package e2e_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/sandbox"
)

// announced is an event as its rule sees it.
type announced struct {
	Source, DetailType, EventBusName string
	Detail                           string
}

// announced returns the events that the function has put on the bus since it was asked
// last.
func (f *function) announced(t *testing.T) []announced {
	t.Helper()
	var events []announced
	for _, body := range f.wire.takeEvents() {
		f.heard.add(string(body))
		var in struct{ Entries []announced }
		assert.NilError(t, json.Unmarshal(body, &in))
		events = append(events, in.Entries...)
	}
	return events
}

// wantAnnounced checks the types and outcomes of the events since it was called last, and
// that each says until when the access token is good.
func (f *function) wantAnnounced(t *testing.T, c *credential, want ...string) {
	t.Helper()
	got := []string{}
	for _, e := range f.announced(t) {
		var detail struct {
			Provider, Account, Outcome, Error string
			RunID                             string    `json:"run_id"`
			AccessExpiresAt                   time.Time `json:"access_expires_at"`
		}
		assert.NilError(t, json.Unmarshal([]byte(e.Detail), &detail))
		got = append(got, e.DetailType+": "+detail.Outcome)
		failed := e.DetailType == "Token Refresh Failed"
		if e.Source != "token-refresh" || e.EventBusName != "default" || detail.Provider != string(c.provider) ||
			detail.Account != c.account || detail.RunID == "" || detail.AccessExpiresAt.IsZero() || (detail.Error != "") != failed {
			t.Errorf("event %+v", e)
		}
	}
	assert.Check(t, is.DeepEqual(got, append([]string{}, want...)), "events")
}

// The emulated EventBridge takes what the functions tell: each rotation, and of what needs a
// person its begin and its end.
func TestEventsAreAnnounced(t *testing.T) {
	t.Parallel()
	w := sharedWorld(t, debug)
	eachChain(t, func(t *testing.T, provider sandbox.Provider, life time.Duration) {
		c, f := w.loggedIn(t, provider, "announced")
		f.wantAnnounced(t, c, "Token Rotated: logged_in")
		f.want(t, c.force(), "refreshed")
		f.want(t, f.tick, "not_due")
		f.wantAnnounced(t, c, "Token Rotated: refreshed")
		c.elapse(t, life-100*time.Second)
		c.sandbox.Inject(provider, sandbox.Refresh, 2, sandbox.RateLimit("1"))
		f.want(t, f.tick, "rate_limited")
		f.want(t, c.force(), "rate_limited")
		f.want(t, c.force(), "refreshed")
		f.wantAnnounced(t, c, "Token Rotated: refreshed")

		c.seed(t, noLogin[provider])
		c.sandbox.Inject(provider, sandbox.Refresh, 1, sandbox.LoseReply())
		f.checkNeedsPerson(t, c.force(), "uncertain")
		f.wantAnnounced(t, c, "Token Refresh Failed: uncertain")
		f.checkNeedsPerson(t, f.tick, "uncertain")
		f.Kill() // the next process knows it from the ledger
		f.checkNeedsPerson(t, f.tick, "uncertain")
		f.wantAnnounced(t, c)
		c.seed(t, nil)
		f.want(t, f.tick, "logged_in")
		f.wantAnnounced(t, c, "Token Rotated: logged_in", "Token Recovered: logged_in")
		warned := f.undelivered()
		assert.Check(t, warned == 0, "%d times events were not delivered\n%s", warned, f.Logs())
	})
}

// An event bus that fails, or gives no answer, costs no refresh.
func TestEventBusIsDown(t *testing.T) {
	t.Parallel()
	w := sharedWorld(t, debug)
	c, f := w.loggedIn(t, sandbox.Hesabe, "no-bus")
	gone := make(chan struct{})
	silent := func(carry) *httptest.ResponseRecorder {
		<-gone
		return nil
	}
	for n, way := range []mishap{refused, dropped, f.resting(silent)} {
		f.wire.expectAll(func(c call) mishap {
			if c.operation == "PutEvents" {
				return way
			}
			return nil
		})
		f.want(t, c.force(), "refreshed")
		c.checkLive(t)
		warned := f.undelivered()
		assert.Check(t, warned == n+1, "%d warnings after %d failures\n%s", warned, n+1, f.Logs())
	}
	close(gone)
	f.wire.clear()
	c.checkSound(t)
}

// undelivered is how often the function has warned of events that it could not deliver.
func (f *function) undelivered() int { return strings.Count(f.Logs(), "events not delivered") }
