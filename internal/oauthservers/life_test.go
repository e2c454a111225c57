package oauthservers_test

import (
	"context"
	"encoding/json"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"gotest.tools/v3/assert"

	"tokenrefresh/internal/oauthservers"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/providers/oauth2"
	"tokenrefresh/pkg/refresh"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

var key = store.Key{Provider: "oauth2", Account: "service"}

// life is a credential in a state file, whose clock the test moves.
type life struct {
	t *testing.T
	*home.Home
	server *oauthservers.Server
	client oauthservers.Client
	path   string
	engine *refresh.Engine
	passed atomic.Int64

	reuses bool // the server takes a token again
	people int  // how often one was needed
}

// live begins a credential with a client's credentials and more fields of them.
func live(t *testing.T, server *oauthservers.Server, client oauthservers.Client, more map[string]any) *life {
	t.Helper()
	reuse, set := more["refresh_token_reuse"]
	l := &life{t: t, server: server, client: client, path: t.TempDir() + "/state.db", reuses: set && reuse != "never"}
	var err error
	l.Home, err = home.Open(t.Context(), home.Options{Kind: home.Embedded, State: l.path})
	assert.NilError(t, err)
	l.engine = newEngine(l.Home, l.now)
	for _, doc := range []store.Document{store.Credentials, store.TokensDoc, store.AccessDoc} {
		assert.NilError(t, l.Editor.CreateSecret(t.Context(), key, doc))
	}
	l.edit(store.Credentials, server.Credentials(t, client, more))
	return l
}

func newEngine(h *home.Home, now func() time.Time) *refresh.Engine {
	return refresh.Engine{
		Provider: oauth2.New(exchange.New(exchange.Options{Now: now}), ""), Secrets: h.Secrets, Ledger: h.Ledger,
		Accounts: []string{key.Account}, NewID: uuid.NewString, Now: now,
	}.WithDefaults()
}

func (l *life) offset() time.Duration { return time.Duration(l.passed.Load()) }
func (l *life) now() time.Time        { return time.Now().Add(l.offset()) }
func (l *life) pass(d time.Duration)  { l.passed.Add(int64(d)) }

// edit writes a secret as a person does.
func (l *life) edit(doc store.Document, text secret.String) {
	l.t.Helper()
	_, err := l.Editor.PutCurrent(l.t.Context(), key, doc, text)
	assert.NilError(l.t, err)
}

// person begins a new chain.
func (l *life) person() {
	l.t.Helper()
	l.people++
	l.edit(store.TokensDoc, secret.New(`{"refresh_token":"`+l.server.Seed(l.t, l.client).Refresh+`"}`))
}

// begin is a person, and a refresh with the new chain.
func (l *life) begin() {
	l.t.Helper()
	l.person()
	l.pass(time.Minute)
	r := l.tick(true)
	assert.Assert(l.t, r.Outcome == outcome.Refreshed, "after a person: %s, %v", r.Outcome, r.Err)
}

// tick lets a run come.
func (l *life) tick(force bool) refresh.Result {
	l.t.Helper()
	results := l.engine.Run(l.t.Context(), refresh.Request{RunID: "run", Force: force})
	assert.Assert(l.t, len(results) == 1, "%d results", len(results))
	return results[0]
}

// settles lets ticks come, a minute apart, until the credential is well or a person is needed. It
// reports which of them.
func (l *life) settles() (well bool) {
	l.t.Helper()
	var last refresh.Result
	for range 20 {
		l.pass(time.Minute)
		last = l.tick(false)
		switch last.Outcome { //nolint:exhaustive // any other passes by itself
		case outcome.Uncertain, outcome.Dead:
			return false
		case outcome.Refreshed, outcome.LoggedIn, outcome.Recovered:
			return true
		case outcome.NotDue: // perhaps not yet again
			if l.row().LastOutcome.Rotates() {
				return true
			}
		}
	}
	l.t.Fatalf("it does not settle: %s, %v", last.Outcome, last.Err)
	return false
}

func (l *life) row() store.Row {
	l.t.Helper()
	row, _, err := l.Ledger.Row(l.t.Context(), key)
	assert.NilError(l.t, err)
	return row
}

// access is the published access token.
func (l *life) access() string {
	l.t.Helper()
	v, err := l.Secrets.Current(l.t.Context(), key, store.AccessDoc)
	assert.NilError(l.t, err)
	var document struct {
		Token string `json:"access_token"`
	}
	assert.NilError(l.t, json.Unmarshal([]byte(v.Value.Reveal()), &document))
	return document.Token
}

// good checks that the server takes the published access token.
func (l *life) good() {
	l.t.Helper()
	r, err := http.NewRequestWithContext(l.t.Context(), http.MethodGet, l.server.Probe(), http.NoBody)
	assert.NilError(l.t, err)
	r.Header.Set("Authorization", "Bearer "+l.access())
	response, err := http.DefaultClient.Do(r)
	assert.NilError(l.t, err)
	_ = response.Body.Close()
	assert.Check(l.t, response.StatusCode == http.StatusOK,
		"the server answers %s to the published access token", response.Status)
}

// sound checks that no refresh token was presented again that the server had acted on, unless the
// credentials say that it takes it, and none in vain.
func (l *life) sound() {
	l.t.Helper()
	seen := l.server.Seen()
	if seen.RepeatedActed != 0 && !l.reuses || seen.Grandparents != 0 || seen.Refused != 0 {
		l.t.Errorf("presented again: %+v", seen)
	}
}

// runElsewhere is one run of the engine in a process of its own, for main.
func runElsewhere(ctx context.Context, path, offset string) error {
	ahead, err := time.ParseDuration(offset)
	if err != nil {
		return err
	}
	h, err := home.Open(ctx, home.Options{Kind: home.Embedded, State: path, Existing: true})
	if err != nil {
		return err
	}
	newEngine(h, func() time.Time { return time.Now().Add(ahead) }).Run(ctx, refresh.Request{RunID: "elsewhere", Force: true})
	return nil
}
