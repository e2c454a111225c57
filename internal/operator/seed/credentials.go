package seed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/reply"
	"tokenrefresh/pkg/refresh"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

const (
	reuseField = "refresh_token_reuse"
	// usualTick is the template's.
	usualTick = time.Minute
	// mostVersions a day is one in 10 minutes, which Secrets Manager takes for long; an alarm rings
	// from manyVersions on.
	mostVersions, manyVersions = 144, 134
	// maxCompared is how many accounts new credentials are compared with: each needs a call.
	maxCompared = 200
)

// given are credentials that a person gives, opened without a call.
type given struct {
	provider providers.Described
	session  providers.Session
	text     secret.String
	fields   reply.Object
	unknown  []string // names of fields that the provider ignores
}

// read opens credentials. The error holds all mistakes.
func (s Seeder) read(text secret.String, environment string) (given, error) {
	g := given{provider: s.Provider.Client(environment), text: text}
	g.fields, _ = reply.Parse(text.Reveal()) // Open reports what cannot be read
	known := g.provider.Fields()
	var mistakes []error
	for _, name := range slices.Sorted(maps.Keys(g.fields)) {
		if g.fields.Text(name) == "…" {
			mistakes = append(mistakes, fmt.Errorf("%s is the placeholder … of a document: put your own value there", Shown(name)))
		}
		if slices.ContainsFunc(known, func(f providers.Field) bool { return f.Name == name }) {
			continue
		}
		g.unknown = append(g.unknown, name)
		if at := slices.IndexFunc(known, func(f providers.Field) bool { return meant(name, f.Name) }); at >= 0 {
			mistakes = append(mistakes, fmt.Errorf("%s is not known to %s: is %s meant?", Shown(name), s.Provider.Name, known[at].Name))
		}
	}
	var err error
	g.session, err = g.provider.Open(text)
	if err = errors.Join(append(mistakes, err, tooLong(text))...); err != nil {
		err = fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return g, err
}

// meant reports whether a name is another one, mistyped: apart from case, dashes and underscores,
// one letter is wrong, missing or too many, or two are swapped.
func meant(typed, name string) bool {
	fold := func(s string) []rune {
		return []rune(strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(s)))
	}
	a, b := fold(typed), fold(name)
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return len(a) <= 1 && len(b) <= 1 || len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
}

