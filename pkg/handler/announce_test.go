package handler_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/announce"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// heardBus keeps what a notifier sends.
type heardBus struct{ events []announce.Event }

func (b *heardBus) Put(_ context.Context, events []announce.Event) error {
	b.events = append(b.events, events...)
	return nil
}

// newNotifier is a notifier over a ledger.
func newNotifier(ledger interface {
	SetTold(ctx context.Context, key store.Key, told string) error
},
) (*announce.Notifier, *heardBus) {
	b := &heardBus{}
	return &announce.Notifier{Bus: b, Log: slog.New(slog.DiscardHandler), Mark: func(ctx context.Context, provider, account, told string) error {
		return ledger.SetTold(ctx, store.Key{Provider: provider, Account: account}, told)
	}}, b
}

// take returns the events since its last call, as "type: outcome".
func (b *heardBus) take() []string {
	told := []string{}
	for _, e := range b.events {
		told = append(told, string(e.Type)+": "+string(e.Outcome))
	}
	b.events = nil
	return told
}

func TestRefreshTellsWhatIsNews(t *testing.T) {
	t.Parallel()
	world := refreshtest.New()
	h, _ := newRefresh(world)
	notifier, bus := newNotifier(h.Engine.Ledger)
	h.Announce = notifier
	want := func(payload string, want ...string) {
		t.Helper()
		_, _ = h.Invoke(t.Context(), []byte(payload)) // some are function errors
		assert.Check(t, is.DeepEqual(bus.take(), append([]string{}, want...)), "%s", payload)
	}
	want(`{"dry_run":true}`)
	_, err := h.Invoke(t.Context(), []byte(`{}`))
	assert.NilError(t, err)
	row := world.Ledger.Get(refreshtest.Default)
	left := 3
	expected := []announce.Event{{
		Type: announce.Rotated, At: world.Now(), Provider: refreshtest.Name, Account: "default", Outcome: "logged_in",
		AttemptID: row.AttemptID, VersionID: row.VersionID, AccessExpiresAt: row.AccessExpiresAt.Format(time.RFC3339), AttemptsLeft: &left,
	}}
	for i := range bus.events {
		assert.Check(t, bus.events[i].RunID != "", "an event names no run")
		bus.events[i].RunID = ""
	}
	assert.DeepEqual(t, bus.events, expected)
	bus.take()

	want(`{}`)
	world.Advance(12 * time.Minute)
	world.Provider.Answer = refreshtest.Fail(refreshtest.Refresh, providers.NotSent, false)
	want(`{"force":true,"dry_run":true}`)
	want(`{}`)
	world.Advance(time.Minute)
	world.Provider.Answer = refreshtest.Fail(refreshtest.Refresh, providers.Misconfigured, false)
	want(`{}`, "Token Refresh Failed: misconfigured")
	want(`{}`)
	world.Provider.Answer = nil
	want(`{"force":true}`, "Token Rotated: refreshed", "Token Recovered: refreshed")

	world.Secrets.Put(refreshtest.Default, store.Credentials, world.Provider.CredentialsWithoutLogin())
	world.Provider.Answer = refreshtest.Fail(refreshtest.Refresh, providers.Refused, false)
	want(`{"force":true}`, "Token Refresh Failed: dead")
	want(`{}`)
	world.Provider.Answer = nil
	world.Secrets.Put(refreshtest.Default, store.Credentials, world.Provider.Credentials())
	want(`{}`, "Token Rotated: logged_in", "Token Recovered: logged_in")
	want(`{}`)
}

// A process that starts in the middle of a failure learns of it from the ledger.
func TestRefreshTellsAFailureOncePerFailure(t *testing.T) {
	t.Parallel()
	world := refreshtest.New()
	world.Provider.Answer = refreshtest.Fail(refreshtest.Login, providers.Refused, false)
	for n, want := range [][]string{{"Token Refresh Failed: misconfigured"}, {}, {}} {
		h, _ := newRefresh(world)
		notifier, bus := newNotifier(h.Engine.Ledger)
		h.Announce = notifier
		_, _ = h.Invoke(t.Context(), nil) // is a function error
		assert.Check(t, is.DeepEqual(bus.take(), want), "process %d", n)
	}
}

func TestSweepTellsWhatIsNews(t *testing.T) {
	t.Parallel()
	h, _ := newSweep(t, "good")
	notifier, bus := newNotifier(h.Engine.Ledger.(store.Ledger))
	h.Announce = notifier
	want := func(payload string, want ...string) {
		t.Helper()
		_, _ = h.Invoke(t.Context(), []byte(payload)) // some are function errors
		text, _ := json.Marshal(bus.events)
		assert.Check(t, !strings.Contains(string(text), planted), "an event shows a token")
		assert.Check(t, is.DeepEqual(bus.take(), append([]string{}, want...)), "%s", payload)
	}
	want(string(record("a", "b", "dead")))
	want(`{}`, "Token Refresh Failed: dead") // two refreshed, which is no event
	want(`{"transaction_id":3,"force":true}`)
	healthy := h.Engine.Transactions
	h.Engine.Transactions = blindIndex{healthy}
	want(`{}`)
	h.Engine.Transactions = healthy
	want(`{"force":true}`)
}

// refusing is a provider that refuses the API secret.
type refusing struct{ berbix }

func (p refusing) Open(secret.String) (providers.Session, error) {
	return refusingSession{session(p.berbix)}, nil
}

type refusingSession struct{ session }

func (refusingSession) Refresh(context.Context, secret.String) (providers.Tokens, error) {
	return providers.Tokens{}, &providers.Error{Kind: providers.Misconfigured, Provider: "berbix", Op: "refresh", Status: 401}
}

// A refused API secret causes one notice, until it is accepted again.
func TestSweepTellsOfRefusedCredentials(t *testing.T) {
	t.Parallel()
	h, _ := newSweep(t, "good")
	notifier, bus := newNotifier(h.Engine.Ledger.(store.Ledger))
	h.Announce = notifier
	invoke(t, h, record("a"))
	good := h.Engine.Provider
	h.Engine.Provider = refusing{berbix{time.Now}}
	for i, want := range [][]string{{"Token Refresh Failed: misconfigured"}, {}, {}} {
		invoke(t, h, nil)
		assert.Check(t, is.DeepEqual(bus.take(), want), "run %d", i)
	}
	h.Engine.Provider = good
	for i, want := range [][]string{{"Token Recovered: refreshed"}, {}} {
		invoke(t, h, []byte(`{"force":true}`))
		assert.Check(t, is.DeepEqual(bus.take(), want), "taken again, run %d", i)
	}
}
