package e2e_test

import (
	"strconv"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
)

// over lets rows come to their end, in each way that there is: they leave the index, and
// are not read again.
func (f *fleet) over(t *testing.T, fn *function) {
	t.Helper()
	const each = 8
	members := f.makeDue(t, 4)
	completing, deleting := members[:each], members[each:2*each]
	dying, ending := members[2*each:3*each], members[3*each:]
	for status, some := range map[state][]*member{completed: completing, deleted: deleting} {
		f.wantEvent(t, fn, f.recordEvent(t, map[string]any{"status": string(status)}, transactions(some)...),
			map[string]int{"recorded": each})
	}
	for _, m := range dying {
		f.sandbox.Revoke(sandbox.Berbix, m.RefreshToken)
	}
	for _, m := range ending { // before they would be due again
		m.item["ttl"] = number(time.Now().Add(15 * time.Minute).Unix())
	}
	f.put(t, ending)
	f.wantSweep(t, fn, map[string]int{"refreshed": each, "dead": each})

	rows := f.read(t, members)
	become := func(some []*member, state state, status string, presented int) {
		for _, m := range some {
			m.state, m.item = state, rows[m.ID]
			m.presented += presented
			if got := m.item.text("status"); got != status || m.due() {
				t.Errorf("a row that is %s has the status %s, and is due: %t", state, got, m.due())
			}
		}
	}
	become(completing, completed, "completed", 0)
	become(deleting, deleted, "deleted", 0)
	become(dying, dead, "dead", 1)
	become(ending, expired, "active", 1)
	f.checkPresented(t)
	for _, m := range ending {
		assert.Check(t, f.sandbox.Valid(sandbox.Berbix, m.item.text("access_token")),
			"the last refresh has left no good token")
	}
	got, want := f.indexed(t), len(f.in(fresh))
	assert.Check(t, got == want, "%d rows are in the index, want the %d that are fresh", got, want)
	f.wantSweep(t, fn, map[string]int{"not_due": 1})
	f.wantEvent(t, fn, f.event(`,"transaction_id":`+strconv.FormatInt(dying[0].ID, 10)), map[string]int{"not_due": 1})
	f.checkPresented(t)
}
