package e2e_test

import (
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing"

	"gotest.tools/v3/assert"
)

// traffic is what a function has asked of DynamoDB and Secrets Manager.
type traffic struct {
	mu    sync.Mutex
	calls []call
}

// watch lets f decide about each call from here on, and counts those that nothing befalls;
// nil: nothing befalls any.
func (w *wire) watch(f fate) *traffic {
	seen := &traffic{}
	w.expectAll(func(c call) mishap {
		if f != nil {
			if m := f(c); m != nil {
				return m
			}
		}
		seen.mu.Lock()
		defer seen.mu.Unlock()
		seen.calls = append(seen.calls, c)
		return nil
	})
	return seen
}

// of counts the calls about a table, by operation.
func (x *traffic) of(table string) map[string]int {
	x.mu.Lock()
	defer x.mu.Unlock()
	counts := map[string]int{}
	for _, c := range x.calls {
		if c.table == table {
			counts[c.operation]++
		}
	}
	return counts
}

// writes counts the writes to a table, by row.
func (x *traffic) writes(table string) map[string]int {
	x.mu.Lock()
	defer x.mu.Unlock()
	counts := map[string]int{}
	for _, c := range x.calls {
		if c.table == table && c.operation == "UpdateItem" {
			counts[c.id]++
		}
	}
	return counts
}

// checkTraffic checks that a sweep, or some that ran side by side, have written each
// row once and no other, and have read of the table what its index says is due.
func (f *fleet) checkTraffic(t *testing.T, members []*member, seen ...*traffic) {
	t.Helper()
	table := f.stack.Outputs["Transactions"]
	writes := map[string]int{}
	for _, x := range seen {
		for id, n := range x.writes(table) {
			writes[id] += n
		}
		operations := slices.Sorted(maps.Keys(x.of(table)))
		for _, operation := range operations {
			assert.Check(t, slices.Contains([]string{"BatchGetItem", "GetItem", "Query", "UpdateItem"}, operation),
				"%s on the table of transactions", operation)
		}
		for _, c := range x.calls {
			if c.operation == "Query" && c.table == table && c.index != "due" {
				t.Error("a query reads the table, not its index")
			}
		}
	}
	for _, m := range members {
		id := strconv.FormatInt(m.ID, 10)
		if writes[id] != 1 {
			t.Fatalf("row %d was written %d times", m.ID, writes[id])
		}
		delete(writes, id)
	}
	assert.Check(t, len(writes) == 0, "%d rows were written that were not due", len(writes))
}
