package refresh

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// attempt is the work of one run on one credential.
type attempt struct {
	*Engine
	req    Request
	row    store.Row // as stored, as far as this run knows
	exists bool

	read      snapshot
	claimed   time.Time // when the claim was begun, or seen to be ours, on the process's own clock
	claimedAt time.Time // and on the engine's
	latency   time.Duration
	skew      time.Duration
	clockRead bool
	unneeded  bool // the login that is made: there is a chain that lives
	warnings  []string
}

// run decides what is due and does it.
func (a *attempt) run(ctx context.Context) Result {
	now := a.Now()
	r := a.row
	if r.Phase == store.Sending {
		if now.Before(r.ClaimedUntil) {
			return Result{Outcome: outcome.Busy}
		}
		return a.recover(ctx)
	}
	due := a.req.Force || !a.exists || (!now.Before(r.RefreshAt) && !now.Before(r.NotBefore))

	if a.unpromoted() || r.VersionID != r.PublishedVersionID {
		result, ended := a.repair(ctx, due)
		if ended {
			return result
		}
	}
	if r.Paused && r.State != store.Uncertain {
		return Result{Outcome: outcome.Paused}
	}
	watched := r.State != store.OK && r.State != "" || r.LoginFailures > 0
	if !due && !watched {
		return Result{Outcome: outcome.NotDue}
	}
	a.look(ctx, r.State == store.Uncertain)
	if r.State == store.Uncertain && a.turnedUp() {
		return a.recover(ctx)
	}
	if r.Paused {
		return Result{Outcome: outcome.Paused}
	}
	if result, wait := a.waiting(due); wait {
		return result
	}
	if result, ok := a.readable(ctx); !ok {
		return result
	}
	return a.refresh(ctx)
}

// turnedUp reports whether the version of an uncertain attempt is there after all,
// and nobody has put another one into the secret since.
func (a *attempt) turnedUp() bool {
	s := a.read
	return s.staged.ID != "" && (s.tokens.ID == a.row.BaseVersionID || s.tokens.ID == s.staged.ID)
}

// unpromoted reports whether a good reply waits in the escrow of an idle row for
// the secrets to take it: their quota, or an outage that outlasted the attempt.
func (a *attempt) unpromoted() bool {
	return a.row.Escrow.AttemptID != "" && !a.row.Escrow.Raw
}

// carried reports whether that reply is still the newest chain: nobody has put
// another one into the secret since.
func (a *attempt) carried() bool {
	return a.unpromoted() && a.row.BaseVersionID == a.read.tokens.ID
}

// outdated reports whether the escrow was left behind: somebody has put another version
// into tokens since its attempt began.
func (a *attempt) outdated() bool {
	return a.row.Escrow.AttemptID != "" && a.row.BaseVersionID != a.read.tokens.ID
}

// waiting decides for a credential that waits for a person, or for a login
// back-off to end: it goes on where a person edited a secret since.
func (a *attempt) waiting(due bool) (Result, bool) {
	r := a.row
	edited := a.edited() || a.unread()
	if edited || r.State == store.OK || r.State == "" {
		if due || edited {
			return Result{}, false
		}
		return Result{Outcome: outcome.NotDue}, true
	}
	if a.req.Force && r.State != store.Uncertain {
		return Result{}, false
	}
	return Result{Outcome: outcome.Outcome(r.State), Err: a.waitingFor(a.row.State)}, true
}

// edited reports whether a person has changed credentials or tokens since the
// state or the back-off was written.
func (a *attempt) edited() bool {
	return a.read.credentials.ID != a.row.CredentialsVersionID || a.read.tokens.ID != a.row.SeenVersionID
}

// unread reports whether the state says that the secrets could not be read, and not
// that a try failed. They are looked at each tick then: the permission or the secret
// that was missing leaves no new version to wait for.
func (a *attempt) unread() bool {
	return a.row.State == store.Misconfigured && a.row.CredentialsVersionID == ""
}

// waitingFor says what a person has to do.
func (a *attempt) waitingFor(state store.State) error {
	switch state {
	case store.Dead:
		return errors.Join(a.lastly(state, "the refresh token is refused"), a.newChain())
	case store.Uncertain:
		return errors.Join(a.lastly(state, "the refresh token may be spent"), a.newChain())
	case store.Misconfigured:
		return errors.Join(a.lastly(state, "nothing was tried since the last failure"),
			fmt.Errorf("correct the secret %s, or force a run", a.name(store.Credentials)))
	case store.OK:
	}
	return nil
}

// lastly is why the row has come into its state, as far as it was noted.
func (a *attempt) lastly(state store.State, otherwise string) error {
	if a.row.State == state && a.row.LastOutcome == outcome.Outcome(state) && a.row.LastError != "" {
		otherwise = a.row.LastError
	}
	return errors.New(otherwise)
}

