package seed

import (
	"cmp"
	"fmt"
	"time"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
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
)

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
	if _, err := entry.New(exchange.New(exchange.Options{}), "production").Open(before); err != nil {
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

// cautions are warnings about credentials that can be used.
func (s Seeder) cautions(provider providers.Described, session providers.Session, text secret.String) []string {
	var all []string
	fields, err := reply.Parse(text.Reveal())
	for _, f := range provider.Fields() {
		if _, said := fields[f.Name]; f.Name == reuseField && err == nil && !said {
			all = append(all, reuseField+" is missing, so \"never\" is assumed: docs/services.md says what is known of services")
		}
	}
	var lifetime time.Duration
	if lived, ok := session.(providers.Lived); ok {
		lifetime = lived.Lifetime()
	}
	for _, caution := range []string{
		GraceUnused(providers.AgainOf(session), provider.Patience(), usualTick), TooManyVersions(s.key(), lifetime),
	} {
		if caution != "" {
			all = append(all, caution)
		}
	}
	return all
}
