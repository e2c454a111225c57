package embedded

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/sweep"
)

const tickAccount = "default"

// BenchmarkTick is a tick that finds fifty rows due: of ten thousand, and of a million, which take
// a minute to store.
func BenchmarkTick(b *testing.B) {
	const due = 50
	for _, total := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprint(total), func(b *testing.B) {
			home := openHome(b)
			lay(b, home, total, due)
			secrets := home.Secrets()
			key := store.Key{Provider: staleProvider{}.Name(), Account: tickAccount}
			assert.NilError(b, secrets.CreateSecret(b.Context(), key, store.Credentials))
			_, err := secrets.PutCurrent(b.Context(), key, store.Credentials, secret.New("{}"))
			assert.NilError(b, err)
			engine := sweep.Engine{
				Provider: staleProvider{}, Secrets: secrets, Ledger: home.Ledger(), Transactions: home.Transactions(),
				Accounts: []string{tickAccount},
			}.WithDefaults()
			for b.Loop() {
				report := engine.Run(b.Context(), sweep.Request{RunID: "run"})
				assert.Assert(b, report.Outcomes[outcome.Refreshed] == due, "%v, want %d refreshed", report.Outcomes, due)
			}
		})
	}
}

// lay stores rows, many in a transaction; some of them are due.
func lay(b *testing.B, home *Home, total, due int) {
	b.Helper()
	const together = 1000
	token, now := secret.New(strings.Repeat("t", 64)), time.Now()
	for from := 0; from < total; from += together {
		err := home.Transactions().home.update(b.Context(), func(tx *bbolt.Tx) error {
			for i := from; i < min(from+together, total); i++ {
				row := store.Transaction{
					ID: int64(i), Account: tickAccount, Status: store.StatusActive, RecordedAt: now, ExpiresAt: now.Add(30 * 24 * time.Hour),
					RefreshToken: token, AccessToken: token, ClientToken: token,
					AccessExpiresAt: now.Add(2 * time.Hour), RefreshAt: now.Add(time.Hour + time.Duration(i%3600)*time.Second),
				}
				if i%(total/due) == 0 { // all over the file
					row.RefreshAt = now.Add(-time.Minute)
				}
				if err := replace(tx, store.Transaction{}, row, false); err != nil {
					return err
				}
			}
			return nil
		})
		assert.NilError(b, err)
	}
}

// staleProvider gives out tokens that are due for a refresh already.
type staleProvider struct{}

func (staleProvider) Name() string                                  { return "stale" }
func (staleProvider) Open(secret.String) (providers.Session, error) { return staleProvider{}, nil }
func (staleProvider) CanLogin() bool                                { return false }
func (staleProvider) Login(context.Context) (providers.Tokens, error) {
	return providers.Tokens{}, providers.ErrNoLogin
}

func (staleProvider) Decode(secret.String, time.Time) (providers.Tokens, error) {
	return providers.Tokens{}, providers.ErrNoLogin
}

func (staleProvider) Refresh(context.Context, secret.String) (providers.Tokens, error) {
	issued := time.Now().Add(-time.Hour)
	return providers.Tokens{AccessToken: secret.New("access"), IssuedAt: issued, AccessExpiresAt: issued.Add(time.Hour)}, nil
}
