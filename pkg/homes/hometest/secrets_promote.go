package hometest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

func (s secretsContract) promoteIdempotent(t *testing.T) {
	key, base := s.seeded(t)
	v := s.staged(t, key, "v")
	// Whatever from is: the answer to the promote that did it may have been lost.
	for _, from := range []string{base.ID, base.ID, v.ID, "", uuid.NewString()} {
		must(t, s.store.Promote(t.Context(), key, doc, from, v.ID))
		s.wantCurrent(t, key, v)
	}
}

func (s secretsContract) promoteBack(t *testing.T) {
	key, base := s.seeded(t)
	v := s.staged(t, key, "v")
	s.promoted(t, key, base, v)
	s.promoted(t, key, v, base)
	wantMoved(t, s.store.Promote(t.Context(), key, doc, uuid.NewString(), v.ID), base.ID)
}

func (s secretsContract) promoteMoved(t *testing.T) {
	key, base := s.seeded(t)
	first := s.staged(t, key, "first")
	s.promoted(t, key, base, first)
	second := s.staged(t, key, "second")
	// The version before, none at all, one that never was, and itself.
	for _, from := range []string{base.ID, "", uuid.NewString(), second.ID} {
		wantMoved(t, s.store.Promote(t.Context(), key, doc, from, second.ID), first.ID)
		s.wantCurrent(t, key, first)
	}
	s.wantByID(t, key, second)
}

// promoteUnknown does not look at the current version afterwards: an emulation of
// Secrets Manager that homes are tested with drops its label in this case.
func (s secretsContract) promoteUnknown(t *testing.T) {
	key, base := s.seeded(t)
	wantError(t, "promote", s.store.Promote(t.Context(), key, doc, base.ID, uuid.NewString()), store.ErrNoVersion)
	s.wantByID(t, key, base)
}

func (s secretsContract) editWins(t *testing.T) {
	key, base := s.seeded(t)
	v := s.staged(t, key, "v")
	edit := s.edited(t, key, "edit")
	wantMoved(t, s.store.Promote(t.Context(), key, doc, base.ID, v.ID), edit.ID)
	s.wantCurrent(t, key, edit)
	s.wantByID(t, key, v)

	s.promoted(t, key, edit, v) // a person may still choose the attempt's version
}

func (s secretsContract) edit(t *testing.T) {
	key, first := s.seeded(t)
	second := s.edited(t, key, "edit")
	third := s.edited(t, key, "edit") // the same value again is a new version
	s.wantCurrent(t, key, third)
	if first.ID == second.ID || second.ID == third.ID {
		t.Errorf("edits share an id: %s, %s, %s", first.ID, second.ID, third.ID)
	}
}

func (s secretsContract) promoteRace(t *testing.T) {
	key, base := s.seeded(t)
	versions := make([]store.Version, contenders)
	for i := range versions {
		versions[i] = s.staged(t, key, fmt.Sprint(i))
	}
	errs := race(contenders, func(i int) error {
		return s.store.Promote(t.Context(), key, doc, base.ID, versions[i].ID)
	})
	winner, losers := onlyWinner(t, errs)
	for _, err := range losers {
		wantMoved(t, err, versions[winner].ID)
	}
	s.wantCurrent(t, key, versions[winner])
}

func (s secretsContract) stageRace(t *testing.T) {
	key, _ := s.seeded(t)
	id := uuid.NewString()
	version := func(i int) store.Version { return store.Version{ID: id, Value: secret.New(fmt.Sprint(i))} }
	errs := race(contenders, func(i int) error {
		_, err := s.store.Stage(t.Context(), key, doc, version(i))
		return err
	})
	winner, losers := onlyWinner(t, errs)
	for _, err := range losers {
		wantError(t, "stage", err, store.ErrVersionTaken)
	}
	s.wantByID(t, key, version(winner))
}

func (s secretsContract) byID(t *testing.T) {
	key, base := s.seeded(t)
	versions := []store.Version{base}
	for _, value := range []string{"one", "two", "three", "four"} {
		versions = append(versions, s.staged(t, key, value))
	}
	s.promoted(t, key, base, versions[2])
	s.promoted(t, key, versions[2], versions[3])
	for _, v := range versions { // unlabelled, previous, current, pending
		s.wantByID(t, key, v)
	}
	_, err := s.store.ByID(t.Context(), key, doc, uuid.NewString())
	wantError(t, "by id", err, store.ErrNoVersion)
}

func (s secretsContract) values(t *testing.T) {
	for name, value := range map[string]string{
		"16 KiB":      strings.Repeat("0123456789abcdef", 1024),
		"unicode":     "مرحبا — 日本語 — 😀 — e\u0301",
		"json":        `{"access_token":"a<b>&\"c\"","n":12345678901234567890}`,
		"odd spacing": " \t\"quoted\"\\ and\r\nlines\u2028 \n",
	} {
		t.Run(name, func(t *testing.T) {
			key := s.created(t)
			v := newVersion(value)
			s.stage(t, key, v, true)
			s.wantCurrent(t, key, v)
			s.wantByID(t, key, v)
			s.stage(t, key, v, true)
			s.wantCurrent(t, key, s.edited(t, key, value))
		})
	}
}

// apart: an attempt gives its id to a version of both tokens and access.
func (s secretsContract) apart(t *testing.T) {
	ctx, id, account := t.Context(), uuid.NewString(), unique("acct")
	each := func(do func(key store.Key, doc store.Document, version store.Version)) {
		for _, provider := range []string{"hesabe", "tconnect"} {
			for _, account := range []string{account, account + "-2"} {
				key := store.Key{Provider: provider, Account: account}
				for _, doc := range []store.Document{store.Credentials, store.TokensDoc, store.AccessDoc} {
					do(key, doc, store.Version{ID: id, Value: secret.New(key.String() + " " + string(doc))})
				}
			}
		}
	}
	each(func(key store.Key, doc store.Document, version store.Version) {
		must(t, s.seeder.CreateSecret(ctx, key, doc))
		current, err := s.store.Stage(ctx, key, doc, version)
		must(t, err)
		equal(t, "first version is current", current, true)
	})
	each(func(key store.Key, doc store.Document, version store.Version) {
		got, err := s.store.Current(ctx, key, doc)
		must(t, err)
		equalVersion(t, "current version", got, version)
	})
}

func (s secretsContract) cancelled(t *testing.T) {
	key, base := s.seeded(t)
	wantPassing(t, s.calls(cancelled(t), key, base.ID, s.staged(t, key, "v").ID))
	s.wantCurrent(t, key, base)
}