// newChain says how a person begins a new chain.
func (a *attempt) newChain() error {
	return fmt.Errorf("put login credentials into the secret %s, or a new refresh token, as {\"refresh_token\":\"…\"}, into %s",
		a.name(store.Credentials), a.name(store.TokensDoc))
}

// note writes down a state that was found without an attempt, once.
func (a *attempt) note(ctx context.Context, state store.State, cause error) Result {
	result := Result{Outcome: outcome.Outcome(state), Err: cause}
	next := a.row
	next.Phase = store.Idle
	next.State = state
	next.CredentialsVersionID = a.read.credentials.ID
	next.SeenVersionID = a.read.tokens.ID
	if state == store.Misconfigured {
		next.CredentialsVersionID = "" // see unread
	}
	next.Ended(result.Outcome, cause)
	if !a.exists && !slices.Contains(a.Accounts, a.row.Account) {
		return result // perhaps a mistyped name: a row would be looked after for ever
	}
	known := a.exists && a.row.State == next.State &&
		a.row.CredentialsVersionID == next.CredentialsVersionID && a.row.SeenVersionID == next.SeenVersionID
	if a.req.DryRun || known && a.row.LastError == next.LastError {
		return result
	}
	if !known {
		next.ConsecutiveFailures++
	}
	if err := a.Ledger.Write(ctx, next, a.unchanged()); err != nil {
		// The next tick finds the same and writes it then.
		a.Log.WarnContext(ctx, "state not written", "account", a.row.Account, "error", err)
		return result
	}
	a.row, a.exists = next, true
	return result
}

// refresh plans and makes one attempt.
func (a *attempt) refresh(ctx context.Context) Result {
	if result, ended := a.rereadRaw(ctx); ended {
		return result
	}
	present, stale, err := a.presentable(ctx)
	if err != nil {
		return Result{Outcome: outcome.Transient, Err: err}
	}
	if present.IsZero() {
		return a.withoutToken(ctx, stale)
	}
	if a.req.DryRun {
		return Result{Outcome: outcome.WouldRefresh}
	}
	if err := a.enough(ctx); err != nil {
		return Result{Outcome: outcome.Transient, Err: err}
	}
	if result, ok := a.claim(ctx, store.FromRefresh, present.Fingerprint()); !ok {
		return result
	}
	tokens, err := a.send(ctx, func(ctx context.Context) (providers.Tokens, error) {
		return a.read.session.Refresh(ctx, present)
	})
	if err == nil {
		return a.store(ctx, tokens, store.FromRefresh, outcome.Refreshed)
	}
	return a.refreshFailed(ctx, present, err)
}

// enough is an error where too little time is left to send and to store.
func (a *attempt) enough(ctx context.Context) error {
	return pace.Enough(ctx, a.SendTimeout+a.StoreTimeout)
}

// refreshFailed follows a refresh that brought no tokens.
func (a *attempt) refreshFailed(ctx context.Context, presented secret.String, cause error) Result {
	if errors.Is(cause, errClaimLost) {
		return Result{Outcome: outcome.Busy}
	}
	persist, cancel := a.persistContext(ctx)
	defer cancel()
	switch providers.KindOf(cause) {
	case providers.NotSent:
		a.unspend(presented.Fingerprint())
		return a.settleFailed(persist, outcome.Transient, cause)
	case providers.RateLimited:
		a.unspend(presented.Fingerprint())
		a.row.NotBefore = a.pause(cause)
		return a.settleFailed(persist, outcome.RateLimited, cause)
	case providers.Misconfigured, providers.TurnedAway:
		a.unspend(presented.Fingerprint())
		a.row.State = store.Misconfigured
		return a.settleFailed(persist, outcome.Misconfigured, cause)
	case providers.MaybeRefused:
		a.unspend(presented.Fingerprint())
		return a.fallBack(ctx, store.Misconfigured, cause)
	case providers.Refused:
		// A refused token is first a race: somebody may have put a newer one there.
		current, err := a.Secrets.CurrentID(persist, a.row.Key, store.TokensDoc)
		if err == nil && current != a.read.tokens.ID && current != a.read.chainID {
			return a.settleSuperseded(persist, current)
		}
		return a.fallBack(ctx, store.Dead, cause)
	case providers.Unknown:
		a.keepRaw(persist, cause)
		return a.fallBack(ctx, store.Uncertain, cause)
	}
	panic("unreachable: a kind of provider error without a case")
}

// fallBack logs in once after a refresh token was lost; where there is no login
// the state says so.
func (a *attempt) fallBack(ctx context.Context, without store.State, cause error) Result {
	if !a.canLogin() {
		persist, cancel := a.persistContext(ctx)
		defer cancel()
		a.row.State = without
		return a.settleFailed(persist, outcome.Outcome(without), errors.Join(cause, a.newChain()))
	}
	a.warnings = append(a.warnings, cause.Error())
	return a.login(ctx)
}
