package doctor

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/health"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/internal/operator/seed"
	"tokenrefresh/pkg/homes/awshome"
	"tokenrefresh/pkg/store"
)

// credentials reports the state of the provider's credentials, from their rows and texts.
func (p *provider) credentials(ctx context.Context) []Finding {
	found, err := p.group(ctx).credentials(ctx, p.Now(), p.every(ctx), true, p.judge)
	switch {
	case errors.Is(err, awshome.ErrNoTable):
		return []Finding{skipped("needs ledger, see there")}
	case err != nil:
		return p.trouble(err, "dynamodb:Query", p.tableARN(p.LedgerTable))
	case len(found) == 0:
		return []Finding{skipped("needs %s secrets, see there", p.entry.Name)}
	}
	return found
}

// cautions warns of credentials that work, and may not do what somebody expects of them.
func cautions(c health.Credential, aws bool) []Finding {
	var found []Finding
	if unused := seed.GraceUnused(c.Again, c.Send, cmp.Or(c.Row.Tick, c.Every, time.Minute)); unused != "" {
		found = append(found, warn("%s: %s", c.Key, unused).
			mend("ask the service for a longer time, or name an introspection_url: docs/services.md"))
	}
	life := c.Row.AccessExpiresAt.Sub(c.Row.IssuedAt)
	if many := seed.TooManyVersions(c.Key, life); aws && !c.Sweep && !c.Row.IssuedAt.IsZero() && many != "" {
		found = append(found, warn("%s: %s", c.Key, many).
			mend("have the provider hand out tokens that live 20 minutes or more: docs/services.md#short-lifetimes"))
	}
	return found
}

// group are some accounts of a provider in a home.
type group struct {
	home        *home.Home
	entry       catalog.Entry
	names       []string
	environment string // of the provider
	flags       string // with which tokenctl finds the home
}

func (g group) key(account string) store.Key {
	return store.Key{Provider: g.entry.Name, Account: account}
}

// seedLine is the line that puts credentials in.
func (g group) seedLine(account string) string {
	return health.Command("seed credentials", g.key(account), g.flags)
}

// credentials reports the state of all, even of those that were never set up. judge makes a finding
// of health one of the doctor's; every is the time from one tick to the next, 0: the rows have it.
func (g group) credentials(ctx context.Context, now time.Time, every time.Duration, onAWS bool,
	judge func(health.Credential, health.Finding) []Finding,
) ([]Finding, error) {
	read, err := health.Reader{
		Home: g.home, Providers: []catalog.Entry{g.entry}, All: true, Accounts: g.names, Flags: g.flags, Every: every,
	}.Read(ctx, now)
	if err != nil {
		return nil, err
	}
	var found []Finding
	for _, c := range read {
		for _, f := range c.Findings(now) {
			found = append(found, judge(c, f)...)
		}
		found = append(found, cautions(c, onAWS)...)
		found = append(found, g.moved(ctx, c)...)
	}
	return append(found, g.shared(ctx)...), nil
}

// moved warns of edited credentials that call another address than the last run did.
func (g group) moved(ctx context.Context, c health.Credential) []Finding {
	if c.Credentials.Fault != "" || c.Row.CredentialsVersionID == "" || c.Row.CredentialsVersionID == c.Credentials.Version {
		return nil
	}
	before, err := g.home.Secrets.ByID(ctx, c.Key, store.Credentials, c.Row.CredentialsVersionID)
	if err != nil {
		return nil // the store keeps few versions
	}
	after, err := g.home.Secrets.ByID(ctx, c.Key, store.Credentials, c.Credentials.Version)
	said := seed.Moved(g.entry, before.Value, after.Value)
	if err != nil || said == "" {
		return nil
	}
	return []Finding{warn("%s: %s", c.Key, said).mend("if that is not meant, put the former address back before the next run",
		g.seedLine(c.Key.Account))}
}

// shared warns of accounts that use one login.
func (g group) shared(ctx context.Context) []Finding {
	var found []Finding
	for _, same := range seed.SharedLogins(ctx, g.home, g.entry, g.environment, g.names) {
		found = append(found, warn("%s: the accounts %s use one login at one host", g.entry.Name, some(same)).
			mend("give each a login of its own, if "+g.entry.Name+" allows one session for each login: "+
				"a login of one ends the other's tokens"))
	}
	return found
}

// toldBySecrets reports whether a finding is about a secret that the check of secrets has reported.
func toldBySecrets(c health.Credential, f health.Finding) bool {
	told := false
	for _, s := range []health.Secret{c.Credentials, c.Tokens, c.Access} {
		told = told || s.Fault == health.Missing || s.Fault == health.Deleted || s.Fault == health.Rotating
	}
	return told && (f.Condition == health.SecretAtFault || f.Condition == health.NotSeeded || f.Condition == health.New)
}

// judge reports a secret that could not be read as such, and not as a state. It leaves out what the
// check of the secrets reports.
func (p *provider) judge(c health.Credential, f health.Finding) []Finding {
	if toldBySecrets(c, f) {
		return nil
	}
	for _, s := range []health.Secret{c.Credentials, c.Tokens, c.Access} {
		if f.Condition == health.Unchecked && s.Fault == health.Unread {
			return p.trouble(s.Err, "secretsmanager:GetSecretValue (and kms:Decrypt, with a key of your own)",
				p.secretARN(s.Name))
		}
	}
	return []Finding{judge(c, f, p.Now())}
}

// judge is a finding of health as one of the doctor's.
func judge(c health.Credential, f health.Finding, now time.Time) Finding {
	said := Finding{Verdict: Warn, Cause: c.Key.String() + ": " + f.Cause, Mend: f.Mend}
	for _, command := range f.Commands {
		if !strings.HasPrefix(command, "tokenctl doctor") { // which this is
			said.Commands = append(said.Commands, command)
		}
	}
	if f.Cause == "" {
		said.Cause = c.Key.String() + ": " + string(f.Condition)
	}
	switch f.State {
	case health.Act:
		said.Verdict = Fail
	case health.Warn:
	case health.OK:
		said.Verdict = OK
		if at := c.Row.LastSuccessAt; !at.IsZero() {
			said.Cause += ", refreshed " + health.Short(now.Sub(at)) + " ago"
		}
		if at := c.AccessExpiresAt(); at.After(now) {
			said.Cause += ", ends in " + health.Short(at.Sub(now))
		}
	}
	return said
}
