package invoke_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/internal/operator/invoke"
	"tokenrefresh/pkg/config"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
)

func newHome(t *testing.T) *home.Home {
	t.Helper()
	h, err := home.Open(t.Context(), home.Options{Kind: home.Embedded, State: filepath.Join(t.TempDir(), "state.db")})
	assert.NilError(t, err)
	return h
}

func newHere(t *testing.T, h *home.Home, provider string, accounts ...string) *invoke.Here {
	t.Helper()
	entry, err := catalog.Find(provider)
	assert.NilError(t, err)
	cfg := config.Config{Accounts: accounts, HTTPTimeout: time.Second, SweepWorkers: 2, ProviderEnvironment: "sandbox"}
	return invoke.NewHere(entry, h, cfg, slog.New(slog.DiscardHandler))
}

// outcomes are by account, for a chain, or of all rows.
func outcomes(t *testing.T, here *invoke.Here) map[string]outcome.Outcome {
	t.Helper()
	r, err := here.Invoke(t.Context(), invoke.Event{})
	assert.NilError(t, err)
	all := map[string]outcome.Outcome{}
	for _, c := range r.Credentials {
		all[c.Account] = c.Outcome
	}
	if len(all) == 0 {
		for what := range r.Outcomes {
			all["rows"] = what
		}
	}
	return all
}

func rows(t *testing.T, h *home.Home, provider string) []string {
	t.Helper()
	stored, err := h.Ledger.Rows(t.Context(), provider)
	assert.NilError(t, err)
	var names []string
	for _, row := range stored {
		names = append(names, row.Account)
	}
	return names
}

// Without named accounts it is the default one, once that has a secret. Before that nothing is
// refreshed, and nothing is written that a status would show for ever.
func TestDefaultAccount(t *testing.T) {
	t.Parallel()
	for _, provider := range catalog.Names() {
		t.Run(provider, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			here := newHere(t, h, provider)
			assert.Check(t, is.DeepEqual(outcomes(t, here), map[string]outcome.Outcome{}), "an empty home")
			got := rows(t, h, provider)
			assert.Check(t, len(got) == 0, "an empty home has rows of %v then", got)
			key := store.Key{Provider: provider, Account: "default"}
			assert.NilError(t, h.Editor.CreateSecret(t.Context(), key, store.Credentials))
			what := outcomes(t, here)["default"]
			assert.Check(t, what == outcome.NotSeeded, "with a secret: %s", what)
		})
	}
}

// Named accounts are kept fresh like in a deployed function, and so are those in the ledger.
func TestNamedAccounts(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	assert.NilError(t, h.Ledger.SetPaused(t.Context(), store.Key{Provider: "hesabe", Account: "known"}, true))
	want := map[string]outcome.Outcome{"known": outcome.Paused}
	assert.Check(t, is.DeepEqual(outcomes(t, newHere(t, h, "hesabe")), want), "of the ledger")
	want["named"] = outcome.Misconfigured
	assert.Check(t, is.DeepEqual(outcomes(t, newHere(t, h, "hesabe", "named")), want), "named")
}

var errDown = errors.New("the store is down")

// downLedger and downSecrets are stores that cannot be read.
type downLedger struct{ home.Ledger }

func (downLedger) Rows(context.Context, string) ([]store.Row, error) { return nil, errDown }

func (downLedger) RowsAndShardClaims(context.Context, string) ([]store.Row, []store.ShardClaim, error) {
	return nil, nil, errDown
}

type downSecrets struct{ store.Secrets }

func (downSecrets) CurrentID(context.Context, store.Key, store.Document) (string, error) {
	return "", errDown
}

// A home that cannot be read must not look like one with nothing to do.
func TestHomeThatIsDown(t *testing.T) {
	t.Parallel()
	for _, provider := range catalog.Names() {
		for name, breakIt := range map[string]func(h *home.Home){
			"ledger":  func(h *home.Home) { h.Ledger = downLedger{h.Ledger} },
			"secrets": func(h *home.Home) { h.Secrets = downSecrets{h.Secrets} },
		} {
			t.Run(provider+" "+name, func(t *testing.T) {
				t.Parallel()
				h := newHome(t)
				breakIt(h)
				_, err := newHere(t, h, provider).Invoke(t.Context(), invoke.Event{})
				assert.Check(t, errors.Is(err, errDown), "error %v", err)
			})
		}
	}
}
