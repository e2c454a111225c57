package refresh

import (
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// owner says whose the current version of tokens is, as the row sees it.
type owner string

const (
	ofNobody   owner = "nobody"   // there is no current version
	ofRow      owner = "row"      // the row settled it last
	ofEscrow   owner = "escrow"   // the escrow's, current by a write that was done although it failed
	ofOlder    owner = "older"    // an attempt before the row's last wrote it: a person has rolled tokens back
	ofStranger owner = "stranger" // an attempt wrote it that the row knows nothing of
	ofKnown    owner = "known"    // the row has met it, before a claim or when its state was written
	ofPerson   owner = "person"   // anything else: an edit, or by a stale read a version from before the last
)

// current is who owns the current version of tokens.
func (v View) current() owner {
	r, id := v.Row, v.Tokens.ID
	written := v.chain.attemptID != "" && v.chain.attemptID == id
	switch {
	case id == "":
		return ofNobody
	case id == r.VersionID:
		return ofRow
	case id == r.Escrow.AttemptID:
		return ofEscrow
	case written && v.chain.fence > 0 && v.chain.fence <= v.fence:
		return ofOlder
	case written:
		return ofStranger
	case id == r.SeenVersionID, id == r.BaseVersionID:
		return ofKnown
	}
	return ofPerson
}

// unaccounted reports whether an attempt wrote the current version, and not the row's last:
// its token was presented, or nobody knows.
func (v View) unaccounted() bool { return v.current() == ofStranger || v.current() == ofOlder }

// newToRow reports whether the row has never met the version that was read, or knows of one
// although none was read.
func (v View) newToRow() bool {
	switch v.current() {
	case ofNobody:
		return v.Row.VersionID != "" || !v.Exists
	case ofStranger, ofOlder, ofPerson:
		return true
	case ofRow, ofEscrow, ofKnown:
	}
	return false
}

// WaitsForPerson reports whether the row's state waits for a person, and nobody has changed a
// secret since. A secret that could not be read may be readable without that.
func (v View) WaitsForPerson() bool {
	return waits(v.Row) && (SecretsUnreadable(v.Row) || !v.Edited())
}

// Edited reports whether a person has changed credentials or tokens since the row's state,
// or its back-off, was written.
func (v View) Edited() bool {
	return v.Credentials.ID != v.Row.CredentialsVersionID || v.Tokens.ID != v.Row.SeenVersionID
}

// credentialsEdited reports whether a person has changed the credentials since they were seen
// last. Where that is not known, nobody has.
func (v View) credentialsEdited() bool {
	seen, current := v.Row.CredentialsVersionID, v.Credentials.ID
	return seen != "" && current != "" && seen != current
}

// SecretsUnreadable reports whether the row says that the secrets could not be read, and
// not that a try failed. They are looked at each tick then: the permission or the secret
// that was missing leaves no new version to wait for.
func SecretsUnreadable(r store.Row) bool {
	return r.State == store.Misconfigured && r.CredentialsVersionID == ""
}

// escrowFollows reports whether the escrow's reply is newer than the version that is current:
// that is the one which it replaces, or one that says nothing of the chain, for its token was
// presented (a person has rolled tokens back).
func (v View) escrowFollows() bool {
	if v.Row.Escrow.AttemptID == "" {
		return false
	}
	return v.Row.BaseVersionID == v.Tokens.ID || v.chainErr == nil && v.presented(v.chain.refreshToken)
}

// escrowOutdated reports whether somebody has put another version into tokens since the
// escrow's attempt began.
func (v View) escrowOutdated() bool { return v.Row.Escrow.AttemptID != "" && !v.escrowFollows() }

// carried reports whether the newest chain is in the escrow.
func (v View) carried() bool { return carries(v.Row) && v.escrowFollows() }

// TurnedUp reports whether the version of an uncertain attempt is there after all, and
// nobody has put another one into the secret since.
func (v View) TurnedUp() bool {
	settled := v.staged.ID == v.Row.VersionID && v.chain.refreshToken.Blank() // without a token that could be read
	return v.staged.ID != "" && !settled && (v.Tokens.ID == v.Row.BaseVersionID || v.Tokens.ID == v.staged.ID)
}

// presented reports whether token was presented and may have been acted on.
func (v View) presented(token secret.String) bool { return v.Row.Presented(token) }

// seenFence is the latest fence that the secrets tell of, in versions that the row does not know.
func (v View) seenFence() int64 {
	seen := fenceOf(v.access.Value)
	if w := v.current(); w != ofRow && w != ofEscrow {
		seen = max(seen, v.chain.fence)
	}
	return seen
}

// restored reports whether the row is older than the secrets: a version that it does not know
// was made under a later claim than its last. What was presented since, the row does not say.
func (v View) restored() bool { return v.Exists && v.seenFence() > v.fence }

// hasLeft reports whether the row says that something is left to promote or publish. A restored
// row would bring back what has long been presented.
func (v View) hasLeft() bool {
	r := v.Row
	late := r.State == store.Uncertain && v.staged.ID != ""
	return v.Taken || r.Escrow.AttemptID != "" || r.VersionID != r.PublishedVersionID || late
}
