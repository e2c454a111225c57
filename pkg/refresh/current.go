package refresh

import (
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// owner is whose the current version of tokens is, from the row's point of view.
type owner string

const (
	ofNobody   owner = "nobody"   // there is no current version
	ofRow      owner = "row"      // it is the version that the row is based on: Row.VersionID
	ofEscrow   owner = "escrow"   // the escrow's: the write that seemed to fail has made it current
	ofOlder    owner = "older"    // an attempt before the row's last one wrote it, or its text: rolled back, copied, or a stale read
	ofStranger owner = "stranger" // an attempt wrote it that the row does not know
	ofKnown    owner = "known"    // the row knows it, from a claim or from when its state was written
	ofPerson   owner = "person"   // a person wrote it: a new edit, or an old one in a stale read
)

// current is the owner of the current version of tokens.
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
	case v.copied(id, v.chain):
		return ofOlder
	case id == r.SeenVersionID, id == r.BaseVersionID:
		return ofKnown
	}
	return ofPerson
}

// copied reports whether version id of tokens is a person's copy of an attempt's version that the
// row is not based on: it holds a token that was presented, perhaps too long ago for the row to
// know. An edit of the row's own version names the attempt too, and may hold a new token.
func (v View) copied(id string, c chain) bool {
	return c.attemptID != "" && c.attemptID != id && c.attemptID != v.Row.VersionID
}

// ofAnotherAttempt reports whether an attempt other than the row's last one wrote the current
// version. Its token may have been presented.
func (v View) ofAnotherAttempt() bool { return v.current() == ofStranger || v.current() == ofOlder }

// newToRow reports whether the row does not know the version that was read, or knows one and none
// was read.
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

// Stuck reports whether the row needs a person, and nobody has changed a secret since. A missing
// permission or secret leaves no edit to see: such a row counts as stuck until a run can read it.
func (v View) Stuck() bool {
	return needsPerson(v.Row) && (SecretsUnreadable(v.Row) || !v.Edited())
}

// Edited reports whether a person has changed credentials or tokens since the row's state,
// or its back-off, was written.
func (v View) Edited() bool { return v.otherCredentials() || v.Tokens.ID != v.Row.SeenVersionID }

// credentialsEdited reports whether a person has changed the credentials since a run last wrote
// their version. If either version is not known, nobody has.
func (v View) credentialsEdited() bool {
	return v.otherCredentials() && v.Row.CredentialsVersionID != "" && v.Credentials.ID != ""
}

// otherCredentials reports whether the version of the credentials is not the row's.
func (v View) otherCredentials() bool { return v.Credentials.ID != v.Row.CredentialsVersionID }

// SecretsUnreadable reports whether the row is misconfigured because its secrets could not be read.
// Then each tick reads them: a restored permission makes no new version.
func SecretsUnreadable(r store.Row) bool {
	return r.State == store.Misconfigured && r.CredentialsVersionID == ""
}

// escrowFollows reports whether the escrow's reply is newer than the current version. It is if it
// replaces this version, or if this version's token was presented (a person has rolled tokens
// back).
func (v View) escrowFollows() bool {
	if v.Row.Escrow.AttemptID == "" {
		return false
	}
	return v.Row.BaseVersionID == v.Tokens.ID || v.chainErr == nil && v.presented(v.chain.refreshToken)
}

// escrowOutdated reports whether somebody has put another version into tokens since the
// escrow's attempt began.
func (v View) escrowOutdated() bool { return v.Row.Escrow.AttemptID != "" && !v.escrowFollows() }

// escrowNewest reports whether the newest chain is in the escrow.
func (v View) escrowNewest() bool { return hasEscrow(v.Row) && v.escrowFollows() }

// TurnedUp reports whether the version of an uncertain attempt exists after all, and nobody has
// put another one into the secret since.
func (v View) TurnedUp() bool {
	// The row may be uncertain because it is based on that version, whose reply had no refresh
	// token.
	known := v.staged.ID == v.Row.VersionID && v.chain.refreshToken.Blank()
	return v.staged.ID != "" && !known && (v.Tokens.ID == v.Row.BaseVersionID || v.Tokens.ID == v.staged.ID)
}

// presented reports whether token was presented, so that the provider may have acted on it.
func (v View) presented(token secret.String) bool { return v.Row.Presented(token) }

// latestFence is the latest fence in those current versions that the row does not know.
func (v View) latestFence() int64 {
	latest := fenceOf(v.access.Value)
	if w := v.current(); w != ofRow && w != ofEscrow {
		latest = max(latest, v.chain.fence)
	}
	return latest
}

// restored reports whether the row is older than the secrets: a version that it does not know was
// made under a later claim than its last.
func (v View) restored() bool { return v.Exists && v.latestFence() > v.fence }

// hasLeft reports whether the row says that something is left to promote or publish. A restored row
// is wrong about that: its tokens were replaced, and perhaps presented, long ago.
func (v View) hasLeft() bool {
	r := v.Row
	late := r.State == store.Uncertain && v.staged.ID != ""
	return v.TakenOver || r.Escrow.AttemptID != "" || r.VersionID != r.PublishedVersionID || late
}
