package hometest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// Ledger tests the contract of store.Ledger.
func Ledger(t *testing.T, ledger store.Ledger) {
	t.Helper()
	l := ledgerContract{ledger}
	inParallel(t, map[string]func(*testing.T){
		"no row":                  l.noRow,
		"every field round-trips": l.roundTrip,
		"times are kept to the millisecond, in UTC": l.times,
		"a write replaces all that was stored":      l.replaces,
		"guard":                                     l.guards,
		"guard of a row that is absent":             l.guardsAbsent,
		"guard of a row without an escrow":          l.guardsNoEscrow,
		"a lost write returns the stored row":       l.lost,
		"one of many claims wins":                   l.claimRace,
		"one of many first claims wins":             l.firstClaimRace,
		"a write never touches the pause":           l.writeKeepsPause,
		"the pause touches nothing else":            l.pauseKeepsRow,
		"the pause makes an idle row":               l.pauseMakesRow,
		"what was told is written alone":            l.told,
		"pause and claims do not undo each other":   l.pauseRace,
		"rows in order of account":                  l.rowsInOrder,
		"rows of one provider only":                 l.rowsOfProvider,
		"rows beyond a megabyte":                    l.rowsMany,
		"a cancelled call is no verdict":            l.cancelled,
	})
}

type ledgerContract struct{ ledger store.Ledger }

func newKey() store.Key { return store.Key{Provider: "hesabe", Account: unique("acct")} }

// fullRow has a value in every field that Write stores, each another one.
func fullRow(key store.Key) store.Row {
	base := time.Date(2026, 3, 1, 23, 59, 58, 0, time.UTC)
	row := store.Row{
		Key: key, Phase: store.Sending, Fence: 1<<40 + 7, Spent: []string{"z", "a", "z", "m"}, LastError: "é: <why>",
		Escrow: store.Escrow{
			AttemptID: "escrow attempt", Bytes: secret.New(`{"a":"<é😀>"}` + "\n"), Raw: true, Sent: base.Add(-time.Millisecond),
		},
		Staged: store.Tally("").Add(base.Add(-time.Hour), base), Tick: 5 * time.Minute,
	}
	fill(&row, base, time.Millisecond, "Paused", "Told", "Unreadable")
	return row
}

// fill gives a value to each field of a struct that has none. Its times differ by step.
func fill(of any, base time.Time, step time.Duration, but ...string) {
	fields := reflect.ValueOf(of).Elem()
	for i := range fields.NumField() {
		field, name := fields.Field(i), fields.Type().Field(i).Name
		switch {
		case !field.IsZero() || slices.Contains(but, name):
		case field.Kind() == reflect.String:
			field.SetString(name)
		case field.CanInt():
			field.SetInt(int64(i))
		case field.Kind() == reflect.Bool:
			field.SetBool(true)
		case field.Type() == reflect.TypeFor[secret.String]():
			field.Set(reflect.ValueOf(secret.New(name)))
		default: // panics on a field of a new type
			field.Set(reflect.ValueOf(base.Add(time.Duration(i) * step)))
		}
	}
}

func (l ledgerContract) write(t *testing.T, row store.Row, guard store.Guard) {
	t.Helper()
	must(t, l.ledger.Write(t.Context(), row, guard))
}

// stored writes the first version of a row.
func (l ledgerContract) stored(t *testing.T, row store.Row) store.Row {
	t.Helper()
	l.write(t, row, store.Guard{Absent: true})
	return row
}

func (l ledgerContract) want(t *testing.T, want store.Row) {
	t.Helper()
	got, found, err := l.ledger.Row(t.Context(), want.Key)
	must(t, err)
	equal(t, "found", found, true)
	equal(t, "row", got, want)
}

func (l ledgerContract) wantNone(t *testing.T, key store.Key) {
	t.Helper()
	row, found, err := l.ledger.Row(t.Context(), key)
	must(t, err)
	equal(t, "found", found, false)
	equal(t, "row", row, store.Row{})
}

// wantLost wants a lost write, and the stored row, where there is one, untouched.
func (l ledgerContract) wantLost(t *testing.T, err error, stored store.Row, exists bool) {
	t.Helper()
	lost, ok := errors.AsType[*store.LostError](err)
	if !ok {
		t.Fatalf("error %v, want a *store.LostError", err)
	}
	equal(t, "the row told by the error", *lost, store.LostError{Current: stored, Exists: exists})
	if exists {
		l.want(t, stored)
	}
}

