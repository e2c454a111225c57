package seed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"tokenrefresh/internal/operator/bulk"
	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/pkg/config"
	"tokenrefresh/pkg/homes/awshome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/providers/reply"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// atOnce is how many accounts are seeded side by side.
const atOnce = 8

// maxWrites is how many writes an account takes at most: its secrets are created, and one is written.
const maxWrites = 4

// accountsBatch is how many accounts are under way at once. An interrupt waits for them.
const accountsBatch = 32

// Account is a line of a file of accounts.
type Account struct {
	Provider     catalog.Entry
	Name         string
	Credentials  secret.String
	RefreshToken secret.String // blank: none
}

// Key is the account's.
func (a Account) Key() store.Key { return store.Key{Provider: a.Provider.Name, Account: a.Name} }

// accountFields are the names in a line.
var accountFields = []string{"provider", "account", "credentials", "refresh_token"}

// Accounts is a load of lines such as
//
//	{"provider":"hesabe","account":"shop-2","credentials":{"username":"…","password":"…"},"refresh_token":"…"}
//
// that lacks its text. provider is that of lines that name none; empty: each line must name one.
// Credentials that are stored already are not written again, so a file can be loaded twice. writes
// limits the secrets that are created or written in a second: Secrets Manager takes 50 in an AWS
// account and region, and the functions' refreshes need some of them. flags are Seeder's.
func Accounts(h *home.Home, provider, flags string, writes rate.Limit) *bulk.Load[Account] {
	turns := rate.NewLimiter(writes, maxWrites)
	return &bulk.Load[Account]{
		Batch: accountsBatch, ID: func(a Account) string { return a.Key().String() },
		Put: func(ctx context.Context, batch []Account) []bulk.Result {
			results := make([]bulk.Result, len(batch))
			pace.Each(len(batch), atOnce, func(i int) {
				seeder := Seeder{Home: h, Provider: batch[i].Provider, Account: batch[i].Name, Flags: flags}
				results[i] = seeder.account(ctx, batch[i], turns)
			})
			return results
		},
		Begin: func(*bulk.Lines, time.Time) (bulk.Decoder[Account], error) { return decodeAccount(provider), nil },
	}
}

// decodeAccount returns a decoder of lines. An account that was named before is refused: two lines
// would overwrite each other's credentials.
func decodeAccount(provider string) bulk.Decoder[Account] {
	seen := map[store.Key]bool{}
	return func(line []byte) (Account, error) {
		fields, err := reply.Parse(string(line))
		if err != nil {
			return Account{}, errors.New("the line is not a JSON object")
		}
		for name := range fields {
			if !slices.Contains(accountFields, name) {
				return Account{}, fmt.Errorf("%s is not known here: use %s", Shown(name), strings.Join(accountFields, ", "))
			}
		}
		entry, err := catalog.Find(cmp.Or(fields.Text("provider"), provider))
		if err != nil {
			return Account{}, fmt.Errorf("provider is not one of %s", strings.Join(catalog.Names(), ", "))
		}
		a := Account{Provider: entry, Name: fields.Text("account"), RefreshToken: secret.New(fields.Text("refresh_token"))}
		if !config.ValidAccount(a.Name) {
			return Account{}, errors.New("account must be up to 64 letters, digits and _ . @ + = -, the first a letter or digit")
		}
		credentials := strings.TrimSpace(string(fields["credentials"]))
		if !strings.HasPrefix(credentials, "{") {
			return Account{}, errors.New("credentials is not a JSON object")
		}
		a.Credentials = secret.New(credentials)
		if seen[a.Key()] {
			return Account{}, fmt.Errorf("%s was named in a line before", a.Key())
		}
		seen[a.Key()] = true
		return a, nil
	}
}

// account seeds an account of a file.
func (s Seeder) account(ctx context.Context, a Account, turns *rate.Limiter) bulk.Result {
	var err error
	if !a.RefreshToken.Blank() { // before the credentials are written
		if _, _, err = ParseToken(a.RefreshToken); err != nil {
			return bulk.Result{End: bulk.Refused, Err: fmt.Errorf("%s: %w: %w", a.Key(), ErrRefused, err)}
		}
	}
	same, err := s.holds(ctx, a.Credentials)
	if err == nil && !same {
		if err = turns.WaitN(ctx, len(s.Provider.Documents())+1); err == nil {
			_, err = s.Credentials(ctx, a.Credentials)
		}
	}
	if err == nil && !a.RefreshToken.Blank() && (!same || !s.wasGiven(ctx, a.RefreshToken)) {
		same = false
		if err = turns.Wait(ctx); err == nil {
			_, err = s.Tokens(ctx, a.RefreshToken, false)
		}
	}
	switch {
	case err == nil && same:
		return bulk.Result{End: bulk.Passed}
	case err == nil:
		return bulk.Result{}
	case errors.Is(err, ErrRefused) && !errors.Is(err, store.ErrForbidden), errors.Is(err, awshome.ErrDeleted):
		return bulk.Result{End: bulk.Refused, Err: fmt.Errorf("%s: %w", a.Key(), err)}
	}
	return bulk.Result{End: bulk.Failed, Err: fmt.Errorf("%s: %w", a.Key(), err)}
}

// holds reports whether the account has these credentials already, and a row.
func (s Seeder) holds(ctx context.Context, given secret.String) (bool, error) {
	text, err := s.current(ctx, store.Credentials)
	if err != nil {
		return false, err
	}
	_, exists, err := s.Home.Ledger.Row(ctx, s.key())
	return exists && text == given, err
}

// wasGiven reports whether the chain has the refresh token, or has presented it.
func (s Seeder) wasGiven(ctx context.Context, token secret.String) bool {
	if row, _, err := s.Home.Ledger.Row(ctx, s.key()); err == nil && row.Presented(token) {
		return true
	}
	text, err := s.current(ctx, store.TokensDoc)
	if err != nil {
		return false
	}
	held, _, err := ParseToken(text)
	return err == nil && held.RefreshToken == token
}
