package e2e_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"
)

// deliveredTwice delivers an SQS batch twice at once, again, and twice at once again.
// Rows are as if it had come once. A transaction that both name at the same moment may
// be refreshed by both; a delivery that comes later refreshes none.
func (f *fleet) deliveredTwice(t *testing.T, fn *function) {
	t.Helper()
	other := f.start(t)
	const messages, each = 4, 5
	fields := map[string]any{
		"recorded_at": stamp(time.Now().Add(-time.Minute)), "ttl": time.Now().Add(24 * time.Hour).Unix(), "customer_uid": "customer",
	}
	var recorded []*member
	var bodies []string
	for range messages {
		var some []*member
		for range each {
			some = append(some, &member{Transaction: f.sandbox.AddTransaction(), state: fresh})
		}
		recorded = append(recorded, some...)
		bodies = append(bodies, f.recordEvent(t, fields, transactions(some)...))
	}
	named := f.makeDue(t, 1)
	for _, m := range named {
		bodies = append(bodies, fmt.Sprintf(`{"account":%q,"transaction_id":%d}`, f.account, m.ID))
	}
	batch := sqsBatch(t, bodies)
	f.members = append(f.members, recorded...)

	before := f.presented(named)
	calls := 0
	for r := range f.attemptAll(t, batch, fn, other) {
		checkDelivered(t, r, len(recorded), len(named))
		calls += r.Outcomes["refreshed"]
	}
	if n := f.presented(named) - before; calls != n || n < len(named) || n > 2*len(named) {
		t.Errorf("%d refreshes of %d rows that two deliveries name, and %d calls", calls, len(named), n)
	}
	refreshed(named)
	f.count()
	f.checkFresh(t, named)
	f.wantSweep(t, fn, map[string]int{"refreshed": len(recorded)})
	refreshed(recorded)
	f.checkPresented(t)
	f.checkFresh(t, recorded)

	all := append(named, recorded...)
	rows := f.read(t, all)
	for _, functions := range [][]*function{{fn}, {fn, other}} {
		for r := range f.attemptAll(t, batch, functions...) {
			checkDelivered(t, r, len(recorded), len(named))
		}
		f.wantSweep(t, fn, map[string]int{"not_due": 1})
		diff := cmp.Diff(rows, f.read(t, all), cmp.Comparer(sameAttribute))
		assert.Assert(t, diff == "", "a redelivery has changed rows (-before +after):\n%s", diff)
		f.checkPresented(t)
	}
}

// sqsBatch is what Lambda gives a function of a queue with these messages.
func sqsBatch(t *testing.T, bodies []string) string {
	t.Helper()
	var messages []map[string]string
	for i, body := range bodies {
		messages = append(messages, map[string]string{
			"messageId": fmt.Sprint("message-", i), "eventSource": "aws:sqs", "body": body,
		})
	}
	batch, err := json.Marshal(map[string]any{"Records": messages})
	assert.NilError(t, err)
	return string(batch)
}

// checkDelivered checks that no message of a batch is to come again.
func checkDelivered(t *testing.T, r result, recorded, named int) {
	t.Helper()
	assert.Check(t, r.BatchItemFailures != nil && len(*r.BatchItemFailures) == 0,
		"to deliver again: %v", r.BatchItemFailures)
	assert.Check(t, r.Outcomes["recorded"] == recorded && r.Outcomes["refreshed"]+r.Outcomes["not_due"] == named,
		"outcomes of a delivery: %v", r.Outcomes)
}
