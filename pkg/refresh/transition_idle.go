package refresh

import (
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// The rows that are written without a claim on an attempt, and those of raw replies.

// parkIdle records that a person must act, without an attempt. The same state again is not counted
// as another failure.
func parkIdle(v View, state store.State, cause error) store.Row {
	r := v.Row
	r.Phase = store.Idle
	r.State = state
	r = noteCredentials(v, r)
	r.SeenVersionID = v.Tokens.ID
	if state == store.Misconfigured {
		r.CredentialsVersionID = "" // see SecretsUnreadable
	}
	r.Ended(outcome.Outcome(state), cause)
	switch {
	case v.evidence.is == providers.Acted:
		r.Fate = store.ActedOn
	case v.evidence.done: // nobody knows what became of the presented token
		r = awaitAnother(v, r)
	}
	if !parked(v, r) {
		r.ConsecutiveFailures++
	}
	return r
}

// parked reports whether the row says the same as next, apart from the error.
func parked(v View, next store.Row) bool {
	r := v.Row
	return v.Exists && r.State == next.State && r.SeenVersionID == next.SeenVersionID &&
		r.CredentialsVersionID == next.CredentialsVersionID &&
		r.PresentedAt.Equal(next.PresentedAt) && r.Fate == next.Fate && r.NotBefore.Equal(next.NotBefore)
}

// watch is the row with the time when its claim was first seen to last too long.
func watch(v View) store.Row {
	r := v.Row
	r.ClaimSeenAt = v.Now
	return r
}

// correct is the row with the times of its tokens by the store's clock. It is due as soon as the
// quota allows, because readers have the wrong times too.
func correct(v View) store.Row {
	r, c := v.Row, v.chain
	if v.presentedInFuture() {
		r.PresentedAt, r.NotBefore = time.Time{}, time.Time{}
		return r
	}
	r.IssuedAt = v.Now.Add(-v.Tokens.Age)
	by := c.issuedAt.Sub(r.IssuedAt)
	r.AccessExpiresAt = c.accessExpiresAt.Add(-by)
	if !c.refreshExpiresAt.IsZero() {
		r.RefreshExpiresAt = c.refreshExpiresAt.Add(-by)
	}
	r.RefreshAt = v.Now.Add(minInterval - v.Tokens.Age)
	return r
}

// repair is the row once tokens holds c; published is why access does not. Attempt, state and
// back-offs stay as they are.
func repair(v View, c chain, published error, what outcome.Outcome, cause error) store.Row {
	r := v.Row
	if hasEscrow(r) {
		r.SeenVersionID = c.attemptID // the change is ours and no person's
	}
	r.AccessExpiresAt = c.accessExpiresAt
	return record(madeCurrent(r, c, published), what, cause)
}

// supersedeIdle ends a repair that came too late: somebody else's version stands.
func supersedeIdle(v View, id string, theirs *chain) store.Row {
	return record(supersede(v, id, theirs), outcome.Superseded, nil)
}

// forget is a restored row without its attempts and versions, which are older than the secrets. The
// current token counts as spent. So does the token of any version that an attempt wrote, because
// the row now knows none of them.
func forget(v View) store.Row {
	r := v.Row
	if token := v.chain.refreshToken; !token.Blank() && !v.presented(token) {
		r = spend(v, r, token)
	}
	r.Phase = store.Idle
	r.Fence = max(r.Fence, v.latestFence()) + 1
	r.AttemptID, r.AttemptSource, r.BaseVersionID, r.VersionID = "", "", "", ""
	r.Escrow, r.ReplyID = store.Escrow{}, ""
	r.State = store.OK
	r.SeenVersionID = v.Tokens.ID
	return dueBy(r, v.Now)
}

// discard is the row after a person has dropped the last attempt and what it left: the current
// version stands, and refreshes go on from it. It needs no claim: a run that died under a claim for
// it would leave one more attempt to resolve.
func discard(v View) store.Row {
	r := v.Row
	r.Phase = store.Idle
	r.Fence++
	r.Escrow = store.Escrow{}
	r.ReplyID = ""
	r.State = store.OK
	r.VersionID, r.SeenVersionID = v.Tokens.ID, v.Tokens.ID
	r.RefreshAt = v.Now
	r = unhindered(noteCredentials(v, r))
	return record(r, outcome.Superseded, nil)
}

// makeDue is an idle row that the next tick looks at.
func makeDue(r store.Row, now time.Time) store.Row {
	r.Phase = store.Idle
	r.RefreshAt = now
	return r
}

// rawRow is the row that holds an attempt's raw reply.
func rawRow(r store.Row, raw secret.String, sent time.Time) store.Row {
	return store.Row{
		Key: store.ReplyKey(r.Key), Phase: store.Idle,
		AttemptID: r.AttemptID, AttemptSource: r.AttemptSource, BaseVersionID: r.BaseVersionID,
		Escrow: store.Escrow{AttemptID: r.AttemptID, Bytes: raw, Raw: true, Sent: sent},
	}
}

// wipedRawRow is the row of a raw reply without the reply, which is no longer needed.
func wipedRawRow(r store.Row) store.Row {
	r.Escrow = store.Escrow{}
	return r
}
