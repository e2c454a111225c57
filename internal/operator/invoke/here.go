// Package invoke runs a provider's function once: its handler in this process, on the home
// that an operator names, or the function that is deployed.
package invoke

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/pkg/config"
	"tokenrefresh/pkg/handler"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/refresh"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/sweep"
)

// Event is a request to a function. The zero value asks for a plain tick.
type Event struct {
	Account       string `json:"account,omitempty"`
	Force         bool   `json:"force,omitempty"`
	DryRun        bool   `json:"dry_run,omitempty"`
	TransactionID int64  `json:"transaction_id,omitempty"`
	// Rejected is the attempt whose access token the provider refuses, although it is published.
	Rejected string `json:"rejected,omitempty"`
}

// Here runs a provider's function in this process. It is not safe for concurrent use: make one for
// each run at the same time.
type Here struct {
	Provider string

	home     *home.Home
	invoke   func(ctx context.Context, payload []byte) ([]byte, error)
	accounts *[]string // of the engine
	settled  bool      // they stay as they are
}

// NewHere makes the function of a provider on a home. It keeps cfg.Accounts fresh like a deployed
// function, even before they exist; without any, the default account, if that has a secret for its
// credentials. Accounts in the ledger are always kept fresh.
func NewHere(provider catalog.Entry, h *home.Home, cfg config.Config, log *slog.Logger) *Here {
	here := &Here{Provider: provider.Name, home: h, settled: len(cfg.Accounts) > 0}
	if provider.Sweep {
		sweeps := handler.NewSweep(sweep.Engine{
			Provider: client(provider, cfg), Secrets: h.Secrets, Ledger: h.Ledger,
			Transactions: h.Transactions(provider.Name),
		}, cfg, log)
		here.invoke, here.accounts = sweeps.Invoke, &sweeps.Engine.Accounts
		return here
	}
	refreshes := newRefresh(provider, h, cfg, log)
	here.invoke, here.accounts = refreshes.Invoke, &refreshes.Engine.Accounts
	return here
}

func newRefresh(provider catalog.Entry, h *home.Home, cfg config.Config, log *slog.Logger) *handler.Refresh {
	return handler.NewRefresh(refresh.Engine{
		Provider: client(provider, cfg), Secrets: h.Secrets, Ledger: h.Ledger,
	}, cfg, log)
}

func client(provider catalog.Entry, cfg config.Config) providers.Described {
	return provider.New(exchange.New(exchange.Options{Timeout: cfg.HTTPTimeout}), cfg.ProviderEnvironment)
}

// Resolve does in this process what a person decided for an account of a provider that
// has chains. An error is refresh.ErrUnresolved.
func Resolve(
	ctx context.Context, provider catalog.Entry, h *home.Home, cfg config.Config, log *slog.Logger,
	account string, how refresh.Resolution,
) (handler.Result, error) {
	return newRefresh(provider, h, cfg, log).Resolve(ctx, account, how)
}

// Invoke runs the function. Its result names the accounts that need a person; that is no error
// here. A result without outcomes: there is nothing to look after.
//
// Cutting a provider call short may lose its reply: don't end ctx early, because a run ends by
// itself after a minute.
func (h *Here) Invoke(ctx context.Context, e Event) (handler.Result, error) {
	var unseen error
	if !h.settled {
		unseen = h.settle(ctx)
	}
	payload, err := json.Marshal(e)
	if err != nil {
		return handler.Result{}, err
	}
	var r handler.Result
	answer, err := h.invoke(ctx, payload)
	if person := (*handler.NeedsPersonError)(nil); errors.As(err, &person) {
		r, err = person.Result, nil
	} else if err == nil {
		err = json.Unmarshal(answer, &r)
	}
	if err == nil && len(r.Outcomes) == 0 {
		// The engine reports errors for the accounts that it knows. Without any, it does not report
		// a ledger that cannot be read.
		if err = unseen; err == nil {
			_, err = h.home.Ledger.Rows(ctx, h.Provider)
		}
	}
	return r, err
}

// settle adds the default account as soon as it has a secret. Without one it is not misconfigured:
// nobody has asked for it.
func (h *Here) settle(ctx context.Context) error {
	key := store.Key{Provider: h.Provider, Account: "default"}
	_, err := h.home.Secrets.CurrentID(ctx, key, store.Credentials)
	switch {
	case errors.Is(err, store.ErrNoSecret):
		return nil
	case err != nil:
		return fmt.Errorf("%s: %w", store.NameOf(h.home.Secrets, key, store.Credentials), err)
	}
	*h.accounts, h.settled = []string{key.Account}, true
	return nil
}
