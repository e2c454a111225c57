package health_test

import (
	"context"
	"errors"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/health"
	"tokenrefresh/internal/operator/home"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

var hesabe = store.Key{Provider: "hesabe", Account: "default"}

// world is a home to read from.
type world struct {
	*home.Home
	t *testing.T
}

func newWorld(t *testing.T) world {
	t.Helper()
	h, err := home.Open(t.Context(), home.Options{Kind: home.Embedded, State: filepath.Join(t.TempDir(), "state.db")})
	assert.NilError(t, err)
	return world{h, t}
}

// put makes a secret and writes it; with an id, as that attempt does.
func (w world) put(key store.Key, doc store.Document, text, id string) {
	w.t.Helper()
	err := w.Editor.CreateSecret(w.t.Context(), key, doc)
	if err == nil && text != "" {
		_, err = w.Secrets.Stage(w.t.Context(), key, doc, store.Version{ID: id, Value: secret.New(text)})
	}
	if err == nil && text != "" {
		current, _ := w.Secrets.CurrentID(w.t.Context(), key, doc)
		err = w.Secrets.Promote(w.t.Context(), key, doc, current, id)
	}
	assert.NilError(w.t, err)
}

// write stores a row over what is there.
func (w world) write(row store.Row) {
	w.t.Helper()
	stored, exists, err := w.Ledger.Row(w.t.Context(), row.Key)
	if err == nil {
		err = w.Ledger.Write(w.t.Context(), row, store.Guard{Absent: !exists, Fence: stored.Fence})
	}
	assert.NilError(w.t, err)
}

func (w world) read(r health.Reader) []health.Credential {
	w.t.Helper()
	r.Home = w.Home
	all, err := r.Read(w.t.Context(), now)
	assert.NilError(w.t, err)
	return all
}

const (
	login  = `{"username":"u","password":"p"}`
	chain1 = `{"refresh_token":"r1","access_token":"a1","attempt_id":"v1"}`
)

// live is a credential that was refreshed.
func (w world) live(key store.Key) store.Row {
	w.t.Helper()
	w.put(key, store.Credentials, login, "c1")
	w.put(key, store.TokensDoc, chain1, "v1")
	w.put(key, store.AccessDoc, `{"access_token":"a1"}`, "v1")
	row := well().Row
	row.Key = key
	w.write(row)
	return row
}

func TestReadChain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	row := w.live(hesabe)
	text := w.text(hesabe, store.TokensDoc)
	got := w.read(health.Reader{Providers: only("hesabe"), Flags: "--x"})
	name := func(doc string) string { return "hesabe/default/" + doc }
	want := []health.Credential{{
		Key: hesabe, Begins: "seed tokens", Row: row, Exists: true, CanLogin: true, RefreshToken: true, WrittenBy: "v1", Flags: "--x", Text: text,
		Credentials: health.Secret{Name: name("credentials"), Version: "c1"},
		Tokens:      health.Secret{Name: name("tokens"), Version: "v1"},
		Access:      health.Secret{Name: name("access"), Version: "v1"},
	}}
	assert.Check(t, is.DeepEqual(got, want))
}

func TestReadWhichAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	accounts := func(r health.Reader) (names []string) {
		for _, c := range w.read(r) {
			names = append(names, c.Key.String())
		}
		return names
	}
	want := func(got []string, want ...string) {
		t.Helper()
		assert.Check(t, is.DeepEqual(got, want))
	}
	var none []string
	for _, entry := range catalog.All() {
		for _, account := range entry.Usual() {
			none = append(none, entry.Name+"/"+account)
		}
	}
	want(accounts(health.Reader{}), none...)
	w.live(store.Key{Provider: "hesabe", Account: "shop-2"})
	w.live(store.Key{Provider: "hesabe", Account: "shop-1"})
	w.write(store.Row{Key: store.Key{Provider: "berbix", Account: "shop-1"}})
	shop := store.Key{Provider: "berbix", Account: "shop-1"}
	assert.NilError(t, w.Ledger.WriteShardClaim(t.Context(), store.ShardClaim{Account: shop, Shard: 3, Fence: 1}))
	want(accounts(health.Reader{}), "hesabe/shop-1", "hesabe/shop-2", "berbix/shop-1")
	want(accounts(health.Reader{All: true, Providers: append(only("tconnect"), only("berbix")...)}), "tconnect/default", "berbix/shop-1")
	want(accounts(health.Reader{Accounts: []string{"shop-2"}}), "hesabe/shop-2")
	want(accounts(health.Reader{Accounts: []string{"shop-2"}, Providers: only("hesabe")}), "hesabe/shop-2")
	// An account with secrets is being set up.
	w.put(hesabe, store.Credentials, "", "")
	want(accounts(health.Reader{Providers: only("hesabe")}), "hesabe/default", "hesabe/shop-1", "hesabe/shop-2")
}

