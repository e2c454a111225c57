package refreshtest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// Secrets models Secrets Manager: immutable versions, one of them current.
type Secrets struct {
	world *World
	docs  map[place]*document
}

type place struct {
	key store.Key
	doc store.Document
}

type document struct {
	versions map[string]secret.String
	created  map[string]time.Time
	history  []string // ids that were current, the current one last
	changed  time.Time
	quota    bool
	broken   error
}

func (d *document) current() string {
	if len(d.history) == 0 {
		return ""
	}
	return d.history[len(d.history)-1]
}

// staleness is how old the answer of a stale read may be, at most.
const staleness = 15 * time.Minute

// seen is the current version, or the one before it in a stale read.
func (d *document) seen(stale bool, now time.Time) string {
	switch n := len(d.history); {
	case !stale || now.Sub(d.changed) > staleness:
		return d.current()
	case n > 1:
		return d.history[n-2]
	}
	return ""
}

// version is the version with that id; zero if there is none.
func (d *document) version(id string) store.Version {
	value, ok := d.versions[id]
	if !ok {
		return store.Version{}
	}
	return store.Version{ID: id, Value: value}
}

func (d *document) setCurrent(id string, now time.Time) {
	d.history, d.changed = append(d.history, id), now
}

// Create makes a secret without a version.
func (s *Secrets) Create(key store.Key, doc store.Document) {
	defer s.world.lock()()
	s.docs[place{key, doc}] = &document{versions: map[string]secret.String{}, created: map[string]time.Time{}}
}

// Delete deletes a secret.
func (s *Secrets) Delete(key store.Key, doc store.Document) {
	defer s.world.lock()()
	delete(s.docs, place{key, doc})
}

// Put is a person's edit: a new current version under an id of the store's own.
func (s *Secrets) Put(key store.Key, doc store.Document, value secret.String) string {
	defer s.world.lock()()
	d := s.docs[place{key, doc}]
	id := s.world.id(PersonIDs)
	d.versions[id], d.created[id] = value, s.world.clock()
	d.setCurrent(id, s.world.clock())
	if doc == store.TokensDoc {
		s.world.did(Edited, id, value)
	}
	return id
}

// RollBack is a person's move of AWSCURRENT to a version that was current before.
func (s *Secrets) RollBack(key store.Key, doc store.Document, id string) {
	defer s.world.lock()()
	d := s.docs[place{key, doc}]
	d.setCurrent(id, s.world.clock())
	s.world.decided = true // what is current goes back, and may come again
	if doc == store.TokensDoc {
		s.world.did(Edited, id, d.versions[id])
	}
}

// Quota switches the quota on: no further version is taken.
func (s *Secrets) Quota(key store.Key, doc store.Document, on bool) {
	defer s.world.lock()()
	s.docs[place{key, doc}].quota = on
}

// Break makes every call about a secret fail with err; nil ends that.
func (s *Secrets) Break(key store.Key, doc store.Document, err error) {
	defer s.world.lock()()
	s.docs[place{key, doc}].broken = err
}

// Get returns the current version; zero if there is none.
func (s *Secrets) Get(key store.Key, doc store.Document) store.Version {
	defer s.world.lock()()
	d := s.docs[place{key, doc}]
	if d == nil {
		return store.Version{}
	}
	return d.version(d.current())
}

// Version returns the version with that id; zero if there is none.
func (s *Secrets) Version(key store.Key, doc store.Document, id string) store.Version {
	defer s.world.lock()()
	return s.docs[place{key, doc}].version(id)
}

// IDs lists all versions that were stored, in no order.
func (s *Secrets) IDs(key store.Key, doc store.Document) []string {
	defer s.world.lock()()
	return slices.Collect(maps.Keys(s.docs[place{key, doc}].versions))
}

// History lists the versions that were current, in order, the current one last.
func (s *Secrets) History(key store.Key, doc store.Document) []string {
	defer s.world.lock()()
	return slices.Clone(s.docs[place{key, doc}].history)
}

