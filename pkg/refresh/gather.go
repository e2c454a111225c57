package refresh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/store"
)

// View has everything that a decision about a credential uses. It is gathered step by step, each
// part once, as Decide asks for it; a run that has written the row gathers a new one.
type View struct {
	Row    store.Row
	Exists bool // the row
	Now    time.Time
	Force  bool // a person asked for a try now

	// Held: this run holds the claim. TakenOver: of an attempt that another run began.
	Held, TakenOver bool
	// Relogin: a person wants a login now, whatever state and back-offs say.
	Relogin bool
	// chainWorks: the newest chain works, so the login of a Relogin is optional.
	chainWorks bool

	name     func(store.Document) string
	needed   time.Duration // what an attempt needs; 0: no limit
	tick     time.Duration // between two runs
	longest  time.Duration // that a claim lasts; 0: any claim is believed
	waiting  int           // how many accounts of the run wait for an edit
	rejected string        // the attempt whose access token a reader's provider refuses; empty: none
	probe    store.Source  // the call whose back-off this run passes over; see probes.go
	send     time.Duration // how long a request may take
	attempt  time.Duration // how long an attempt's claim lasts
	late     error         // too little time is left for an attempt
	ended    *ended        // how the call under the claim ended; nil: none was made
	repaired bool          // a repair was tried in this run, and failed

	// What has been read; see Needs.
	Credentials, Tokens Reading // current versions
	session             providers.Session
	sessionErr          error
	chain               chain // in Tokens
	chainErr            error
	staged              Reading // the version of tokens that the row's attempt made
	last                Reading // the version of tokens that the row is based on: Row.VersionID
	again               Reading // the id of the current version of tokens, read a second time
	third               Reading // and a third time
	raw                 rawReading
	access              Reading // the current version of access; its value only if the row does not know that version
	evidence            evidence
	asksNobody          bool  // the view's owner makes no calls
	fence               int64 // the row's, before this run claimed
}

// Reading is a version that was read, or why it could not be.
type Reading struct {
	store.Version // zero: there is none
	Err           error
	done          bool
}

// rawReading is the row of the raw reply, or why it could not be read.
type rawReading struct {
	row    store.Row
	exists bool
	err    error
	done   bool
}

// Needs are the parts of a View that Decide needs next.
type Needs struct {
	Secrets bool // credentials and tokens
	Staged  bool // the version of tokens that the row's attempt made
	Last    bool // the version of tokens that the row is based on
	Again   bool // the id of the current version of tokens, once more
	Third   bool // and a third time
	Raw     bool // the raw reply
	Access  bool // which version of access is current
	// Evidence: the issuer's answer about the refresh token that was presented last
	Evidence bool
}

func (n Needs) any() bool { return n != Needs{} }

// Sources are what a View is gathered from.
type Sources struct {
	Provider providers.Provider
	Secrets  store.Secrets
	Ledger   store.Ledger // nil: raw replies are not read
}

// NewView is the view of a credential of which only the row was read.
func (s Sources) NewView(row store.Row, exists bool, now time.Time) View {
	return View{
		Row: row, Exists: exists, Now: now, fence: row.Fence,
		name: func(doc store.Document) string { return store.NameOf(s.Secrets, row.Key, doc) },
	}
}

