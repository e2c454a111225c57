package refresh

import (
	"cmp"
	"slices"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
)

// probesEach is how many accounts of a silent host a run tries, whatever their back-offs say.
const probesEach = 2

// waves is the order of a run over many accounts: first everything else, and the probes; then
// the other accounts of hosts that have not answered. One probe that brings tokens makes the
// others of its host due.
//
// Silent is an account whose last call the provider did not answer, and no host: accounts of
// one host can differ, and those that are answered go on undisturbed.
type waves struct {
	now           time.Time
	first, second []int // into the rows
	probes        map[int]bool
	answered      map[string]bool // hosts that have answered a silent account in this run
}

// newWaves plans a run over rows.
func newWaves(rows []found, now time.Time) *waves {
	w := &waves{now: now, probes: map[int]bool{}, answered: map[string]bool{}}
	silent := map[string][]int{}
	for i, k := range rows {
		if silentRow(k.row) {
			silent[k.row.Host] = append(silent[k.row.Host], i)
		} else {
			w.first = append(w.first, i)
		}
	}
	for _, accounts := range silent {
		slices.SortFunc(accounts, func(a, b int) int { return w.urgency(rows[a].row, rows[b].row) })
		n := min(probesEach, len(accounts))
		w.first = append(w.first, accounts[:n]...)
		w.second = append(w.second, accounts[n:]...)
		if len(accounts) <= probesEach { // nobody would gain from it
			continue
		}
		for _, i := range accounts[:n] {
			w.probes[i] = true
		}
	}
	slices.SortFunc(w.second, func(a, b int) int { return w.urgency(rows[a].row, rows[b].row) })
	return w
}

// silentRow reports whether a row backs off because the provider did not answer.
func silentRow(r store.Row) bool {
	return r.Unanswered && r.Phase != store.Sending && !r.Paused && (!needsPerson(r) || r.State == store.Misconfigured)
}

// urgency orders accounts whose tokens live by their end, and after them the others by how
// long they have been waiting.
func (w *waves) urgency(a, b store.Row) int {
	until := func(r store.Row) (ended int, at time.Time) {
		if w.now.Before(r.AccessExpiresAt) {
			return 0, r.AccessExpiresAt
		}
		return 1, r.NotBefore
	}
	endedA, atA := until(a)
	endedB, atB := until(b)
	return cmp.Or(cmp.Compare(endedA, endedB), atA.Compare(atB), cmp.Compare(a.Account, b.Account))
}

// probe is whose back-off the run passes over for an account; empty: nobody's.
func (w *waves) probe(i int, r store.Row) store.Source {
	if w.probes[i] || w.answered[r.Host] && silentRow(r) {
		return r.AttemptSource
	}
	return ""
}

// note takes the result of an account of the first wave.
func (w *waves) note(r store.Row, result Result) {
	if silentRow(r) && (result.Outcome == outcome.Refreshed || result.Outcome == outcome.LoggedIn) {
		w.answered[r.Host] = true
	}
}