func (l ledgerContract) noRow(t *testing.T) {
	l.wantNone(t, newKey())
	rows, err := l.ledger.Rows(t.Context(), unique("provider"))
	must(t, err)
	equal(t, "rows", rows, []store.Row(nil))
}

func (l ledgerContract) roundTrip(t *testing.T) {
	for _, change := range []func(*store.Row){
		func(*store.Row) {},
		func(r *store.Row) { *r = store.Row{Key: r.Key} },
		func(r *store.Row) { r.Escrow.Raw, r.Escrow.Sent = false, time.Time{} },
		func(r *store.Row) { r.Escrow.Bytes = secret.New("\xff\xfe\x00<html>\x80") }, // a raw reply may be anything
		func(r *store.Row) { r.Escrow.Bytes = secret.New(strings.Repeat("0123456789abcdef", 1024)) },
	} {
		row := fullRow(newKey())
		change(&row)
		l.want(t, l.stored(t, row))
	}
}

func (l ledgerContract) times(t *testing.T) {
	row := store.Row{Key: newKey()}
	instant := time.Date(2026, 3, 1, 2, 30, 0, 123_987_654, time.FixedZone("", 3*60*60))
	row.RefreshAt, row.ClaimedUntil = instant, time.Unix(1_770_000_000, 0)
	l.stored(t, row)
	row.RefreshAt = time.Date(2026, 2, 28, 23, 30, 0, 123_000_000, time.UTC)
	row.ClaimedUntil = time.Unix(1_770_000_000, 0).UTC()
	l.want(t, row)
}

func (l ledgerContract) replaces(t *testing.T) {
	full := l.stored(t, fullRow(newKey()))
	empty := store.Row{Key: full.Key}
	l.write(t, empty, store.Guard{Fence: full.Fence})
	l.want(t, empty)
	l.write(t, full, store.Guard{})
	l.want(t, full)
}

func (l ledgerContract) rowsInOrder(t *testing.T) {
	provider := unique("provider")
	want := []string{"A", "B", "a", "a-1", "a/1", "a/shard", "ab", "b"}
	var rows []store.Row
	for _, account := range want {
		rows = append(rows, fullRow(store.Key{Provider: provider, Account: account}))
	}
	for i := range rows { // written in another order
		l.stored(t, rows[(i*5+3)%len(rows)])
	}
	must(t, l.ledger.SetPaused(t.Context(), rows[2].Key, true))
	rows[2].Paused = true
	got, err := l.ledger.Rows(t.Context(), provider)
	must(t, err)
	equal(t, "rows", got, rows)
}

func (l ledgerContract) rowsOfProvider(t *testing.T) {
	provider := unique("provider")
	mine := l.stored(t, store.Row{Key: store.Key{Provider: provider, Account: "default"}, Fence: 1})
	for _, other := range []string{provider + "x", provider + "/default", "x" + provider, provider[:len(provider)-1]} {
		l.stored(t, store.Row{Key: store.Key{Provider: other, Account: "default"}, Fence: 2})
	}
	got, err := l.ledger.Rows(t.Context(), provider)
	must(t, err)
	equal(t, "rows", got, []store.Row{mine})
}

// rowsMany: a page of a table store is a megabyte.
func (l ledgerContract) rowsMany(t *testing.T) {
	provider, escrow := unique("provider"), secret.New(strings.Repeat("0123456789abcdef", 2*1024))
	var want []store.Row
	for i := range 40 {
		row := store.Row{Key: store.Key{Provider: provider, Account: fmt.Sprintf("%02d", i)}}
		row.Escrow = store.Escrow{AttemptID: "attempt", Bytes: escrow}
		want = append(want, l.stored(t, row))
	}
	got, err := l.ledger.Rows(t.Context(), provider)
	must(t, err)
	equal(t, "rows", got, want)
}

func (l ledgerContract) cancelled(t *testing.T) {
	row := l.stored(t, fullRow(newKey()))
	ctx, errs := cancelled(t), map[string]error{}
	_, _, errs["row"] = l.ledger.Row(ctx, row.Key)
	_, errs["rows"] = l.ledger.Rows(ctx, row.Provider)
	errs["write"] = l.ledger.Write(ctx, store.Row{Key: row.Key}, store.Guard{Fence: row.Fence})
	errs["pause"] = l.ledger.SetPaused(ctx, row.Key, true)
	errs["told"] = l.ledger.SetTold(ctx, row.Key, "dead")
	wantPassing(t, errs)
	l.want(t, row)
}