// promote makes a version current. AWSCURRENT must not go back: neither to a version that was
// current, nor to one of an older generation; but access may always follow tokens. A person's token
// that no run has claimed must not be replaced. People may decide otherwise.
func (s *Secrets) promote(at place, id string) {
	d := s.docs[at]
	before, after := generationOf(d.versions[d.current()]), generationOf(d.versions[id])
	older := before.family == after.family && before.number > after.number
	follows := at.doc == store.AccessDoc && s.docs[place{at.key, store.TokensDoc}].current() == id
	if (slices.Contains(d.history, id) && !s.world.decided || older) && !follows {
		s.world.wrong("AWSCURRENT of %s went back to %s", at.doc, id)
	}
	theirs := refreshTokenOf(d.versions[d.current()])
	claimed := slices.Contains(s.world.Ledger.rows[at.key].Spent, secret.New(theirs).Fingerprint())
	edited := at.doc == store.TokensDoc && strings.HasPrefix(d.current(), PersonIDs)
	if edited && !s.world.decided && !claimed &&
		s.world.Provider.live(theirs) && s.world.Provider.token(theirs).Presented == 0 {
		s.world.wrong("a person's version %s was replaced by %s", d.current(), id)
	}
	d.setCurrent(id, s.world.clock())
	if at.doc == store.TokensDoc {
		s.world.did(MadeCurrent, id, d.versions[id])
	}
}

// secretsPort is a process's way to the Secrets.
type secretsPort struct{ p *process }

// on makes a call about a document that must exist.
func (s secretsPort) on(
	ctx context.Context, op Op, key store.Key, doc store.Document, act func(d *document, fault Fault) error,
) error {
	return s.p.call(ctx, Site{op, doc}, key, func(fault Fault) error {
		defer s.p.world.lock()()
		d := s.p.world.Secrets.docs[place{key, doc}]
		switch {
		case d == nil:
			return store.ErrNoSecret
		case d.broken != nil:
			return d.broken
		}
		return act(d, fault)
	})
}

func (s secretsPort) Current(ctx context.Context, key store.Key, doc store.Document) (store.Version, error) {
	var v store.Version
	err := s.on(ctx, Current, key, doc, func(d *document, fault Fault) error {
		id := d.seen(fault == Stale, s.p.world.clock())
		if id == "" {
			return store.ErrNoValue
		}
		v = store.Version{ID: id, Value: d.versions[id], Age: max(time.Millisecond, s.p.world.clock().Sub(d.created[id]))}
		return nil
	})
	return v, err
}

func (s secretsPort) CurrentID(ctx context.Context, key store.Key, doc store.Document) (string, error) {
	var id string
	err := s.on(ctx, CurrentID, key, doc, func(d *document, fault Fault) error {
		id = d.seen(fault == Stale, s.p.world.clock())
		return nil
	})
	return id, err
}

func (s secretsPort) ByID(ctx context.Context, key store.Key, doc store.Document, id string) (store.Version, error) {
	var v store.Version
	err := s.on(ctx, ByID, key, doc, func(d *document, _ Fault) error {
		if v = d.version(id); v.ID == "" {
			return store.ErrNoVersion
		}
		return nil
	})
	return v, err
}

func (s secretsPort) Stage(ctx context.Context, key store.Key, doc store.Document, v store.Version) (bool, error) {
	var current bool
	err := s.on(ctx, Stage, key, doc, func(d *document, fault Fault) error {
		value, exists := d.versions[v.ID]
		switch {
		case exists && value != v.Value:
			return store.ErrVersionTaken
		case !exists && d.quota:
			return store.ErrQuota
		}
		if !exists {
			d.created[v.ID] = s.p.world.clock()
		}
		d.versions[v.ID] = v.Value
		if doc == store.TokensDoc && !exists {
			s.p.world.did(Stored, v.ID, v.Value)
		}
		if d.current() == "" {
			s.p.world.Secrets.promote(place{key, doc}, v.ID)
		}
		if fault != LandLater { // then nobody waits for the answer
			current = d.current() == v.ID
		}
		return nil
	})
	return current && err == nil, err
}

func (s secretsPort) Promote(ctx context.Context, key store.Key, doc store.Document, from, to string) error {
	return s.on(ctx, Promote, key, doc, func(d *document, _ Fault) error {
		if _, exists := d.versions[to]; !exists {
			return store.ErrNoVersion
		}
		switch d.current() {
		case to:
			return nil
		case from:
			s.p.world.Secrets.promote(place{key, doc}, to)
			return nil
		default:
			return &store.MovedError{Current: d.current()}
		}
	})
}
