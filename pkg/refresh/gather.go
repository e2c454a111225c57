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

	asksNobody bool  // the view's owner makes no calls
	fence      int64 // the row's, before this run claimed

	readings
}

// readings are what has been read; see Needs.
type readings struct {
	Credentials, Tokens Reading // current versions
	session             providers.Session
	sessionErr          error
	canLogin            bool            // with the credentials
	repeats             providers.Again // what the credentials say of tokens that were presented
	chain               chain           // in Tokens
	chainErr            error
	staged              Reading // the version of tokens that the row's attempt made
	last                Reading // the version of tokens that the row is based on: Row.VersionID
	again               Reading // the id of the current version of tokens, read a second time
	third               Reading // and a third time
	raw                 rawReading
	access              Reading // the current version of access; its value only if the row does not know that version
	evidence            evidence
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

// gather reads the named parts of the view, all at once.
func (a *visit) gather(ctx context.Context, n Needs) {
	v, key := &a.v, a.v.Row.Key
	var reads []func()
	read := func(needed bool, into *Reading, from func() (store.Version, error)) {
		if needed {
			into.done = true
			reads = append(reads, func() { into.Version, into.Err = from() })
		}
	}
	current := func(doc store.Document) func() (store.Version, error) {
		return func() (store.Version, error) { return a.Secrets.Current(ctx, key, doc) }
	}
	currentID := func() (store.Version, error) {
		id, err := a.Secrets.CurrentID(ctx, key, store.TokensDoc)
		return store.Version{ID: id}, err
	}
	read(n.Secrets, &v.Tokens, current(store.TokensDoc))
	read(n.Secrets, &v.Credentials, current(store.Credentials))
	read(n.Staged, &v.staged, func() (store.Version, error) { return a.versionOf(ctx, v.Row.AttemptID) })
	read(n.Last, &v.last, func() (store.Version, error) { return a.versionOf(ctx, v.Row.VersionID) })
	read(n.Again, &v.again, currentID)
	read(n.Third, &v.third, currentID)
	read(n.Access, &v.access, func() (store.Version, error) { return a.readAccess(ctx) })
	if n.Raw {
		reads = append(reads, func() { v.raw = a.readRaw(ctx) })
	}
	if n.Evidence {
		reads = append(reads, func() { v.evidence = v.ask(ctx) })
	}
	together(reads...)

	if !n.Secrets {
		return
	}
	if errors.Is(v.Tokens.Err, store.ErrNoValue) {
		v.Tokens.Err = nil
	}
	if v.Credentials.Err == nil {
		v.session, v.sessionErr = a.Provider.Open(v.Credentials.Value)
		v.canLogin, v.repeats = v.sessionErr == nil && v.session.CanLogin(), providers.AgainOf(v.session)
	}
	v.chain, v.chainErr = parseChain(v.Tokens.Value)
}

// versionOf reads the version of tokens with that id; zero if there is none.
func (a *visit) versionOf(ctx context.Context, id string) (store.Version, error) {
	if id == "" {
		return store.Version{}, nil
	}
	v, err := a.Secrets.ByID(ctx, a.v.Row.Key, store.TokensDoc, id)
	if errors.Is(err, store.ErrNoVersion) {
		return store.Version{}, nil
	}
	return v, err
}

// readAccess reads which version of access is current, and its text if the row does not know
// that version. The text is not needed beside a row that has never published.
func (a *visit) readAccess(ctx context.Context) (store.Version, error) {
	r := a.v.Row
	id, err := a.Secrets.CurrentID(ctx, r.Key, store.AccessDoc)
	known := id == "" || id == r.PublishedVersionID || id == r.VersionID || id == r.AttemptID || id == r.Escrow.AttemptID
	if err != nil || known || r.PublishedVersionID == "" {
		return store.Version{ID: id}, err
	}
	v, err := a.Secrets.ByID(ctx, r.Key, store.AccessDoc, id)
	if errors.Is(err, store.ErrNoVersion) || lasting(err) { // such a version proves nothing, and may be replaced
		return store.Version{ID: id}, nil
	}
	return v, err
}

// readRaw reads the row of the raw reply.
func (a *visit) readRaw(ctx context.Context) rawReading {
	row, exists, err := a.Ledger.Row(ctx, store.ReplyKey(a.v.Row.Key))
	return rawReading{row, exists, err, true}
}

// at adds the secret's name to an error.
func (v View) at(doc store.Document, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("secret %s: %w", v.name(doc), err)
}

// lasting reports whether an error of a port stays until a person acts.
func lasting(err error) bool {
	return errors.Is(err, store.ErrNoSecret) || errors.Is(err, store.ErrForbidden) || errors.Is(err, store.ErrMalformed)
}
