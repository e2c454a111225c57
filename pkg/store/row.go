package store

import (
	"cmp"
	"strings"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/secret"
)

// Phase says whether an attempt is under way.
type Phase string

// The phases.
const (
	Idle    Phase = "idle"
	Sending Phase = "sending"
)

// State is a credential's health.
type State string

// The states. All except OK need a person; Misconfigured is also tried again by itself.
const (
	OK            State = "ok"
	Dead          State = "dead"
	Uncertain     State = "uncertain"
	Misconfigured State = "misconfigured"
)

// SpentKept is how many fingerprints of presented refresh tokens a row keeps.
const SpentKept = 8

// Source is where tokens came from, or what an attempt does.
type Source string

// The sources.
const (
	FromRefresh Source = "refresh"
	FromLogin   Source = "login"
)

// Fate is what became of a refresh token that may be spent. With either of them its issuer is not
// asked about it any more.
type Fate string

// The fates.
const (
	ActedOn Fate = "acted on" // its issuer says that it has acted on it
	Retried Fate = "retried"  // it was presented once more, as a last resort or because a person said so
	Foreign Fate = "foreign"  // this row's attempts have not presented it last: it was in a version that superseded theirs
)

// Row is the ledger's record of one credential. Files and people see the names of its JSON. Times
// are UTC and kept to the millisecond; a zero time means none.
type Row struct {
	Key `json:"-"`

	// The claim: lease and intent in one.
	Phase         Phase     `json:"phase,omitempty"`
	AttemptID     string    `json:"attempt_id,omitempty"`     // who sends, or sent last
	AttemptSource Source    `json:"attempt_source,omitempty"` // FromRefresh or FromLogin
	ClaimedBy     string    `json:"claimed_by,omitempty"`     // the run that holds the claim: takeovers keep the attempt id
	Fence         int64     `json:"fence,omitempty"`          // counts every claim and takeover; never goes back
	ClaimedUntil  time.Time `json:"claimed_until,omitzero"`
	// ClaimSeenAt is when a run first saw that the claim ends later than any claim can; zero:
	// none has.
	ClaimSeenAt   time.Time `json:"claim_seen_at,omitzero"`
	BaseVersionID string    `json:"base_version_id,omitempty"` // current version of tokens as read before the claim

	// Spent are the fingerprints of the refresh tokens presented last, oldest first. A home
	// gives back the older ones in a short form; see PackSpent.
	Spent []string `json:"spent,omitempty"`

	// PresentedAt is when the last of them was first claimed for; a repeat does not move it. Zero:
	// it is not known, or its issuer takes no token again.
	PresentedAt time.Time `json:"presented_at,omitzero"`
	// Fate is what became of the last of them; empty: nothing that is known.
	Fate Fate `json:"fate,omitempty"`

	// Escrow is a reply that is not promoted yet.
	Escrow Escrow `json:"-"`

	// ReplyID is the attempt with a raw reply under ReplyKey; empty: there is none.
	ReplyID string `json:"reply_id,omitempty"`

	State State `json:"state,omitempty"`
	// CredentialsVersionID and SeenVersionID are the versions of credentials and tokens that were
	// current when a run last wrote State or a back-off, its own version of tokens included. If
	// another one is current later, a person has edited that secret.
	CredentialsVersionID string `json:"credentials_version_id,omitempty"`
	SeenVersionID        string `json:"seen_version_id,omitempty"`

	// VersionID is the version of tokens that the row rests on: the last that an attempt stored, or
	// was superseded by, or whose token was sent (set at the claim).
	VersionID          string `json:"version_id,omitempty"`
	PublishedVersionID string `json:"published_version_id,omitempty"` // version of access published last

	RefreshAt time.Time `json:"refresh_at,omitzero"`
	// IssuedAt is when the tokens were asked for, by the clock of the run that did. Missing:
	// it is not known.
	IssuedAt time.Time `json:"issued_at,omitzero"`
	// SessionEnds: the last refresh has not made the access token end later.
	SessionEnds bool `json:"session_ends,omitempty"`
	// NotBefore holds back all calls. While no refresh token may be sent, a login is the only call
	// there is, and NotBefore is the same as LoginNotBefore.
	NotBefore time.Time `json:"not_before,omitzero"`
	// RefreshFailures counts the refreshes in a row after which the refresh token was still
	// alive, RefreshRefusals those of them that the provider refused because of the credentials.
	RefreshFailures int `json:"refresh_failures,omitempty"`
	RefreshRefusals int `json:"refresh_refusals,omitempty"`
	// LoginFailures counts the logins in a row that failed, LoginRefusals those that were refused.
	// No refresh resets them.
	LoginFailures int `json:"login_failures,omitempty"`
	LoginRefusals int `json:"login_refusals,omitempty"`
	// LoginNotBefore holds back logins alone. Missing beside LoginFailures, as in rows of older
	// releases: NotBefore does.
	LoginNotBefore time.Time `json:"login_not_before,omitzero"`
	// Rejections counts the rejections by readers in a row that made the credential due, and
	// RejectedAt is when the last of them did.
	Rejections int       `json:"rejections,omitempty"`
	RejectedAt time.Time `json:"rejected_at,omitzero"`
	// Unanswered: the last call got no answer from the provider.
	Unanswered bool `json:"unanswered,omitempty"`
	// Host is where the last call went. Missing: it is not known.
	Host                string          `json:"host,omitempty"`
	AccessExpiresAt     time.Time       `json:"access_expires_at,omitzero"`
	RefreshExpiresAt    time.Time       `json:"refresh_expires_at,omitzero"`
	LastSuccessAt       time.Time       `json:"last_success_at,omitzero"`
	LastOutcome         outcome.Outcome `json:"last_outcome,omitempty"`
	LastError           string          `json:"last_error,omitempty"` // one-line reason of a failure, for people; no secrets
	ConsecutiveFailures int             `json:"consecutive_failures,omitempty"`

	// Staged counts the attempts of the last day that may have staged a version. The store limits
	// the versions of a day.
	Staged Tally `json:"staged,omitempty"`

	// Tick is the time between the scheduled runs of the program that claimed last, kept to
	// the second; 0: not known.
	Tick time.Duration `json:"-"`

	// Paused stops provider calls. Only SetPaused writes it.
	Paused bool `json:"paused,omitempty"`

	// Told is the last trouble that a person was notified of; empty: none. Only SetTold writes it.
	Told string `json:"told,omitempty"`

	// Unreadable is why the stored row cannot be read, for instance after an edit by hand. Only Key
	// is set beside it. It is never written.
	Unreadable error `json:"-"`
}

