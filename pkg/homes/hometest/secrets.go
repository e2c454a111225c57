package hometest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// Seeder does to secrets what people and templates do.
type Seeder interface {
	// CreateSecret makes a secret without any version.
	CreateSecret(ctx context.Context, key store.Key, doc store.Document) error
	// PutCurrent writes a value that is current at once, under an id of the store's
	// own making.
	PutCurrent(ctx context.Context, key store.Key, doc store.Document, value secret.String) (versionID string, err error)
}

// Secrets tests the contract of store.Secrets.
func Secrets(t *testing.T, store store.Secrets, seeder Seeder) {
	t.Helper()
	s := secretsContract{store, seeder}
	inParallel(t, map[string]func(*testing.T){
		"a secret that was never created":                             s.noSecret,
		"a secret without a value":                                    s.noValue,
		"the first version becomes current by itself":                 s.firstVersion,
		"staging is idempotent, and leaves the current version alone": s.stageIdempotent,
		"a version id is taken for ever":                              s.versionTaken,
		"promote":                                                     s.promote,
		"promote is idempotent":                                       s.promoteIdempotent,
		"promote goes back to an older version":                       s.promoteBack,
		"promote from another version than the current":               s.promoteMoved,
		"promote of an unknown version":                               s.promoteUnknown,
		"an edit during an attempt wins":                              s.editWins,
		"an edit replaces the current version":                        s.edit,
		"one of many promotes wins":                                   s.promoteRace,
		"one of many values takes a version id":                       s.stageRace,
		"a version is found by id, whatever its labels":               s.byID,
		"values come back as they went in":                            s.values,
		"keys and documents are apart":                                s.apart,
		"a cancelled call is no verdict":                              s.cancelled,
	})
}

type secretsContract struct {
	store  store.Secrets
	seeder Seeder
}

const doc = store.TokensDoc

func newVersion(value string) store.Version {
	return store.Version{ID: uuid.NewString(), Value: secret.New(value)}
}

// created makes a tokens secret without a value.
func (s secretsContract) created(t *testing.T) store.Key {
	t.Helper()
	key := newKey()
	must(t, s.seeder.CreateSecret(t.Context(), key, doc))
	return key
}

// seeded makes a tokens secret with a current version.
func (s secretsContract) seeded(t *testing.T) (store.Key, store.Version) {
	t.Helper()
	key := s.created(t)
	return key, s.edited(t, key, "seed")
}

func (s secretsContract) edited(t *testing.T, key store.Key, value string) store.Version {
	t.Helper()
	id, err := s.seeder.PutCurrent(t.Context(), key, doc, secret.New(value))
	must(t, err)
	return store.Version{ID: id, Value: secret.New(value)}
}

// staged stages a new version over a current one.
func (s secretsContract) staged(t *testing.T, key store.Key, value string) store.Version {
	t.Helper()
	return s.stage(t, key, newVersion(value), false)
}

func (s secretsContract) stage(t *testing.T, key store.Key, v store.Version, wantCurrent bool) store.Version {
	t.Helper()
	current, err := s.store.Stage(t.Context(), key, doc, v)
	must(t, err)
	equal(t, "stage reports current", current, wantCurrent)
	return v
}

func (s secretsContract) promoted(t *testing.T, key store.Key, from, to store.Version) {
	t.Helper()
	must(t, s.store.Promote(t.Context(), key, doc, from.ID, to.ID))
	s.wantCurrent(t, key, to)
}

func (s secretsContract) wantCurrent(t *testing.T, key store.Key, want store.Version) {
	t.Helper()
	got, err := s.store.Current(t.Context(), key, doc)
	must(t, err)
	equalVersion(t, "current version", got, want)
	id, err := s.store.CurrentID(t.Context(), key, doc)
	must(t, err)
	equal(t, "id of the current version", id, want.ID)
}

func (s secretsContract) wantByID(t *testing.T, key store.Key, want store.Version) {
	t.Helper()
	got, err := s.store.ByID(t.Context(), key, doc, want.ID)
	must(t, err)
	equalVersion(t, "version by id", got, want)
}

