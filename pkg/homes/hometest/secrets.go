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
func Secrets(t *testing.T, open func(t *testing.T) (store.Secrets, Seeder)) {
	t.Helper()
	store, seeder := open(t)
	s := secretsContract{store, seeder}
	t.Run("a secret that was never created", s.noSecret)
	t.Run("a secret without a value", s.noValue)
	t.Run("the first version becomes current by itself", s.firstVersion)
	t.Run("staging leaves the current version alone", s.stageIsNotCurrent)
	t.Run("staging is idempotent", s.stageIdempotent)
	t.Run("a version id is taken for ever", s.versionTaken)
	t.Run("promote", s.promote)
	t.Run("promote is idempotent", s.promoteIdempotent)
	t.Run("promote goes back to an older version", s.promoteBack)
	t.Run("promote from another version than the current", s.promoteMoved)
	t.Run("promote of an unknown version", s.promoteUnknown)
	t.Run("an edit during an attempt wins", s.editWins)
	t.Run("an edit replaces the current version", s.edit)
	t.Run("one of many promotes wins", s.promoteRace)
	t.Run("one of many values takes a version id", s.stageRace)
	t.Run("a version is found by id, whatever its labels", s.byID)
	t.Run("values come back as they went in", s.values)
	t.Run("keys and documents are apart", s.apart)
	t.Run("a cancelled call is no verdict", s.cancelled)
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
	key := store.Key{Provider: "hesabe", Account: unique("acct")}
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
	v := newVersion(value)
	s.stage(t, key, v, false)
	return v
}

func (s secretsContract) stage(t *testing.T, key store.Key, v store.Version, wantCurrent bool) {
	t.Helper()
	current, err := s.store.Stage(t.Context(), key, doc, v)
	must(t, err)
	if current != wantCurrent {
		t.Fatalf("stage reports current = %t, want %t", current, wantCurrent)
	}
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
	got.Age = want.Age
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
	t.Parallel()
	ctx, key := t.Context(), store.Key{Provider: "hesabe", Account: unique("acct")}
	_, err := s.store.Current(ctx, key, doc)
	wantError(t, "current", err, store.ErrNoSecret)
	_, err = s.store.CurrentID(ctx, key, doc)
	wantError(t, "current id", err, store.ErrNoSecret)
	_, err = s.store.ByID(ctx, key, doc, uuid.NewString())
	wantError(t, "by id", err, store.ErrNoSecret)
	_, err = s.store.Stage(ctx, key, doc, newVersion("v"))
	wantError(t, "stage", err, store.ErrNoSecret)
	wantError(t, "promote", s.store.Promote(ctx, key, doc, uuid.NewString(), uuid.NewString()), store.ErrNoSecret)
	wantError(t, "first promote", s.store.Promote(ctx, key, doc, "", uuid.NewString()), store.ErrNoSecret)
}

func (s secretsContract) noValue(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
	key, first := s.created(t), newVersion("first")
	s.stage(t, key, first, true)
	s.wantCurrent(t, key, first)
	s.stage(t, key, first, true)
	must(t, s.store.Promote(t.Context(), key, doc, "", first.ID))
	s.wantCurrent(t, key, first)

	second := s.staged(t, key, "second")
	s.wantCurrent(t, key, first)
	must(t, s.store.Promote(t.Context(), key, doc, first.ID, second.ID))
	s.wantCurrent(t, key, second)
}

func (s secretsContract) stageIsNotCurrent(t *testing.T) {
	t.Parallel()
	key, base := s.seeded(t)
	v := s.staged(t, key, "v")
	s.wantCurrent(t, key, base)
	s.wantByID(t, key, v)
}

func (s secretsContract) stageIdempotent(t *testing.T) {
	t.Parallel()
	key, base := s.seeded(t)
	v := s.staged(t, key, "v")
	s.stage(t, key, v, false)
	s.stage(t, key, v, false)
	s.wantCurrent(t, key, base)

	must(t, s.store.Promote(t.Context(), key, doc, base.ID, v.ID))
	s.stage(t, key, v, true)
	s.wantCurrent(t, key, v)

	// A write that lands late must not bring back what has been replaced.
	s.edited(t, key, "newer")
	newest := s.edited(t, key, "newest")
	s.stage(t, key, v, false)
	s.wantCurrent(t, key, newest)
}

func (s secretsContract) versionTaken(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
	key, at := s.seeded(t)
	for _, value := range []string{"one", "two", "three", "four"} {
		next := s.staged(t, key, value)
		must(t, s.store.Promote(t.Context(), key, doc, at.ID, next.ID))
		s.wantCurrent(t, key, next)
		at = next
	}
}
