package refresh

import (
	"cmp"
	"slices"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/store"
)

// probesEach is how many silent accounts of a host a run tries, whatever their back-offs say.
const probesEach = 2

// probes handle silent accounts, those whose last call the provider did not answer. A run tries the
// two most urgent of each host, and the host's other silent accounts wait for the result. If one
// gets tokens, the others are due.
//
// Accounts are silent, never a host: accounts of one host can differ, and those that get answers go
// on as usual.
type probes struct {
	of       map[int]string   // the probes' rows, and their hosts
	under    map[string]int   // probes of a host that have not ended
	waiting  map[string][]int // rows, by host
	answered map[string]bool  // hosts that have answered a silent account in this run
}

// newProbes chooses the probes of a run over rows. rest are the rows that do not wait for a probe.
func newProbes(rows []credential, now time.Time) (p *probes, rest []int) {
	p = &probes{of: map[int]string{}, under: map[string]int{}, waiting: map[string][]int{}, answered: map[string]bool{}}
	silent := map[string][]int{}
	for i, k := range rows {
		if silentRow(k.row) {
			silent[k.row.Host] = append(silent[k.row.Host], i)
		} else {
			rest = append(rest, i)
		}
	}
	for host, accounts := range silent {
		slices.SortFunc(accounts, func(a, b int) int { return byUrgency(rows[a].row, rows[b].row, now) })
		n := min(probesEach, len(accounts))
		rest = append(rest, accounts[:n]...)
		if len(accounts) <= probesEach { // there is no account to spare
			continue
		}
		for _, i := range accounts[:n] {
			p.of[i] = host
		}
		p.under[host], p.waiting[host] = n, accounts[n:]
	}
	return p, rest
}

// byUrgency compares silent accounts: those whose tokens live by their end, and after them the
// others by how long they have waited.
func byUrgency(a, b store.Row, now time.Time) int {
	until := func(r store.Row) (ended int, at time.Time) {
		if now.Before(r.AccessExpiresAt) {
			return 0, r.AccessExpiresAt
		}
		return 1, r.NotBefore
	}
	endedA, atA := until(a)
	endedB, atB := until(b)
	return cmp.Or(cmp.Compare(endedA, endedB), atA.Compare(atB), cmp.Compare(pace.Lot(a.Account, now), pace.Lot(b.Account, now)))
}

// passes is the call, a refresh or a login, whose back-off the run ignores for the account of row
// i; empty: none.
func (p *probes) passes(i int, r store.Row) store.Source {
	if _, probe := p.of[i]; probe || p.answered[r.Host] && silentRow(r) {
		return r.AttemptSource
	}
	return ""
}

// ended records how the run ended for an account. It returns the rows that no longer wait.
func (p *probes) ended(i int, r store.Row, result Result) []int {
	if silentRow(r) && (result.Outcome == outcome.Refreshed || result.Outcome == outcome.LoggedIn) {
		p.answered[r.Host] = true
	}
	host, probe := p.of[i]
	if !probe {
		return nil
	}
	p.under[host]--
	if p.under[host] > 0 && !p.answered[host] {
		return nil
	}
	return p.release(host)
}

// release returns the rows that wait for a host's probes.
func (p *probes) release(host string) []int {
	rows := p.waiting[host]
	delete(p.waiting, host)
	return rows
}

// releaseAll returns all rows that wait.
func (p *probes) releaseAll() (rows []int) {
	for host := range p.waiting {
		rows = append(rows, p.release(host)...)
	}
	return rows
}

// silentRow reports whether a row backs off because the provider did not answer.
func silentRow(r store.Row) bool {
	return r.Unanswered && r.Phase != store.Sending && !r.Paused && (!needsPerson(r) || r.State == store.Misconfigured)
}
