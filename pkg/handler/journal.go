package handler

import (
	"sync"

	"tokenrefresh/pkg/outcome"
)

// maxChanged is how many accounts of a run have a line of their own without a call. What happens to
// all accounts at once is in the summary.
const maxChanged = 40

// journal remembers the trouble of each account, so that each change is logged once. It is safe for
// concurrent use.
type journal struct {
	mu    sync.Mutex
	begun bool // whether this process has seen all accounts
	last  map[string]outcome.Outcome
}

// changed reports whether an account's trouble is another than before this run. before and
// noted are the last outcomes in the ledger, as the run found and left them.
func (j *journal) changed(account string, ended, before, noted outcome.Outcome) bool {
	if ended == outcome.Busy {
		return false // another run says how it ends
	}
	if ended.Silent() {
		ended = noted
	}
	is := trouble(ended)
	j.mu.Lock()
	defer j.mu.Unlock()
	was, remembered := j.last[account]
	if !remembered {
		was = trouble(before)
		if !j.begun && !is.Kept() {
			was = is // nobody knows since when
		}
	}
	if is == "" {
		delete(j.last, account)
		return is != was
	}
	if j.last == nil {
		j.last = map[string]outcome.Outcome{}
	}
	j.last[account] = is
	return is != was
}

// seenAll records that a run has looked at all accounts.
func (j *journal) seenAll() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.begun = true
}

// trouble returns an outcome that lasts until another ends it; empty for all others.
func trouble(o outcome.Outcome) outcome.Outcome {
	if o.Lasts() {
		return o
	}
	return ""
}