// Gather reads the named parts of a view, all at once.
func (s Sources) Gather(ctx context.Context, v View, n Needs) View {
	key := v.Row.Key
	var reads []func()
	if n.Secrets {
		reads = append(
			reads,
			func() { v.Tokens.Version, v.Tokens.Err = s.Secrets.Current(ctx, key, store.TokensDoc) },
			func() { v.Credentials.Version, v.Credentials.Err = s.Secrets.Current(ctx, key, store.Credentials) },
		)
	}
	if n.Staged && v.Row.AttemptID != "" {
		reads = append(reads, func() { v.staged.Version, v.staged.Err = s.Secrets.ByID(ctx, key, store.TokensDoc, v.Row.AttemptID) })
	}
	if n.Last && v.Row.VersionID != "" {
		reads = append(reads, func() { v.last.Version, v.last.Err = s.Secrets.ByID(ctx, key, store.TokensDoc, v.Row.VersionID) })
	}
	if n.Again {
		reads = append(reads, func() { v.again.ID, v.again.Err = s.Secrets.CurrentID(ctx, key, store.TokensDoc) })
	}
	if n.Raw && s.Ledger != nil {
		reads = append(reads, func() { v.raw.row, v.raw.exists, v.raw.err = s.Ledger.Row(ctx, store.ReplyKey(key)) })
	}
	if n.Third {
		reads = append(reads, func() { v.third.ID, v.third.Err = s.Secrets.CurrentID(ctx, key, store.TokensDoc) })
	}
	if n.Access {
		reads = append(reads, func() { v.access.Version, v.access.Err = s.readAccess(ctx, v.Row) })
	}
	if n.Evidence {
		reads = append(reads, func() { v.evidence = v.ask(ctx) })
	}
	together(reads...)

	v.raw.done, v.third.done = v.raw.done || n.Raw, v.third.done || n.Third
	v.Tokens.done, v.Credentials.done = v.Tokens.done || n.Secrets, v.Credentials.done || n.Secrets
	v.staged.done, v.last.done, v.again.done = v.staged.done || n.Staged, v.last.done || n.Last, v.again.done || n.Again
	v.access.done = v.access.done || n.Access && v.access.Err == nil
	if errors.Is(v.staged.Err, store.ErrNoVersion) || errors.Is(v.staged.Err, store.ErrNoValue) {
		v.staged.Err = nil
	}
	if errors.Is(v.last.Err, store.ErrNoVersion) {
		v.last.Err = nil
	}
	if errors.Is(v.Tokens.Err, store.ErrNoValue) {
		v.Tokens.Err = nil
	}
	if n.Secrets {
		if v.Credentials.Err == nil {
			v.session, v.sessionErr = s.Provider.Open(v.Credentials.Value)
		}
		v.chain, v.chainErr = parseChain(v.Tokens.Value)
	}
	return v
}

// readAccess reads which version of access is current, and its text if the row does not know
// that version. The text is not needed beside a row that has never published.
func (s Sources) readAccess(ctx context.Context, r store.Row) (store.Version, error) {
	id, err := s.Secrets.CurrentID(ctx, r.Key, store.AccessDoc)
	known := id == "" || id == r.PublishedVersionID || id == r.VersionID || id == r.AttemptID || id == r.Escrow.AttemptID
	if err != nil || known || r.PublishedVersionID == "" {
		return store.Version{ID: id}, err
	}
	v, err := s.Secrets.ByID(ctx, r.Key, store.AccessDoc, id)
	if errors.Is(err, store.ErrNoVersion) || lasting(err) { // such a version proves nothing, and may be replaced
		return store.Version{ID: id}, nil
	}
	return v, err
}

// unread forgets what was read of the secrets: they are read again when they are needed.
func (v View) unread() View {
	return View{
		Row: v.Row, Exists: v.Exists, Now: v.Now, Force: v.Force, Held: v.Held, TakenOver: v.TakenOver, Relogin: v.Relogin,
		chainWorks: v.chainWorks, fence: v.fence,
		name: v.name, needed: v.needed, send: v.send, attempt: v.attempt, asksNobody: v.asksNobody,
		tick: v.tick, longest: v.longest, waiting: v.waiting,
		rejected: v.rejected, probe: v.probe, repaired: v.repaired,
	}
}

// at adds the secret's name to an error.
func (v View) at(doc store.Document, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("secret %s: %w", v.name(doc), err)
}

// CanLogin reports whether the credentials that were read allow a login.
func (v View) CanLogin() bool { return v.session != nil && v.session.CanLogin() }

// lasting reports whether an error of a port stays until a person acts.
func lasting(err error) bool {
	return errors.Is(err, store.ErrNoSecret) || errors.Is(err, store.ErrForbidden) || errors.Is(err, store.ErrMalformed)
}
