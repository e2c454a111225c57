package embedded

import (
	"path/filepath"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/refresh"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// openHome makes a home in a directory of its own.
func openHome(tb testing.TB) *Home {
	tb.Helper()
	home, err := Open(tb.Context(), filepath.Join(tb.TempDir(), "state.db"))
	assert.NilError(tb, err)
	return home
}

// A version's age is by the machine's own clock, whatever the time of day is set to.
func TestAge(t *testing.T) {
	t.Parallel()
	home := openHome(t)
	now := moment{Boot: "first", Since: time.Hour}
	home.clock = func() moment { return now }
	secrets, key := home.Secrets(), rt.Default
	assert.NilError(t, secrets.CreateSecret(t.Context(), key, store.TokensDoc))
	put := func() string {
		id, err := secrets.PutCurrent(t.Context(), key, store.TokensDoc, secret.New("planted"))
		assert.NilError(t, err)
		return id
	}
	age := func(id string) time.Duration {
		v, err := secrets.ByID(t.Context(), key, store.TokensDoc, id)
		assert.NilError(t, err)
		return v.Age
	}
	id := put()
	for since, want := range map[time.Duration]time.Duration{
		time.Hour: 0, time.Hour + ageStep - 1: 0, time.Hour + time.Minute: time.Minute, 5 * time.Hour: 4 * time.Hour, time.Minute: 0,
	} {
		if now.Since = since; age(id) != want {
			t.Errorf("at %s it is %s old, want %s", since, age(id), want)
		}
	}
	// The same version again is the same, however old.
	v := store.Version{ID: "staged", Value: secret.New("planted")}
	for now.Since = 0; now.Since < 3*time.Minute; now.Since += ageStep {
		_, err := secrets.Stage(t.Context(), key, store.TokensDoc, v)
		assert.NilError(t, err)
	}
	if got := age("staged"); got != 3*time.Minute {
		t.Errorf("it is %s old", got)
	}
	now = moment{Boot: "second", Since: 9 * time.Hour}
	if got := age(id); got != 0 {
		t.Errorf("after another start it is %s old", got)
	}
	now = moment{}
	if id := put(); age(id) != 0 {
		t.Error("without a clock there is an age")
	}
	// Nothing is kept about a version that is gone, and nothing is known about one of an older
	// release.
	for range 2 * versionsKept {
		put()
	}
	err := secrets.update(t.Context(), key, store.TokensDoc, func(b versions) error {
		if n := b.bucket.Bucket(createdBucket).Stats().KeyN; n > versionsKept {
			t.Errorf("%d times are kept", n)
		}
		return b.bucket.DeleteBucket(createdBucket)
	})
	assert.Check(t, err == nil && age("staged") == 0, "a version of an older release: %v, %v", age("staged"), err)
}

// The real clock goes on, and has a name.
func TestBootClock(t *testing.T) {
	t.Parallel()
	a, b := bootClock(), bootClock()
	assert.Check(t, a.Boot == b.Boot && b.Since >= a.Since && (a.Boot == "") == (a.Since == 0), "%+v, then %+v", a, b)
}

// A clock that jumps an hour ahead and back, tick by tick, makes no more versions than one each
// ten minutes.
func TestClockThatJumps(t *testing.T) {
	t.Parallel()
	home := openHome(t)
	w := rt.New()
	w.Provider.Lifetime = 15 * time.Minute
	began := w.Now()
	home.clock = func() moment { return moment{Boot: "only", Since: w.Now().Sub(began) + time.Hour} }
	for _, doc := range []store.Document{store.Credentials, store.TokensDoc, store.AccessDoc} {
		assert.NilError(t, home.Secrets().CreateSecret(t.Context(), rt.Default, doc))
	}
	_, err := home.Secrets().PutCurrent(t.Context(), rt.Default, store.Credentials, w.Provider.Credentials())
	assert.NilError(t, err)
	const hours = 3
	for minute := range hours * 60 {
		e := w.SkewedEngine(nil, time.Duration(minute%2)*time.Hour)
		e.Secrets, e.Ledger = home.Secrets(), home.Ledger()
		e.Run(t.Context(), refresh.Request{RunID: "run"})
		w.Advance(time.Minute)
	}
	if n := w.Provider.Calls(rt.Refresh) + w.Provider.Calls(rt.Login); n < 2*hours || n > 6*hours+1 {
		t.Errorf("%d calls in %d hours", n, hours)
	}
	if n := w.Provider.Seen().Replays; n > 0 {
		t.Errorf("%d replays", n)
	}
}