// equalVersion compares id and value. The age is the store's own: none, or a short time.
func equalVersion(t *testing.T, what string, got, want store.Version) {
	t.Helper()
	if got.Age < 0 || got.Age > time.Hour {
		t.Errorf("%s: it is %v old", what, got.Age)
	}
	equal(t, what, got, want)
}

func wantError(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: error %v, want %v", what, got, want)
	}
}

func wantMoved(t *testing.T, err error, current string) {
	t.Helper()
	moved, ok := errors.AsType[*store.MovedError](err)
	if !ok {
		t.Fatalf("error %v, want a *store.MovedError", err)
	}
	equal(t, "current version named by the error", moved.Current, current)
}

func (s secretsContract) noSecret(t *testing.T) {
	for _, from := range []string{"", uuid.NewString()} {
		for what, err := range s.calls(t.Context(), newKey(), from, uuid.NewString()) {
			wantError(t, what, err, store.ErrNoSecret)
		}
	}
}

// calls makes each call that the port has about a secret, and returns their errors.
func (s secretsContract) calls(ctx context.Context, key store.Key, from, to string) map[string]error {
	errs := map[string]error{}
	_, errs["current"] = s.store.Current(ctx, key, doc)
	_, errs["current id"] = s.store.CurrentID(ctx, key, doc)
	_, errs["by id"] = s.store.ByID(ctx, key, doc, to)
	_, errs["stage"] = s.store.Stage(ctx, key, doc, newVersion("w"))
	errs["promote"] = s.store.Promote(ctx, key, doc, from, to)
	return errs
}

func (s secretsContract) noValue(t *testing.T) {
	ctx, key := t.Context(), s.created(t)
	_, err := s.store.Current(ctx, key, doc)
	wantError(t, "current", err, store.ErrNoValue)
	id, err := s.store.CurrentID(ctx, key, doc)
	must(t, err)
	equal(t, "current id", id, "")
	_, err = s.store.ByID(ctx, key, doc, uuid.NewString())
	wantError(t, "by id", err, store.ErrNoVersion)
	wantError(t, "promote", s.store.Promote(ctx, key, doc, "", uuid.NewString()), store.ErrNoVersion)
}

func (s secretsContract) firstVersion(t *testing.T) {
	key, first := s.created(t), newVersion("first")
	s.stage(t, key, first, true)
	s.wantCurrent(t, key, first)
	s.stage(t, key, first, true)
	must(t, s.store.Promote(t.Context(), key, doc, "", first.ID))
	s.wantCurrent(t, key, first)

	second := s.staged(t, key, "second")
	s.wantCurrent(t, key, first)
	s.promoted(t, key, first, second)
}

func (s secretsContract) stageIdempotent(t *testing.T) {
	key, base := s.seeded(t)
	v := s.staged(t, key, "v")
	s.stage(t, key, v, false)
	s.stage(t, key, v, false)
	s.wantCurrent(t, key, base)
	s.wantByID(t, key, v)

	s.promoted(t, key, base, v)
	s.stage(t, key, v, true)
	s.wantCurrent(t, key, v)

	// A write that lands late must not bring back what has been replaced.
	s.edited(t, key, "newer")
	newest := s.edited(t, key, "newest")
	s.stage(t, key, v, false)
	s.wantCurrent(t, key, newest)
}

func (s secretsContract) versionTaken(t *testing.T) {
	key, base := s.seeded(t)
	v := s.staged(t, key, "v")
	other := store.Version{ID: v.ID, Value: secret.New("other")}
	for range 2 { // first while v is staged, then while it is current
		_, err := s.store.Stage(t.Context(), key, doc, other)
		wantError(t, "stage", err, store.ErrVersionTaken)
		s.wantByID(t, key, v)
		must(t, s.store.Promote(t.Context(), key, doc, base.ID, v.ID))
	}
	s.wantCurrent(t, key, v)
}

func (s secretsContract) promote(t *testing.T) {
	key, at := s.seeded(t)
	for _, value := range []string{"one", "two", "three", "four"} {
		next := s.staged(t, key, value)
		s.promoted(t, key, at, next)
		at = next
	}
}
