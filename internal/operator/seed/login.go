package seed

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/providers/reply"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// login identifies a login: the user and the host. It holds no secret. Empty: there is none.
func login(provider providers.Described, text secret.String) string {
	session, err := provider.Open(text)
	if err != nil || !session.CanLogin() {
		return ""
	}
	fields, err := reply.Parse(text.Reveal())
	if err != nil {
		return ""
	}
	address := provider.Address()
	if base := fields.Text("base_url"); base != "" {
		address = base
	}
	at, err := url.Parse(address)
	if err != nil {
		return ""
	}
	who := at.Host
	for _, field := range provider.Fields() {
		if field.Login && !field.Secret {
			who += "\x00" + fields.Text(field.Name)
		}
	}
	return who
}

// SharedLogins are the accounts of a provider that use the same login at the same host, each list
// in order. A provider that allows one session for each login ends the other's at each login.
// Credentials that cannot be read share none.
func SharedLogins(ctx context.Context, h *home.Home, entry catalog.Entry, environment string, accounts []string) [][]string {
	provider := entry.New(exchange.New(exchange.Options{}), environment)
	logins := make([]string, len(accounts))
	pace.Each(len(accounts), atOnce, func(i int) {
		v, err := h.Secrets.Current(ctx, store.Key{Provider: entry.Name, Account: accounts[i]}, store.Credentials)
		if err == nil {
			logins[i] = login(provider, v.Value)
		}
	})
	place := map[string]int{}
	var all [][]string
	for i, who := range logins {
		if who == "" {
			continue
		}
		at, known := place[who]
		if !known {
			at, place[who] = len(all), len(all)
			all = append(all, nil)
		}
		all[at] = append(all[at], accounts[i])
	}
	var shared [][]string
	for _, one := range all {
		if len(one) > 1 {
			shared = append(shared, one)
		}
	}
	return shared
}

// maxCompared is how many accounts new credentials are compared with: each needs a call.
const maxCompared = 200

// sharing are the accounts that already use the login in text.
func (s Seeder) sharing(ctx context.Context, provider providers.Described, text secret.String) []string {
	mine := login(provider, text)
	rows, err := s.Home.Ledger.Rows(ctx, s.Provider.Name)
	if mine == "" || err != nil || len(rows) > maxCompared {
		return nil
	}
	var same []string
	for _, row := range rows {
		if row.Account == s.Account {
			continue
		}
		v, err := s.Home.Secrets.Current(ctx, row.Key, store.Credentials)
		if err == nil && login(provider, v.Value) == mine {
			same = append(same, row.Account)
		}
	}
	return same
}

// ErrLogin is in the errors of credentials that could not log in. Nothing was written.
var ErrLogin = errors.New("the login has failed")

// Checked is Credentials after one successful login with them. The tokens of that login begin the
// account's chain, because with many providers it has ended the session before. ErrLogin, ErrBusy.
func (s Seeder) Checked(ctx context.Context, text secret.String, environment string) (Report, error) {
	row, err := s.row(ctx)
	if err != nil {
		return Report{}, err
	}
	if row.Phase == store.Sending && time.Now().Before(row.ClaimedUntil) {
		return Report{}, fmt.Errorf("%w until %s at most: try again then", ErrBusy, row.ClaimedUntil.UTC().Format(time.RFC3339))
	}
	provider := s.Provider.New(exchange.New(exchange.Options{}), environment)
	session, _, err := opened(provider, text)
	if err == nil && !session.CanLogin() {
		err = errors.New("these credentials have no login to check")
	}
	if err != nil {
		return Report{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	tokens, err := session.Login(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("%w: %w: %w", ErrRefused, ErrLogin, err)
	}
	report, err := s.Credentials(ctx, text)
	if err != nil || tokens.RefreshToken.Blank() {
		return report, err
	}
	begun, err := s.Tokens(ctx, tokens.RefreshToken, true)
	if err != nil { // the next tick goes on with the old chain, or logs in
		report.Warnings = append(report.Warnings, "the tokens of the login are not stored: "+err.Error())
		return report, nil //nolint:nilerr // the credentials are written, and nothing is lost
	}
	report.Next = "the login went well, and its tokens begin the chain; " + begun.Next
	return report, nil
}
