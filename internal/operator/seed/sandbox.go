package seed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers/credentials"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/sweep"
)

// sandboxAccount is the account that a sandbox's credentials are for.
const sandboxAccount = "default"

// Sandbox puts the credentials of a sandbox's providers into a home, and some transactions. It
// refuses a home with credentials for another host: they may be real.
func Sandbox(ctx context.Context, h *home.Home, box *sandbox.Sandbox, transactions int) error {
	for _, provider := range Played() {
		if err := refuseOthers(ctx, h, provider, box.URL(sandbox.Provider(provider.Name))); err != nil {
			return err
		}
	}
	for _, provider := range Played() {
		text := secret.New(box.Credentials(sandbox.Provider(provider.Name)))
		if _, err := (Seeder{Home: h, Provider: provider, Account: sandboxAccount}).Credentials(ctx, text); err != nil {
			return err
		}
		if !provider.Sweep {
			continue
		}
		if err := recordNew(ctx, h, provider, box, transactions); err != nil {
			return err
		}
	}
	return nil
}

// Played returns the providers that the sandbox simulates.
func Played() []catalog.Entry {
	return catalog.Those(func(e catalog.Entry) bool { return sandbox.Plays(e.Name) })
}

// refuseOthers refuses to replace usable credentials that are not for a sandbox on this machine, or
// for one that is served: real providers are not on loopback.
func refuseOthers(ctx context.Context, h *home.Home, provider catalog.Entry, sandboxURL string) error {
	key := store.Key{Provider: provider.Name, Account: sandboxAccount}
	current, err := h.Secrets.Current(ctx, key, store.Credentials)
	if errors.Is(err, store.ErrNoSecret) || errors.Is(err, store.ErrNoValue) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := provider.Client("production").Open(current.Value); err != nil {
		return nil // a placeholder, which the template puts there
	}
	text := provider.Address(current.Value)
	at, err := url.Parse(text)
	if err != nil {
		at = &url.URL{}
	}
	here, err := url.Parse(sandboxURL)
	switch {
	case err != nil:
		return err
	case !credentials.Loopback(at.Hostname()) && at.Hostname() != sandbox.ContainersHost && at.Hostname() != here.Hostname():
		return fmt.Errorf("%w: %s holds credentials for %s, which may be real: name another home for the sandbox",
			ErrRefused, store.NameOf(h.Secrets, key, store.Credentials), cmp.Or(at.Hostname(), "the provider's own address"))
	case at.Port() == "":
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", at.Port()))
	if err != nil {
		return nil // nobody serves it any more
	}
	_ = conn.Close()
	return fmt.Errorf("%w: another sandbox serves %s at %s: end it first, or name another folder with --dir",
		ErrRefused, provider.Name, text)
}

// recordNew makes transactions and records them, as a service does.
func recordNew(ctx context.Context, h *home.Home, provider catalog.Entry, box *sandbox.Sandbox, n int) error {
	engine := sweep.Engine{
		Provider: provider.Client("sandbox"), Secrets: h.Secrets, Ledger: h.Ledger,
		Transactions: h.Transactions(provider.Name), Accounts: []string{sandboxAccount},
	}.WithDefaults()
	records := make([]sweep.Record, n)
	for i := range records {
		made := box.AddTransaction()
		records[i] = sweep.Record{
			TransactionID: made.ID, RefreshToken: secret.New(made.RefreshToken), CustomerUID: fmt.Sprintf("customer-%d", i+1),
		}
	}
	for _, result := range engine.Record(ctx, records) {
		if result.Outcome != outcome.Recorded {
			return fmt.Errorf("record transaction %d: %s: %w", result.TransactionID, result.Outcome, result.Err)
		}
	}
	return nil
}