func TestReadFaults(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		doc   store.Document
		text  string
		fault health.Fault
	}{
		"credentials with the placeholder":  {store.Credentials, `{"placeholder":"fill in"}`, health.Empty},
		"credentials that are cut off":      {store.Credentials, `{"username":"u","pass`, health.Broken},
		"credentials that lack a field":     {store.Credentials, `{"username":"u"}`, health.Broken},
		"credentials for another address":   {store.Credentials, `{"username":"u","password":"p","base_url":"http://example.com"}`, health.Broken},
		"tokens that are no object":         {store.TokensDoc, `refresh`, health.Broken},
		"tokens with a wrong type":          {store.TokensDoc, `{"refresh_token":1}`, health.Broken},
		"credentials without any version":   {store.Credentials, "", health.Empty},
		"tokens without any version":        {store.TokensDoc, "", health.Empty},
		"an access secret without versions": {store.AccessDoc, "", health.Empty},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.put(hesabe, tt.doc, tt.text, "v1")
			c := w.read(health.Reader{Providers: only("hesabe")})[0]
			got := map[store.Document]health.Secret{store.Credentials: c.Credentials, store.TokensDoc: c.Tokens, store.AccessDoc: c.Access}
			for doc, s := range got {
				want := health.Missing // nobody has made the others
				if doc == tt.doc {
					want = tt.fault
				}
				assert.Check(t, s.Fault == want && s.Err != nil, "%s: %q (%v), want %q", doc, s.Fault, s.Err, want)
			}
		})
	}
}

// busyLedger is a ledger in which a run settles between two reads.
type busyLedger struct {
	home.Ledger
	settle func()
}

func (l *busyLedger) RowsAndShardClaims(ctx context.Context, provider string) ([]store.Row, []store.ShardClaim, error) {
	rows, claims, err := l.Ledger.RowsAndShardClaims(ctx, provider)
	if l.settle != nil {
		l.settle()
		l.settle = nil
	}
	return rows, claims, err
}

// A run's work during the read does not look like an edit.
func TestReadBesideARun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	row := w.live(hesabe)
	w.Ledger = &busyLedger{w.Ledger, func() {
		w.put(hesabe, store.TokensDoc, `{"refresh_token":"r2","access_token":"a2","attempt_id":"v2"}`, "v2")
		w.put(hesabe, store.AccessDoc, `{"access_token":"a2"}`, "v2")
		row.Fence, row.VersionID, row.PublishedVersionID, row.AttemptID = 2, "v2", "v2", "v2"
		w.write(row)
	}}
	c := w.read(health.Reader{Providers: only("hesabe")})[0]
	assert.Check(t, c.Row.VersionID == "v2" && c.Tokens.Version == "v2",
		"row of %s, tokens %s", c.Row.VersionID, c.Tokens.Version)
	got := c.Verdict(now)
	assert.Check(t, got.State == health.OK, "%+v", got)
}

// sickSecrets is a store that cannot be read.
type sickSecrets struct{ store.Secrets }

var errSick = errors.New("throttled")

func (sickSecrets) Current(context.Context, store.Key, store.Document) (store.Version, error) {
	return store.Version{}, errSick
}

func (sickSecrets) CurrentID(context.Context, store.Key, store.Document) (string, error) {
	return "", store.ErrForbidden
}

// A store that does not answer proves nothing about the credential.
func TestReadInTrouble(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	row := w.live(hesabe)
	row.State, row.CredentialsVersionID, row.SeenVersionID = store.Dead, "c1", "v1"
	w.write(row)
	w.Secrets = sickSecrets{w.Secrets}
	c := w.read(health.Reader{Providers: only("hesabe")})[0]
	var got []health.Condition
	for _, f := range c.Findings(now) {
		got = append(got, f.Condition)
	}
	assert.Check(t, is.DeepEqual(got, []health.Condition{health.Dead, health.Unchecked}))
	assert.Check(t, errors.Is(c.Tokens.Err, errSick) && c.Access.Fault == health.Unread,
		"tokens %v, access %q", c.Tokens.Err, c.Access.Fault)
}

func TestReadUncertain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	row := w.live(hesabe)
	row.State, row.AttemptID, row.BaseVersionID = store.Uncertain, "v2", "v1"
	w.write(row)
	c := w.read(health.Reader{Providers: only("hesabe")})[0]
	assert.Check(t, !c.Staged, "a version that is not there counts as staged")
	_, err := w.Secrets.Stage(t.Context(), hesabe, store.TokensDoc, store.Version{ID: "v2", Value: secret.New(chain1)})
	assert.NilError(t, err)
	c = w.read(health.Reader{Providers: only("hesabe")})[0]
	assert.Check(t, c.Staged && c.Verdict(now).State == health.Warn, "staged %t: %+v", c.Staged, c.Verdict(now))
}