// Escrow is the ledger's own copy of a reply, encrypted at rest like the secrets.
type Escrow struct {
	AttemptID string // empty: no escrow
	// Bytes is the exact value staged as tokens or, where Raw, the provider's reply
	// as it came. The latter is kept under ReplyKey; older releases kept it in the row.
	Bytes secret.String
	Raw   bool
	Sent  time.Time // when the request was sent; set where Raw
}

// PresentedLast reports whether token is the refresh token presented last.
func (r Row) PresentedLast(token secret.String) bool {
	n := len(r.Spent)
	return n > 0 && len(WithoutSpent(r.Spent[n-1:], token)) == 0
}

// Unchanged is the guard of a write that is based on r as it was read. The fence alone is not
// enough: a row that was lost and created again counts its claims from the start, and a late holder
// may write its escrow, or settle, without a new fence.
func (r Row) Unchanged() Guard {
	return Guard{
		Fence: r.Fence, AttemptID: r.AttemptID, Phase: cmp.Or(r.Phase, Idle),
		SameEscrow: true, EscrowOf: r.Escrow.AttemptID,
	}
}

// Trouble makes a value of Row.Told: a state, and the versions of the secrets that led to it.
func Trouble(state State, versions ...string) string {
	text := string(state)
	for _, v := range versions {
		text += " " + v[:min(len(v), 8)]
	}
	return text
}

// maxLastError is the size of Row.LastError in bytes: enough for a provider's message, and
// little beside the rest of a row.
const maxLastError = 500

// Ended records how an attempt ended, and the first line of the cause. The lines after it
// say what to do, which changes with what is done.
func (r *Row) Ended(what outcome.Outcome, cause error) {
	r.LastOutcome, r.LastError = what, ""
	if cause == nil {
		return
	}
	line, _, _ := strings.Cut(cause.Error(), "\n")
	r.LastError = strings.ToValidUTF8(line[:min(len(line), maxLastError)], "") // without the parts of a character
}