// cautions are warnings about credentials that can be used.
func (s Seeder) cautions(ctx context.Context, g given) []string {
	var all, padded []string
	warn := func(needed bool, format string, args ...any) {
		if needed {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	warn(len(g.unknown) > 0, "not known to %s, and kept: %s", s.Provider.Name, strings.Join(ShownAll(g.unknown), ", "))
	reuse := true // said, or not asked for
	for _, field := range g.provider.Fields() {
		if value := g.fields.Text(field.Name); value != strings.TrimSpace(value) {
			padded = append(padded, field.Name)
		}
		if field.Name == reuseField {
			_, reuse = g.fields[reuseField]
		}
	}
	warn(len(padded) > 0, "white space at the ends is left out: %s", strings.Join(padded, ", "))
	warn(!reuse, "%s is missing, so \"never\" is assumed: docs/services.md says what is known of services", reuseField)
	var lifetime time.Duration
	if lived, ok := g.session.(providers.Lived); ok {
		lifetime = lived.Lifetime()
	}
	unused, many := GraceUnused(providers.AgainOf(g.session), g.provider.Patience(), usualTick), TooManyVersions(s.key(), lifetime)
	warn(unused != "", "%s", unused)
	warn(many != "", "%s", many)
	if before, err := s.current(ctx, store.Credentials); err == nil {
		moved := Moved(s.Provider, before, g.text)
		warn(moved != "", "%s", moved)
	}
	warn(!s.Provider.Sweep && !g.session.CanLogin(), "without a login, a refresh that dies at the wrong moment needs you, and the "+
		"chain begins with a refresh token: %s", s.command(s.Provider.Begins()))
	same := s.sharing(ctx, g)
	warn(len(same) > 0, "%s uses the same login at the same host as %s: if %s allows one session for each login, a login of one "+
		"ends the other's tokens", s.Account, strings.Join(ShownAll(same), ", "), s.Provider.Name)
	return all
}

// GraceUnused says that the grace of a service is too short to be of use; empty: it is not. Calls to
// it take so long, 0: as usual.
func GraceUnused(again providers.Again, send, tick time.Duration) string {
	least := refresh.LeastReuse(send, tick)
	if again.Reuse == 0 || again.Reuse >= least {
		return ""
	}
	return fmt.Sprintf("%s of %.0f seconds counts as \"never\": after a lost reply a token is presented again only if "+
		"at least %.0f are allowed", reuseField, again.Reuse.Seconds(), least.Seconds())
}

// TooManyVersions says that access tokens which live so long take more versions of the secrets than
// Secrets Manager keeps; empty: they don't.
func TooManyVersions(key store.Key, lifetime time.Duration) string {
	if lifetime <= 0 {
		return ""
	}
	n := refresh.VersionsADay(key, lifetime)
	if n < manyVersions {
		return ""
	}
	return fmt.Sprintf("access tokens that live %s take %d versions of two secrets a day, and Secrets Manager takes %d of each "+
		"for long", lifetime, n, mostVersions)
}

// Moved says that new credentials call another address than those before; empty: they do not, or
// those before could not be used. The next run sends the refresh token there.
func Moved(entry catalog.Entry, before, after secret.String) string {
	if _, err := entry.Client("production").Open(before); err != nil {
		return ""
	}
	from, to := entry.Address(before), entry.Address(after)
	if from == to {
		return ""
	}
	const usual = "the usual one"
	return fmt.Sprintf("%s changes from %s to %s, and the next run sends the refresh token there",
		entry.Setting, cmp.Or(from, usual), cmp.Or(to, usual))
}

// SharedLogins are the accounts of a provider that use the same login at the same host, each list
// in order. A provider that allows one session for each login ends the other's at each login.
// Credentials that cannot be read share none.
func SharedLogins(ctx context.Context, h *home.Home, entry catalog.Entry, environment string, accounts []string) [][]string {
	groups := map[string][]string{}
	for i, who := range logins(ctx, h, entry, entry.Client(environment), accounts) {
		groups[who] = append(groups[who], accounts[i])
	}
	delete(groups, "")
	shared := slices.DeleteFunc(slices.Collect(maps.Values(groups)), func(same []string) bool { return len(same) < 2 })
	slices.SortFunc(shared, slices.Compare)
	return shared
}

// sharing are the accounts that already use the login of new credentials.
func (s Seeder) sharing(ctx context.Context, g given) []string {
	mine := login(s.Provider, g.provider, g.text)
	rows, err := s.Home.Ledger.Rows(ctx, s.Provider.Name)
	if mine == "" || err != nil || len(rows) > maxCompared {
		return nil
	}
	var others, same []string
	for _, row := range rows {
		if row.Account != s.Account {
			others = append(others, row.Account)
		}
	}
	for i, who := range logins(ctx, s.Home, s.Provider, g.provider, others) {
		if who == mine {
			same = append(same, others[i])
		}
	}
	return same
}

// logins are the logins of accounts.
func logins(
	ctx context.Context, h *home.Home, entry catalog.Entry, provider providers.Described, accounts []string,
) []string {
	all := make([]string, len(accounts))
	pace.Each(len(accounts), atOnce, func(i int) {
		v, err := h.Secrets.Current(ctx, store.Key{Provider: entry.Name, Account: accounts[i]}, store.Credentials)
		if err == nil {
			all[i] = login(entry, provider, v.Value)
		}
	})
	return all
}

// login identifies a login: the user and the host. It holds no secret. Empty: there is none.
func login(entry catalog.Entry, provider providers.Described, text secret.String) string {
	session, err := provider.Open(text)
	if err != nil || !session.CanLogin() {
		return ""
	}
	fields, _ := reply.Parse(text.Reveal()) // Open has read them
	at, err := url.Parse(cmp.Or(entry.Address(text), provider.Address()))
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
