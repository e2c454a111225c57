// Package transactions is what a sweep of Berbix's transactions finds: the provider,
// the table with its due index, and the ledger beside it. It is made for many rows
// and little work: a row is some numbers, and its text is made when it is asked for.
//
// It is no test of correctness, but it counts: how often each row was presented to the
// provider and written, and what DynamoDB would have charged.
package transactions

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tokenrefresh/pkg/store"
)

const (
	// Account is the one account that all rows belong to.
	Account = "default"
	// APISecret is what the provider wants to see.
	APISecret = "secret_test_00000000000000000000000000000000"

	// firstID and those after it don't fit into 32 bits.
	firstID = 1_234_567_890_123
	// lifetime is of an access token.
	lifetime = time.Hour
	// tokenLength is of each token, in characters.
	tokenLength = 64
	// seconds is the layout of the table's times.
	seconds = "2006-01-02T15:04:05Z"
)

// Rows are transactions that have been refreshed before. They are safe for
// concurrent use.
type Rows struct {
	mu       sync.Mutex
	rows     []row
	shards   [store.Shards][]int // places in rows, the earliest refreshAt first where not unsorted
	unsorted [store.Shards]bool
	units    Units
}

type row struct {
	refreshAt int64 // seconds since the epoch
	expiresAt int64 // of the access token
	presented uint16
	written   uint16
}

// NewRows makes total rows, of which the first few are due: their access tokens have
// some minutes left. The others were refreshed lately.
func NewRows(total, due int) *Rows {
	now := time.Now()
	r := &Rows{rows: make([]row, total)}
	for i := range r.rows {
		refreshed := now.Add(-time.Duration(1+i%40) * time.Minute)
		if i < due {
			refreshed = now.Add(-48*time.Minute - time.Duration(i%60)*time.Second)
		}
		r.rows[i] = row{refreshAt: refreshed.Add(48 * time.Minute).Unix(), expiresAt: refreshed.Add(lifetime).Unix()}
		shard := store.ShardOf(id(i))
		r.shards[shard] = append(r.shards[shard], i)
	}
	for _, places := range r.shards {
		slices.SortFunc(places, r.order)
	}
	return r
}

func id(place int) int64 { return firstID + int64(place) }

// place reverses id; false where there is no such row.
func (r *Rows) place(id int64) (int, bool) {
	at := id - firstID
	return int(at), at >= 0 && at < int64(len(r.rows))
}

// Tally is how many rows were refreshed, and how many of them not as they should.
type Tally struct {
	Written int // rows that were written
	// Odd rows were presented or written more than once, or one without the other.
	Odd int
}

// Tally counts the rows' refreshes since they were made.
func (r *Rows) Tally() Tally {
	r.mu.Lock()
	defer r.mu.Unlock()
	var t Tally
	for _, one := range r.rows {
		if one.written > 0 {
			t.Written++
		}
		if one.written > 1 || one.presented != one.written {
			t.Odd++
		}
	}
	return t
}

// present takes note of a refresh and returns the row's new access token's number.
func (r *Rows) present(place int) uint16 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows[place].presented++
	return r.rows[place].presented
}

// write takes over what UpdateItem says.
func (r *Rows) write(place int, refreshAt, expiresAt int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one := &r.rows[place]
	r.units.Writes += updateUnits(one.refreshAt != refreshAt)
	one.refreshAt, one.expiresAt = refreshAt, expiresAt
	one.written++
	r.unsorted[store.ShardOf(id(place))] = true
}

// read returns rows as they are.
func (r *Rows) read(places []int) []row {
	r.mu.Lock()
	defer r.mu.Unlock()
	rows := make([]row, len(places))
	for i, place := range places {
		rows[i] = r.rows[place]
	}
	return rows
}

// query returns up to limit places of a shard that come after another's, in the
// order of the index; after is -1 for the first of them. last tells that no more follow.
func (r *Rows) query(shard, limit, after int) (places []int, last bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.shards[shard]
	order := func(a, b int) int {
		return cmp.Or(cmp.Compare(r.rows[a].refreshAt, r.rows[b].refreshAt), cmp.Compare(a, b))
	}
	if r.unsorted[shard] {
		slices.SortFunc(all, order)
		r.unsorted[shard] = false
	}
	if after >= 0 {
		from, found := slices.BinarySearchFunc(all, after, order)
		if found {
			from++
		}
		all = all[from:]
	}
	if len(all) > limit {
		return slices.Clone(all[:limit]), false
	}
	return slices.Clone(all), true
}

// order is that of the index.
func (r *Rows) order(a, b int) int {
	return cmp.Or(cmp.Compare(r.rows[a].refreshAt, r.rows[b].refreshAt), cmp.Compare(a, b))
}

// refreshToken names its row, so that the provider needs no list of them.
func refreshToken(place int) string { return token("rt-", place, 0) }

// token is a made-up token of the usual length: what it is, its row and its number.
func token(kind string, place int, number uint16) string {
	const padding = "0000000000000000000000000000000000000000000000000000000000000000"
	b := make([]byte, 0, tokenLength)
	b = append(b, kind...)
	b = strconv.AppendInt(b, int64(place), 16)
	b = append(b, '-')
	b = strconv.AppendUint(b, uint64(number), 16)
	b = append(b, '-')
	return string(append(b, padding[:tokenLength-len(b)]...))
}

// owner is the place in a refresh token.
func owner(token string) (int, bool) {
	rest, is := strings.CutPrefix(token, "rt-")
	name, _, _ := strings.Cut(rest, "-")
	place, err := strconv.ParseInt(name, 16, 64)
	return int(place), is && err == nil && len(token) == tokenLength
}

func stamp(at int64) string { return time.Unix(at, 0).UTC().Format(seconds) }
