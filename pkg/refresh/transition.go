package refresh

import (
	"slices"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// Every way in which a row changes is a function of this file, from the row as it was, and
// what is known beside it, to the row as it becomes. Nothing else writes a row's fields.
// commit stores what they return, as one of the edges of edges.go.

// holder is who claims, and until when.
type holder struct {
	runID string
	until time.Time
	fence int64 // the latest that the secrets tell of
	tick  time.Duration
}

// hold makes the row the holder's. The fence goes beyond all that are known.
func hold(r store.Row, h holder) store.Row {
	r.Phase = store.Sending
	r.ClaimedBy = h.runID
	r.Fence = max(r.Fence, h.fence) + 1
	r.ClaimedUntil, r.ClaimSeenAt = h.until, time.Time{}
	r.Tick = h.tick
	return r
}

// claim is the row under a new attempt that starts from the versions that were read.
func claim(v View, h holder, attemptID string, source store.Source) store.Row {
	r := v.Row
	r.AttemptID = attemptID
	r.AttemptSource = source
	r.BaseVersionID = v.Tokens.ID
	if v.ended != nil {
		r = backOff(v, r)
	}
	r = credentialsSeen(v, r)
	r.SeenVersionID = v.Tokens.ID
	r.Unanswered = false
	r.Host = v.host()
	r.State = store.OK // a real try starts afresh; how it ends is written later
	r.StagedAt = staging(v.Row, v.Now)
	if next, accepted := v.rejection(); accepted {
		r.RejectedAt, r.Rejections = next.Last, next.Count
	}
	if v.escrowOutdated() {
		r.Escrow = store.Escrow{}
	}
	return hold(named(v, r), h)
}

// claimRefresh is the row under the claim for a refresh: lease and intent in one. The token
// of s counts as spent from now on. The version that it comes from becomes the row's, so
// that an older one that a stale read brings back is known for what it is.
func claimRefresh(v View, s Step, h holder, attemptID string) store.Row {
	r := claim(v, h, attemptID, store.FromRefresh)
	r.Spent = spending(v, s.token())
	r.VersionID = s.version
	r.NotBefore = time.Time{}
	return r
}

// claimLogin is the row under the claim for a login. The login is counted before it is
// tried, so that one that kills its process backs off too. Refreshes do not wait for that
// back-off. The row is due now: with no chain left, its old due time means nothing.
func claimLogin(v View, h holder, attemptID string) store.Row {
	r := claim(v, h, attemptID, store.FromLogin)
	r.LoginFailures++
	r.LoginNotBefore = v.retryAt(r.LoginFailures)
	return awaitLogin(v, dueBy(r, v.Now))
}

// awaitLogin lets a row without a refresh token that may be sent wait for its login.
func awaitLogin(v View, r store.Row) store.Row {
	if !v.lives() {
		r.NotBefore = r.LoginNotBefore
	}
	return r
}

// backOff counts a call that brought no tokens, and sets when the next may be made. That of a
// login was set before it was tried.
func backOff(v View, r store.Row) store.Row {
	kind, login := v.ended.kind, v.Row.AttemptSource == store.FromLogin
	r.Unanswered = unanswered(kind) && !v.ended.ours
	switch follow := v.follows(); {
	case v.ended.ours:
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

// credentialsSeen notes the version of the credentials. An edit of them ends every back-off.
func credentialsSeen(v View, r store.Row) store.Row {
	if v.credentialsEdited() {
		r = unhindered(r)
		r.LoginFailures, r.LoginRefusals, r.LoginNotBefore = 0, 0, time.Time{}
	}
	r.CredentialsVersionID = v.Credentials.ID
	return r
}

// unhindered is the row without what holds back refreshes.
func unhindered(r store.Row) store.Row {
	r.NotBefore = time.Time{}
	r.RefreshFailures, r.RefreshRefusals = 0, 0
	return r
}

// takeOver is the row under the claim of a run that finishes an attempt, under that one's id.
func takeOver(r store.Row, s Step, h holder) store.Row {
	r.AttemptID, r.AttemptSource, r.BaseVersionID = s.attemptID, s.source, s.base
	return hold(r, h)
}

// keepReply is the row with a reply in its escrow.
func keepReply(r store.Row, c chain) store.Row {
	r.Escrow = store.Escrow{AttemptID: c.attemptID, Bytes: c.document()}
	return r
}

// keepRaw is the row that names its attempt's reply, which is kept unread.
func keepRaw(r store.Row) store.Row {
	r.ReplyID = r.AttemptID
	return r
}

// named is the row that names the reply which its attempt had kept when it died.
func named(v View, r store.Row) store.Row {
	if k, kept := v.kept(); kept && v.Taken && k.AttemptID == v.Row.AttemptID {
		r.ReplyID = k.AttemptID
	}
	return r
}

// replyRow is the row of an attempt's reply that is kept unread.
func replyRow(r store.Row, raw secret.String, sent time.Time) store.Row {
	return store.Row{
		Key: store.ReplyKey(r.Key), Phase: store.Idle,
		AttemptID: r.AttemptID, AttemptSource: r.AttemptSource, BaseVersionID: r.BaseVersionID,
		Escrow: store.Escrow{AttemptID: r.AttemptID, Bytes: raw, Raw: true, Sent: sent},
	}
}

// noReplyRow is the row of a reply that nobody needs any more.
func noReplyRow(r store.Row) store.Row {
	r.Escrow = store.Escrow{}
	return r
}

// settle ends an attempt, because of cause if there is one.
func settle(v View, r store.Row, what outcome.Outcome, cause error) store.Row {
	r.Phase = store.Idle
	r = credentialsSeen(v, r)
	return record(r, what, cause)
}

// storeChain ends an attempt whose tokens are current. published is why access is not;
// then the row stays due for a repair without the provider.
func storeChain(v View, c chain, published error, what outcome.Outcome, cause error) store.Row {
	r := schedule(v, v.Row, c)
	if published == nil {
		r.PublishedVersionID = c.attemptID
	}
	r.VersionID = c.attemptID
	r.SeenVersionID = c.attemptID
	r.Escrow = store.Escrow{}
	r.State = v.stateAfter(c)
	r.LastSuccessAt = v.Now
	return settle(v, succeeded(named(v, r), c), what, cause)
}

// succeeded is the row without the back-offs that tokens end. What a refresh has brought
// says nothing of a login.
func succeeded(r store.Row, c chain) store.Row {
	r = unhindered(r)
	if !c.refreshToken.Blank() {
		r.ReplyID = ""
	}
	if c.source == store.FromLogin {
		r.LoginFailures, r.LoginRefusals, r.LoginNotBefore = 0, 0, time.Time{}
	}
	r.Unanswered = false
	return r
}

// carryChain ends an attempt whose reply the secrets do not take: the chain lives on in the
// escrow, refreshes go on from it, and each tick tries the secrets again.
func carryChain(v View, c chain, cause error) store.Row {
	r := schedule(v, keepReply(v.Row, c), c)
	r.SeenVersionID = v.Tokens.ID
	r.State = v.stateAfter(c)
	next := succeeded(r, c)
	next.ReplyID = r.ReplyID // until the chain is current
	return settle(v, next, outcome.PersistFailed, cause)
}

// supersede is the row once somebody else's version of tokens stands, and is due. One that
// another attempt wrote, of which this row knows nothing (it was lost meanwhile, or there are
// two ledgers), may have been presented: its token counts as spent. theirs is nil if that
// version could not be read: then it is unknown to the row until it is read.
func supersede(v View, id string, theirs *chain) store.Row {
	r := v.Row
	r.VersionID, r.Escrow, r.RefreshAt = id, store.Escrow{}, v.Now
	switch {
	case theirs == nil:
		r.VersionID = ""
	case theirs.fence > r.Fence:
		r.Fence = theirs.fence
	}
	switch {
	case theirs == nil:
	case theirs.attemptID == id:
		r.Spent = spending(v, theirs.refreshToken)
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

// release ends an attempt that brought no tokens, and needs nobody.
func release(v View, what outcome.Outcome, cause error) store.Row {
	r := v.Row
	if v.ended != nil {
		r = backOff(v, r)
	}
	if v.Taken || v.ended != nil && v.follows().login { // there is no chain any more
		r = dueBy(awaitLogin(v, r), v.Now)
	}
	r.SeenVersionID = v.Tokens.ID
	return settle(v, named(v, r), what, cause)
}

// parkClaimed ends an attempt after which a person must act.
func parkClaimed(v View, state store.State, cause error) store.Row {
	r := v.Row
	if v.ended != nil {
		r = backOff(v, r)
	}
	if state == store.Misconfigured { // it is tried again as the back-off allows
		r = dueBy(r, v.Now)
	}
	r.State = state
	r.SeenVersionID = v.Tokens.ID
	return settle(v, named(v, r), outcome.Outcome(state), cause)
}

// parkIdle writes that a person must act, as was found without an attempt. An error that is
// known already is not counted again.
func parkIdle(v View, state store.State, cause error) store.Row {
	r := v.Row
	r.Phase = store.Idle
	r.State = state
	r = credentialsSeen(v, r)
	r.SeenVersionID = v.Tokens.ID
	if state == store.Misconfigured {
		r.CredentialsVersionID = "" // see SecretsUnreadable
	}
	r.Ended(outcome.Outcome(state), cause)
	if !parked(v, r) {
		r.ConsecutiveFailures++
	}
	return r
}

// parked reports whether the row says already what next says, the error aside.
func parked(v View, next store.Row) bool {
	r := v.Row
	return v.Exists && r.State == next.State && r.SeenVersionID == next.SeenVersionID &&
		r.CredentialsVersionID == next.CredentialsVersionID
}

// seen is the row that tells when its claim was first seen that seems to last too long.
func seen(v View) store.Row {
	r := v.Row
	r.ClaimSeenAt = v.Now
	return r
}

// correct is the row with the times of its tokens as the store's clock tells them. It is due as
// soon as the quota allows: readers hold the wrong times too.
func correct(v View) store.Row {
	r, c := v.Row, v.chain
	r.IssuedAt = v.Now.Add(-v.Tokens.Age)
	by := c.issuedAt.Sub(r.IssuedAt)
	r.AccessExpiresAt = c.accessExpiresAt.Add(-by)
	if !c.refreshExpiresAt.IsZero() {
		r.RefreshExpiresAt = c.refreshExpiresAt.Add(-by)
	}
	r.RefreshAt = v.Now.Add(leastInterval - v.Tokens.Age)
	return r
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

// unclaim ends an attempt under which nothing was sent, because access cannot be reached. No
// state is kept: what mends that is no edit that a later tick would see.
func unclaim(v View, before store.Row, token secret.String, what outcome.Outcome, cause error) store.Row {
	r := unspent(v.Row, token)
	before = credentialsSeen(v, before)
	r.NotBefore, r.LoginNotBefore, r.LoginFailures = before.NotBefore, before.LoginNotBefore, before.LoginFailures
	r.SeenVersionID = v.Tokens.ID
	return settle(v, r, what, cause)
}

// repair is the row once c is where it was owed; published is why access is not. Attempt,
// state and back-offs stay as they are.
func repair(v View, c chain, published error, what outcome.Outcome, cause error) store.Row {
	r := v.Row
	if carries(r) {
		r.SeenVersionID = c.attemptID // the change is ours and no person's
	}
	r.VersionID, r.Escrow, r.AccessExpiresAt = c.attemptID, store.Escrow{}, c.accessExpiresAt
	if !c.refreshToken.Blank() {
		r.ReplyID = ""
	}
	if published == nil {
		r.PublishedVersionID = c.attemptID
	}
	return record(r, what, cause)
}

// supersedeIdle is the row of a repair that came too late: somebody else's version stands.
func supersedeIdle(v View, id string, theirs *chain) store.Row {
	return record(supersede(v, id, theirs), outcome.Superseded, nil)
}

// forget is a restored row without all that it says of attempts and versions, which is older
// than the secrets. The token that is current counts as spent, and so does that of any version
// which an attempt wrote: the row knows none of them any more.
func forget(v View) store.Row {
	r := v.Row
	if token := v.chain.refreshToken; !token.Blank() && !v.presented(token) {
		r.Spent = spending(v, token)
	}
	r.Phase = store.Idle
	r.Fence = max(r.Fence, v.seenFence()) + 1
	r.AttemptID, r.AttemptSource, r.BaseVersionID, r.VersionID = "", "", "", ""
	r.Escrow, r.ReplyID = store.Escrow{}, ""
	r.State = store.OK
	r.SeenVersionID = v.Tokens.ID
	return dueBy(r, v.Now)
}

// discard is the row once a person has given up the last attempt and what it left: the
// current version stands, and refreshes go on from it. A claim would leave an attempt of
// which nobody knows what it has sent.
func discard(v View) store.Row {
	r := v.Row
	r.Phase = store.Idle
	r.Fence++
	r.Escrow = store.Escrow{}
	r.ReplyID = ""
	r.State = store.OK
	r.VersionID, r.SeenVersionID = v.Tokens.ID, v.Tokens.ID
	r.RefreshAt = v.Now
	r = unhindered(credentialsSeen(v, r))
	return record(r, outcome.Superseded, nil)
}

// makeDue is an idle row that the next tick looks at.
func makeDue(r store.Row, now time.Time) store.Row {
	r.Phase = store.Idle
	r.RefreshAt = now
	return r
}

// dueBy is the row with a due time that is not after now.
func dueBy(r store.Row, now time.Time) store.Row {
	if now.Before(r.RefreshAt) {
		r.RefreshAt = now
	}
	return r
}

// schedule sets when the chain c is due and when it ends. A refresh token that comes back
// unchanged was not rotated: it may be presented again.
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

// spending is the row's list of fingerprints with that of token added. While the escrow
// carries the chain, the token of the version that is still current is presented and current
// at once, for longer than the list may be long: it stays among the last.
func spending(v View, token secret.String) []string {
	spent := slices.Clone(v.Row.Spent)
	if v.carried() && v.chainErr == nil && v.presented(v.chain.refreshToken) {
		old := v.chain.refreshToken.Fingerprint()
		spent = append(slices.DeleteFunc(spent, func(s string) bool { return s == old }), old)
	}
	spent = append(spent, token.Fingerprint())
	return spent[max(0, len(spent)-store.SpentKept):]
}

// unspent is the row without a token's fingerprint: the provider has certainly not acted on
// the token.
func unspent(r store.Row, token secret.String) store.Row {
	fingerprint := token.Fingerprint()
	r.Spent = slices.DeleteFunc(slices.Clone(r.Spent), func(s string) bool { return s == fingerprint })
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
