package doctor

import (
	"context"
	"errors"
	"fmt"

	"tokenrefresh/internal/operator/health"
	"tokenrefresh/pkg/homes/awshome"
)

// credentials tells how the provider's credentials are, by what their rows and texts say.
func (p *provider) credentials(ctx context.Context) []Finding {
	var found []Finding
	for _, account := range p.wanted(ctx) {
		read, err := health.Reader{Home: p.Home, Provider: p.Entry.Name, Account: account, Flags: p.Flags}.Read(ctx, p.Now())
		switch {
		case errors.Is(err, awshome.ErrNoTable):
			return []Finding{skipped("needs ledger, see there")}
		case err != nil:
			return []Finding{p.trouble(err, "dynamodb:Query", p.arn("dynamodb", "table/"+p.LedgerTable))}
		}
		for _, c := range read {
			for _, f := range c.Findings(p.Now()) {
				if !toldBySecrets(c, f) {
					found = append(found, p.judge(c, f))
				}
			}
		}
	}
	if len(found) == 0 {
		return []Finding{skipped("needs %s secrets, see there", p.Entry.Name)}
	}
	return found
}

// toldBySecrets reports whether a finding is about a secret that the check of secrets has
// told of.
func toldBySecrets(c health.Credential, f health.Finding) bool {
	told := false
	for _, s := range []health.Secret{c.Credentials, c.Tokens, c.Access} {
		told = told || s.Fault == health.Missing || s.Fault == health.Rotating
	}
	return told && (f.Condition == health.SecretAtFault || f.Condition == health.NotSeeded || f.Condition == health.New)
}

func (p *provider) judge(c health.Credential, f health.Finding) Finding {
	said := judge(c, f)
	if f.Condition == health.Unchecked { // which is no state of the credential
		said.Verdict = Skipped
		said.Mend = fmt.Sprintf("allow secretsmanager:GetSecretValue (and kms:Decrypt, with a key of your own) on %s to %s",
			p.arn("secretsmanager", "secret:"+p.SecretPrefix+"/*"), p.caller())
	}
	return said
}

// judge is a finding of health as one of the doctor's.
func judge(c health.Credential, f health.Finding) Finding {
	said := Finding{Verdict: Warn, Cause: c.Key.String() + ": " + f.Cause, Mend: f.Mend, Commands: f.Commands}
	switch {
	case f.State == health.OK:
		said.Verdict = OK
	case f.State == health.Act, f.Condition == health.NotSeeded: // without credentials readers have no token
		said.Verdict = Fail
	}
	if f.Cause == "" {
		said.Cause = c.Key.String() + ": " + string(f.Condition)
	}
	return said
}
