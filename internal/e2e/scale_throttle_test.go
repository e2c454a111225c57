package e2e_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"tokenrefresh/pkg/store"
)

// throttled throttles the table in several ways. A sweep ends in time; what it has not
// done stays due, and the next one does it.
func (f *fleet) throttled(t *testing.T, fn *function) {
	t.Helper()
	for _, tt := range []struct {
		name string
		fate fate
	}{
		{"now and then", f.sometimes()},
		{"half of the keys", f.halfOfTheKeys()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			members := f.makeDue(t, 4)
			seen := fn.wire.watch(tt.fate)
			f.wantSweep(t, fn, map[string]int{"refreshed": len(members)})
			fn.wire.clear()
			refreshed(members)
			f.checkTraffic(t, members, seen)
			f.checkFresh(t, members)
			f.checkPresented(t)
		})
	}
	members := f.makeDue(t, 1)
	for _, tt := range []struct {
		name string
		fate fate
		want map[string]int
	}{
		{"the index", f.always("Query", throttledTable("ThrottlingException")), map[string]int{"transient": store.Shards}},
		{"reads", f.always("BatchGetItem", throttledTable(exceeded)), map[string]int{"transient": len(members)}},
		{"all of the keys", f.always("BatchGetItem", unprocessed(1)), map[string]int{"transient": len(members)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fn.wire.expectAll(tt.fate)
			f.wantSweep(t, fn, tt.want)
			fn.wire.clear()
			f.checkPresented(t)                         // nothing was sent
			f.checkRows(t, members, f.read(t, members)) // and all stays due
		})
	}
	t.Run("writes", func(t *testing.T) {
		_, before := f.calls()
		fn.wire.expectAll(f.always("UpdateItem", throttledTable(exceeded)))
		f.wantSweep(t, fn, map[string]int{"persist_failed": len(members)}) // the metric and its alarm tell people
		fn.wire.clear()
		if _, calls := f.calls(); calls-before != len(members) {
			t.Errorf("%d calls to the provider for %d rows that could not be stored", calls-before, len(members))
		}
		f.checkRows(t, members, f.read(t, members))
	})
	f.wantSweep(t, fn, map[string]int{"refreshed": len(members)})
	refreshed(members)
	f.count()
	f.checkFresh(t, members)
}

// exceeded is what DynamoDB says of a table with less capacity than is asked of it.
const exceeded = "ProvisionedThroughputExceededException"

// throttledTable is a call that DynamoDB throttles: it does nothing.
func throttledTable(kind string) mishap {
	return func(carry) *httptest.ResponseRecorder {
		return awsError(http.StatusBadRequest, "com.amazonaws.dynamodb.v20120810#"+kind)
	}
}

// onTransactions reports whether a call is such an operation on the table.
func (f *fleet) onTransactions(c call, operation string) bool {
	return c.table == f.stack.Outputs["Transactions"] && c.operation == operation
}

// always lets m befall an operation on the table of transactions.
func (f *fleet) always(operation string, m mishap) fate {
	return func(c call) mishap {
		if f.onTransactions(c, operation) {
			return m
		}
		return nil
	}
}

// sometimes throttles the first query of each shard, the first reads, and the first
// attempt to write each row.
func (f *fleet) sometimes() fate {
	left := map[string]int{"Query": store.Shards, "BatchGetItem": 2}
	tried := map[string]bool{}
	return func(c call) mishap {
		switch {
		case f.onTransactions(c, "UpdateItem") && !tried[c.id]:
			tried[c.id] = true
			return throttledTable(exceeded)
		case f.onTransactions(c, c.operation) && left[c.operation] > 0:
			left[c.operation]--
			return throttledTable("ThrottlingException")
		}
		return nil
	}
}

// halfOfTheKeys leaves half of the keys unprocessed in every other read.
func (f *fleet) halfOfTheKeys() fate {
	reads := 0
	return func(c call) mishap {
		if !f.onTransactions(c, "BatchGetItem") {
			return nil
		}
		if reads++; reads%2 == 0 {
			return nil
		}
		return unprocessed(2)
	}
}

// unprocessed leaves one in so many keys of a BatchGetItem unprocessed.
func unprocessed(in int) mishap {
	type keys struct{ Keys []map[string]any }
	return func(do carry) *httptest.ResponseRecorder {
		done := do()
		var answer struct {
			Responses       map[string][]map[string]any
			UnprocessedKeys map[string]keys
		}
		if json.Unmarshal(done.Body.Bytes(), &answer) != nil || len(answer.Responses) != 1 {
			return done // the tests of rows notice
		}
		for table, rows := range answer.Responses {
			var read []map[string]any
			var left keys
			for i, row := range rows {
				if i%in == 0 {
					left.Keys = append(left.Keys, map[string]any{"transaction_id": row["transaction_id"]})
				} else {
					read = append(read, row)
				}
			}
			answer.Responses[table], answer.UnprocessedKeys = read, map[string]keys{table: left}
		}
		text, err := json.Marshal(answer)
		if err != nil {
			panic(err) // it was JSON
		}
		partly := httptest.NewRecorder()
		partly.Header().Set("Content-Type", done.Header().Get("Content-Type"))
		partly.Body = bytes.NewBuffer(text)
		return partly
	}
}
