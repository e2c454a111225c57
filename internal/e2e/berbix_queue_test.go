package e2e_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
)

// helped is a function of Berbix with a queue for what is due beyond five rows, whose
// calls have got through.
func helped(t *testing.T) (*credential, *function, *mapping) {
	t.Helper()
	c := newWorld(t, map[string]string{"BerbixQueueConcurrency": "2", "BerbixHandOverAbove": "5", "LogLevel": "debug"}).
		credential(t, sandbox.Berbix, defaultAccount, sandbox.Options{})
	c.seed(t, nil)
	f := c.start(t)
	c.add(t, f, 1)
	f.wantCounts(t, f.tick, map[string]int{"refreshed": 1})
	return c, f, c.mapping(t, f)
}

// add records n new transactions.
func (c *credential) add(t *testing.T, f *function, n int) []sandbox.Transaction {
	t.Helper()
	var added []sandbox.Transaction
	for range n {
		added = append(added, c.newTransaction())
	}
	c.record(t, f, added...)
	return added
}

// queueCalls are the calls to SQS since it was asked last.
func (f *function) queueCalls() (calls []string) {
	for _, call := range f.wire.clear() {
		if strings.HasPrefix(call, "GetQueueAttributes") || strings.HasPrefix(call, "SendMessage") {
			calls = append(calls, call)
		}
	}
	return calls
}

// What is due beyond the threshold goes through the queue, beside a record and a
// message that is none; each row is refreshed once, however often a batch comes.
func TestBerbixHandsOver(t *testing.T) {
	t.Parallel()
	c, f, queue := helped(t)
	c.add(t, f, 5)
	f.queueCalls()
	f.wantCounts(t, f.tick, map[string]int{"refreshed": 5})
	calls := f.queueCalls()
	assert.Check(t, len(calls) == 0, "calls with no more due than the threshold: %v", calls)

	const due = 300
	added := c.add(t, f, due)
	f.wantCounts(t, f.tick, map[string]int{"refreshed": 5, "busy": due - 5})
	calls = f.queueCalls()
	assert.Check(t, slices.Equal(calls, []string{"GetQueueAttributes 1", "SendMessageBatch 1"}), "calls: %v", calls)
	want := fmt.Sprintf(`"SweepHandedOver":%d`, due-5)
	assert.Check(t, strings.Contains(f.Logs(), want), "the log does not say %s:\n%s", want, f.Logs())

	recorded := c.newTransaction()
	queue.send(t, c.recordEvent(t, nil, recorded))
	poisoned := queue.send(t, `{"transaction_ids":["`+added[0].RefreshToken+`"]}`)
	batch, failed := queue.deliver(t, 4, map[string]int{"refreshed": due - 5, "recorded": 1})
	assert.Check(t, slices.Equal(failed, []string{poisoned}) && queue.inQueue(t) == 1,
		"failed: %v, left: %d", failed, queue.inQueue(t))
	for _, x := range added {
		c.checkRow(t, x, "")
	}
	checkCalls(t, c, 0, 1+5+due)

	f.wantCounts(t, batch, map[string]int{"not_due": due - 5, "recorded": 1})
	checkCalls(t, c, 0, 1+5+due)
	f.wantCounts(t, f.tick, map[string]int{"refreshed": 1})
	c.checkRow(t, recorded, "")
	c.checkSound(t)
}

// The provider is down when the messages come: one batch finds it out, the next one
// leaves it in peace, none is delivered again, and a sweep does all once it is back.
func TestBerbixQueueInAnOutage(t *testing.T) {
	t.Parallel()
	c, f, queue := helped(t)
	const due = 60
	added := c.add(t, f, due)
	f.wantCounts(t, f.tick, map[string]int{"refreshed": 5, "busy": due - 5})
	c.sandbox.Inject(sandbox.Berbix, sandbox.Refresh, 0, sandbox.Status(http.StatusServiceUnavailable))
	_, failed := queue.deliver(t, 1, map[string]int{"transient": due - 5})
	assert.Check(t, len(failed) == 0, "delivered again: %v", failed)
	_, tried := c.calls()

	for _, x := range added[:3] {
		queue.send(t, fmt.Sprintf(`{"transaction_ids":[%d]}`, x.ID))
	}
	_, failed = queue.deliver(t, 3, map[string]int{"transient": 3})
	assert.Check(t, len(failed) == 0, "delivered again: %v", failed)
	checkCalls(t, c, 0, tried)
	n := queue.inQueue(t)
	assert.Check(t, n == 0, "%d messages are left", n)

	c.sandbox.Clear(sandbox.Berbix)
	f.wantCounts(t, c.force(), map[string]int{"refreshed": 1 + due})
	for _, x := range added {
		c.checkRow(t, x, "")
	}
	c.checkSound(t)
}
