package refresh

import (
	"slices"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// Every change of a row by the engine is a function of this file or of transition_idle.go: from the
// row as it was, and the view, to the new row. Nothing else in this package sets a row's fields.
// Paused and Told are not the engine's: the ledger has a separate write for each. commit stores most
// rows, as one of the edges of edges.go; rows of raw replies, and rows that DueNow makes due, are
// stored outside of an attempt.

// holder is the run that claims, and until when.
type holder struct {
	runID string
	until time.Time
	fence int64 // the latest in the secrets
	tick  time.Duration
}

// hold makes the row the holder's. Its fence is greater than any known one.
func hold(r store.Row, h holder) store.Row {
	r.Phase = store.Sending
	r.ClaimedBy = h.runID
	r.Fence = max(r.Fence, h.fence) + 1
	r.ClaimedUntil, r.ClaimSeenAt = h.until, time.Time{}
	r.Tick = h.tick
	return r
}

// claim is the common part of the claims for a refresh and for a login: a new attempt, based on the
// versions that were read.
func claim(v View, h holder, attemptID string, source store.Source) store.Row {
	r := v.Row
	r.AttemptID = attemptID
	r.AttemptSource = source
	r.BaseVersionID = v.Tokens.ID
	r = noteCredentials(v, backOff(v, r))
	r.SeenVersionID = v.Tokens.ID
	r.Unanswered = false
	r.Host = v.host()
	r.State = store.OK // the end of the attempt sets it
	r.Staged = v.Row.Staged.Add(v.Now)
	r.RejectedAt, r.Rejections, _ = v.rejection() // as before, unless a rejection has begun this run
	if v.escrowOutdated() {
		r.Escrow = store.Escrow{}
	}
	return hold(nameRawOfDead(v, r), h)
}

// claimRefresh is the row under the claim for a refresh: lease and intent in one. The token of s
// counts as spent from now on. The version that holds it becomes the row's, so that a stale read
// of an older version is recognised.
func claimRefresh(v View, s Step, h holder, attemptID string) store.Row {
	r := claim(v, h, attemptID, store.FromRefresh)
	if !s.again {
		r = spend(v, r, s.token())
		if v.mayRepeat() {
			r.PresentedAt = v.Now // before the claim is written
		}
	}
	if s.resort {
		r.Fate = store.Retried
	}
	r.VersionID = s.version
	r.NotBefore = time.Time{}
	return r
}

// claimLogin is the row under the claim for a login. The login is counted as failed before it is
// tried, so that one that kills its process backs off too. That back-off delays no refresh. The row
// is due now, whatever its old tokens' times.
func claimLogin(v View, h holder, attemptID string) store.Row {
	r := claim(v, h, attemptID, store.FromLogin)
	r.LoginFailures++
	r.LoginNotBefore = v.retryAt(r.LoginFailures)
	return awaitLogin(v, dueBy(r, v.Now))
}

// awaitLogin lets a row without a refresh token that may be sent, now or later, wait for its login.
func awaitLogin(v View, r store.Row) store.Row {
	if !v.lives() && !v.hopes() {
		r.NotBefore = r.LoginNotBefore
	}
	return r
}

// backOff counts a call without tokens, if one was made, and sets when the next may be made. The
// claim for a login has done both already; a refusal or a rate limit makes the wait longer.
func backOff(v View, r store.Row) store.Row {
	if v.ended == nil {
		return r
	}
	kind, login := v.ended.kind, v.Row.AttemptSource == store.FromLogin
	silent := kind == providers.NotSent || kind == providers.Unknown || kind == providers.TurnedAway // a page is no answer
	r.Unanswered = silent && !v.ended.notTried
	switch follow := v.follows(); {
	case v.ended.notTried:
	case kind == providers.RateLimited && login:
		r.LoginNotBefore = later(r.LoginNotBefore, v.askedUntil())
	case kind == providers.RateLimited && v.asked() > 0:
		r.NotBefore = v.askedUntil()
	case login && follow.refused:
		r.LoginRefusals++
		r.LoginNotBefore = v.refusedAt(r.LoginRefusals)
	case login:
	case follow.refused:
		r.RefreshRefusals++
		r.NotBefore = v.refusedAt(r.RefreshRefusals)
	case kind.Alive():
		r.RefreshFailures++
		r.NotBefore = v.retryAt(r.RefreshFailures)
		if kind == providers.RateLimited {
			r.NotBefore = later(r.NotBefore, v.askedUntil())
		}
	}
	return awaitLogin(v, r)
}

// noteCredentials is the row with the version of the credentials that were read. An edit of them
// ends every back-off.
func noteCredentials(v View, r store.Row) store.Row {
	if v.credentialsEdited() {
		r = unhindered(r)
		r.LoginFailures, r.LoginRefusals, r.LoginNotBefore = 0, 0, time.Time{}
	}
	r.CredentialsVersionID = v.Credentials.ID
	return r
}

// unhindered is the row without anything that holds back refreshes.
func unhindered(r store.Row) store.Row {
	r.NotBefore = time.Time{}
	r.RefreshFailures, r.RefreshRefusals = 0, 0
	return r
}

// takeOver is the row under the claim of a run that finishes an attempt, under the id of that
// attempt.
func takeOver(r store.Row, s Step, h holder) store.Row {
	r.AttemptID, r.AttemptSource, r.BaseVersionID = s.attemptID, s.source, s.base
	return hold(r, h)
}

// intoEscrow is the row with a reply in its escrow.
func intoEscrow(r store.Row, c chain) store.Row {
	r.Escrow = store.Escrow{AttemptID: c.attemptID, Bytes: c.document()}
	return r
}

// nameRaw is the row that names its attempt's raw reply.
func nameRaw(r store.Row) store.Row {
	r.ReplyID = r.AttemptID
	return r
}

// nameRawOfDead is nameRaw for an attempt that was taken over: it may have died after its raw
// reply was kept, and before the row named it.
func nameRawOfDead(v View, r store.Row) store.Row {
	if raw, exists := v.rawReply(); exists && v.TakenOver && raw.AttemptID == v.Row.AttemptID {
		r.ReplyID = raw.AttemptID
	}
	return r
}

// settle ends an attempt, because of cause if there is one.
func settle(v View, r store.Row, what outcome.Outcome, cause error) store.Row {
	r.Phase = store.Idle
	r = noteCredentials(v, r)
	return record(r, what, cause)
}

// storeChain ends an attempt whose tokens are current. published is why access does not hold them
// yet; nil: it does. The next tick repairs that without the provider.
func storeChain(v View, c chain, published error, what outcome.Outcome, cause error) store.Row {
	r := madeCurrent(schedule(v, nameRawOfDead(v, v.Row), c), c, published)
	r.SeenVersionID = c.attemptID
	r.State = v.stateAfter(c)
	r.LastSuccessAt = v.Now
	return settle(v, succeeded(r, c), what, cause)
}

// madeCurrent is the row once tokens holds c; published is why access does not. A raw reply is
// dropped only when a chain with a refresh token is current.
func madeCurrent(r store.Row, c chain, published error) store.Row {
	r.VersionID, r.Escrow = c.attemptID, store.Escrow{}
	if published == nil {
		r.PublishedVersionID = c.attemptID
	}
	if !c.refreshToken.Blank() {
		r.ReplyID = ""
	}
	return r
}

// succeeded is the row without the back-offs that new tokens end. Only tokens of a login end the
// back-off of logins.
func succeeded(r store.Row, c chain) store.Row {
	r = unhindered(r)
	if c.source == store.FromLogin {
		r.LoginFailures, r.LoginRefusals, r.LoginNotBefore = 0, 0, time.Time{}
	}
	r.Unanswered = false
	return r
}

// carryChain ends an attempt whose reply the secrets do not take. The escrow then carries the
// chain: refreshes go on from it, and each tick tries the secrets again.
func carryChain(v View, c chain, cause error) store.Row {
	r := schedule(v, intoEscrow(v.Row, c), c)
	r.SeenVersionID = v.Tokens.ID
	r.State = v.stateAfter(c)
	return settle(v, succeeded(r, c), outcome.PersistFailed, cause)
}

// supersede is the row after somebody else's version of tokens stands. It is due now. If an attempt
// wrote that version, this row does not know the attempt (the row was lost meanwhile, or there are
// two ledgers), and the version's token counts as spent. theirs is the content of the version; nil
// if it could not be read: then the row does not name the version.
func supersede(v View, id string, theirs *chain) store.Row {
	r := v.Row
	r.VersionID, r.Escrow, r.RefreshAt = id, store.Escrow{}, v.Now
	if theirs == nil {
		r.VersionID = ""
		return r
	}
	r.Fence = max(r.Fence, theirs.fence)
	if theirs.attemptID == id || v.copied(id, *theirs) {
		r = spend(v, r, theirs.refreshToken)
		if v.mayRepeat() {
			r.Fate = store.Foreign // the token may be older than the one that was presented last
		}
	}
	return r
}

// supersedeClaimed ends an attempt after which somebody else's version stands.
func supersedeClaimed(v View, id string, theirs *chain) store.Row {
	r := supersede(v, id, theirs)
	r.SeenVersionID = id
	r.State = store.OK
	return settle(v, unhindered(r), outcome.Superseded, nil)
}

// release ends an attempt that brought no tokens, and needs no person.
func release(v View, what outcome.Outcome, cause error) store.Row {
	r := backOff(v, v.Row)
	switch {
	case (v.TakenOver || v.ended != nil && v.ended.kind == providers.Unknown) && v.hopes():
		r = awaitAnother(v, r)
	case v.TakenOver || v.ended != nil && v.follows().login:
		// A login is wanted as soon as its back-off ends, whenever the old tokens were due.
		r = dueBy(awaitLogin(v, r), v.Now)
		if !v.canLogin { // without a login there is nothing to wait for: the next tick decides again
			r.NotBefore = time.Time{}
		}
	}
	r.SeenVersionID = v.Tokens.ID
	return settle(v, nameRawOfDead(v, r), what, cause)
}

// awaitAnother lets a row wait until its presented token may be presented again, or until its
// issuer may be asked.
func awaitAnother(v View, r store.Row) store.Row {
	r = dueBy(r, v.Now)
	r.RefreshFailures++
	next := v.retryAt(r.RefreshFailures)
	if reuse := v.reuse(); reuse > 0 && reuse != providers.Always {
		// The wait does not skip the last time that it may be presented.
		if last := r.PresentedAt.Add(reuse - v.reuseMargin() - v.tick); last.Before(next) {
			next = last
		}
	}
	r.NotBefore = later(next, r.ClaimedUntil)
	return r
}

// withFate is the row with what was known of the presented token before.
func withFate(r store.Row, fate store.Fate) store.Row {
	r.Fate = fate
	return r
}

// parkClaimed ends an attempt after which a person must act.
func parkClaimed(v View, state store.State, cause error) store.Row {
	r := backOff(v, v.Row)
	if state == store.Misconfigured { // it is tried again when its back-off ends
		r = dueBy(r, v.Now)
	}
	r.State = state
	r.SeenVersionID = v.Tokens.ID
	return settle(v, nameRawOfDead(v, r), outcome.Outcome(state), cause)
}

// postpone leaves an attempt that was taken over to the next tick: its claim ends now.
func postpone(v View) store.Row {
	r := v.Row
	r.ClaimedUntil = v.Now
	return r
}

// abandon is the row as it was before a claim that was based on stale data.
func abandon(v View, before store.Row) store.Row {
	before.Phase, before.Fence = store.Idle, v.Row.Fence
	return before
}

// dueBy is the row with a due time that is not after now.
func dueBy(r store.Row, now time.Time) store.Row {
	if now.Before(r.RefreshAt) {
		r.RefreshAt = now
	}
	return r
}

// schedule sets when the chain c is due and when it ends. A refresh token that came back
// unchanged may be presented again.
func schedule(v View, r store.Row, c chain) store.Row {
	r.SessionEnds = sessionEnds(r, c)
	r.IssuedAt = c.issuedAt
	r.AccessExpiresAt = c.accessExpiresAt
	r.RefreshExpiresAt = c.refreshExpiresAt
	r.RefreshAt = v.dueAt(c)
	if c.source == store.FromRefresh {
		r = unspent(r, c.refreshToken)
	}
	return r
}

// spend is the row with token as the one presented last, at an unknown time. While the escrow
// carries the chain, the current version holds a token that was presented, perhaps too long ago for
// the list of fingerprints: so its fingerprint is moved up, and stays.
func spend(v View, r store.Row, token secret.String) store.Row {
	spent := slices.Clone(v.Row.Spent)
	if v.escrowNewest() && v.chainErr == nil && v.presented(v.chain.refreshToken) {
		old := v.chain.refreshToken
		spent = append(store.WithoutSpent(spent, old), old.Fingerprint())
	}
	spent = append(spent, token.Fingerprint())
	r.Spent, r.PresentedAt, r.Fate = spent[max(0, len(spent)-store.SpentKept):], time.Time{}, ""
	return r
}

// unspent is the row without a token's fingerprint: the provider has certainly not acted on
// the token.
func unspent(r store.Row, token secret.String) store.Row {
	if r.PresentedLast(token) {
		r.PresentedAt, r.Fate = time.Time{}, ""
	}
	r.Spent = store.WithoutSpent(r.Spent, token)
	return r
}

// record writes the outcome into the row's history.
func record(r store.Row, what outcome.Outcome, cause error) store.Row {
	r.Ended(what, cause)
	switch what {
	case outcome.Refreshed, outcome.LoggedIn, outcome.Recovered:
		r.ConsecutiveFailures = 0
	case outcome.Superseded, outcome.Paused:
	default:
		r.ConsecutiveFailures++
	}
	return r
}