// shelf is a due index: how many of each shard are due, a second apart.
type shelf struct {
	home.Transactions
	dead [store.Shards]int
	due  [store.Shards]int
	read [store.Shards]int // entries
}

func (s *shelf) of(string) home.Transactions { return s }

func (s *shelf) Due(_ context.Context, _ string, shard, limit int, now time.Time) ([]store.Due, error) {
	var all []store.Due
	for i := range min(limit, s.due[shard]+1) { // and one that is not due
		at := now.Add(time.Duration(i-s.due[shard]+1) * time.Second)
		all = append(all, store.Due{ID: int64(i + 1), RefreshAt: at, AccessExpiresAt: at.Add(time.Minute)})
	}
	s.read[shard] += len(all)
	if shard == 7 {
		return all, errSick
	}
	return all, nil
}

func (s *shelf) Dead(_ context.Context, _ string, shard int, _ store.Span, now time.Time) iter.Seq2[store.DeadEntry, error] {
	return func(yield func(store.DeadEntry, error) bool) {
		for i := range s.dead[shard] {
			if !yield(store.DeadEntry{ID: int64(i + 1), MarkedAt: now.Add(-time.Duration(i+shard) * time.Minute)}, nil) {
				return
			}
		}
	}
}

// The dead are counted as far as a shard's limit, and the last of them is known.
func TestReadDeadTransactions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tt := range []struct {
		dead [store.Shards]int
		want health.Transactions
	}{
		{[store.Shards]int{}, health.Transactions{}},
		{[store.Shards]int{0, 3, 0, 1}, health.Transactions{Dead: health.Count{N: 4}, LastDead: in(-time.Minute)}},
		{[store.Shards]int{0, 0, 250, 0, 250}, health.Transactions{Dead: health.Count{N: 500}, LastDead: in(-2 * time.Minute)}},
		{[store.Shards]int{0, 0, 1000}, health.Transactions{Dead: health.Count{N: 250, More: true}, LastDead: in(-2 * time.Minute)}},
	} {
		w.Transactions = (&shelf{dead: tt.dead}).of
		got := w.read(health.Reader{Providers: only("berbix")})[0]
		assert.Check(t, is.DeepEqual(health.Transactions{Dead: got.Transactions.Dead, LastDead: got.Transactions.LastDead}, tt.want))
		found := slices.ContainsFunc(got.Findings(in(0)), func(f health.Finding) bool {
			return f.Condition == health.DeadTransactions && f.State == health.Warn &&
				strings.Contains(f.Cause, tt.want.Dead.String())
		})
		assert.Check(t, found == (tt.want.Dead.N > 0), "findings: %+v", got.Findings(in(0)))
	}
}

func TestReadTransactions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	index := &shelf{due: [store.Shards]int{0, 3, 25, 40}}
	w.Transactions = index.of
	got := w.read(health.Reader{Providers: only("berbix")})[0].Transactions
	assert.Check(t, got.Due.N == 68 && got.Due.String() == "68" && errors.Is(got.Err, errSick), "%+v", got)
	if oldest := in(-39 * time.Second); !got.OldestDue.Equal(oldest) || !got.Next.Equal(oldest) || !got.NextExpiry.Equal(in(21*time.Second)) {
		t.Errorf("%+v", got)
	}
	assert.Check(t, is.DeepEqual(index.read, [store.Shards]int{1, 4, 25 + 26, 25 + 41, 1, 1, 1, 1}), "entries read")

	index = &shelf{due: [store.Shards]int{1000}}
	w.Transactions = index.of
	if got := w.read(health.Reader{Providers: only("berbix")})[0].Transactions; got.Due.String() != "250+" || index.read[0] != 275 {
		t.Errorf("%s due, %d read", got.Due, index.read[0])
	}
}

func TestReadWithoutALedger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := (health.Reader{Home: w.Home}).Read(ctx, now)
	assert.Check(t, errors.Is(err, context.Canceled), "%v", err)
}

// text is the current version of a document.
func (w world) text(key store.Key, doc store.Document) secret.String {
	w.t.Helper()
	v, err := w.Secrets.Current(w.t.Context(), key, doc)
	assert.NilError(w.t, err)
	return v.Value
}

// only is the one provider of that name.
func only(name string) []catalog.Entry {
	entry, err := catalog.Find(name)
	if err != nil {
		panic(err)
	}
	return []catalog.Entry{entry}
}
