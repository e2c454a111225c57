package filereader_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/providers/hesabe"
	"tokenrefresh/pkg/reader"
	"tokenrefresh/pkg/reader/filereader"
	"tokenrefresh/pkg/refresh"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// TestServicesDuringRefreshes: while the engine refreshes, and Hesabe revokes each access
// token before the next is published, no service sees a refusal.
func TestServicesDuringRefreshes(t *testing.T) {
	t.Parallel()
	const refreshes, services = 10, 4
	providers, err := sandbox.Start(sandbox.Options{
		// Its refresh is due at once, within the difference that clocks may have.
		Lifetimes: map[sandbox.Provider]sandbox.Lifetime{sandbox.Hesabe: {Access: 15 * time.Second}},
	})
	assert.NilError(t, err)
	t.Cleanup(providers.Close)
	home, path := open(t)
	credentials := secret.New(providers.Credentials(sandbox.Hesabe))
	if _, err := home.Secrets().PutCurrent(t.Context(), key, store.Credentials, credentials); err != nil {
		t.Fatal(err)
	}
	engine := refresh.Engine{
		Provider: hesabe.New(exchange.New(exchange.Options{}), "sandbox"),
		Secrets:  home.Secrets(), Ledger: home.Ledger(), Accounts: []string{key.Account}, NewID: uuid.NewString,
	}.WithDefaults()
	run := func(want outcome.Outcome) {
		t.Helper()
		results := engine.Run(t.Context(), refresh.Request{Account: key.Account, Force: true})
		assert.Assert(t, len(results) == 1 && results[0].Outcome == want, "%+v", results)
	}
	run(outcome.LoggedIn)

	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !providers.Valid(sandbox.Hesabe, token) {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(api.Close)

	seen := newTally(services)
	var group sync.WaitGroup
	for i := range services {
		tokens := reader.NewTokenSource(filereader.Access(path, "hesabe", "default"), reader.Options{MinLife: -1, Gap: time.Minute})
		transport, err := reader.NewTransport(tokens, api.URL)
		assert.NilError(t, err)
		client := &http.Client{Transport: transport}
		group.Go(func() {
			defer seen.end()
			for seen.add(i) {
				resp, err := client.Post(api.URL, "text/plain", strings.NewReader("order"))
				if err != nil {
					t.Error(err)
					return
				}
				_ = resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					t.Errorf("service %d: %s", i, resp.Status)
					return
				}
			}
		})
	}
	defer group.Wait()
	defer seen.end()
	for range refreshes {
		run(outcome.Refreshed)
		seen.twoMore() // so that each has met the new token
	}
}

// tally counts the requests of services, and lets the writer wait for them.
type tally struct {
	mu     sync.Mutex
	change *sync.Cond
	begun  []int
	ended  bool
}

func newTally(services int) *tally {
	y := &tally{begun: make([]int, services)}
	y.change = sync.NewCond(&y.mu)
	return y
}

// add counts a request; false: make no more.
func (y *tally) add(service int) bool {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.begun[service]++
	y.change.Broadcast()
	return !y.ended
}

func (y *tally) end() {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.ended = true
	y.change.Broadcast()
}

// twoMore waits until each service has made a request that began after the call.
func (y *tally) twoMore() {
	y.mu.Lock()
	defer y.mu.Unlock()
	for i, before := range slices.Clone(y.begun) {
		for y.begun[i] < before+2 && !y.ended {
			y.change.Wait()
		}
	}
}
