package handler_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/handler"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/sweep"
)

// batch is an SQS batch of messages m-0, m-1, … with these bodies.
func batch(bodies ...string) []byte {
	var records []map[string]string
	for i, body := range bodies {
		records = append(records, map[string]string{"messageId": fmt.Sprint("m-", i), "eventSource": "aws:sqs", "body": body})
	}
	payload, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		panic(err)
	}
	return payload
}

// wantFailed wants these messages to be delivered again.
func wantFailed(t *testing.T, r handler.Result, ids ...string) {
	t.Helper()
	want := []handler.BatchItemFailure{}
	for _, id := range ids {
		want = append(want, handler.BatchItemFailure{ItemIdentifier: id})
	}
	assert.Check(t, is.DeepEqual(r.BatchItemFailures, &want), "failures")
}

// Lists are processed together, one run for each account, after the records of the batch: a list
// can name a transaction that the batch records.
func TestListsOfAnSQSBatch(t *testing.T) {
	t.Parallel()
	h, out := newSweep(t, "good")
	invoke(t, h, record("a", "b"))
	out.Reset()
	third := `{"record":[{"transaction_id":3,"refresh_token":"c"}]}`
	r := invoke(t, h, batch(`{"transaction_ids":[1,3]}`, `{"transaction_ids":["1"]}`, third, `{"transaction_ids":[2,1]}`,
		`{"account":"other","transaction_ids":[2]}`))
	wantFailed(t, r, "m-1")
	// The other account has no secret. Its list is not done, and nothing else suffers.
	wantOutcomes(t, r, map[outcome.Outcome]int{outcome.Recorded: 1, outcome.Refreshed: 3, outcome.Misconfigured: 1})

	runs := map[string]int{}
	for decoder := json.NewDecoder(out); decoder.More(); {
		var line map[string]any
		assert.NilError(t, decoder.Decode(&line))
		if line["msg"] == "run" {
			runs[line["account"].(string)]++
			assert.Check(t, line["_aws"] == nil, "a run that has not seen all rows has metrics: %v", line)
		}
	}
	assert.Check(t, is.DeepEqual(runs, map[string]int{"default": 1, "other": 1}), "runs")
	r = invoke(t, h, batch(`{"transaction_ids":[1,2,3]}`))
	wantFailed(t, r)
	wantOutcomes(t, r, map[outcome.Outcome]int{outcome.NotDue: 3})
}

// Rows that a list's run has left are still due in the index: the next sweep finds them without
// another delivery.
func TestListsThatAreLeft(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		credentials string
		row         store.Row
		want        outcome.Outcome
	}{
		"paused":        {"good", store.Row{Paused: true}, outcome.Paused},
		"in trouble":    {"good", store.Row{ConsecutiveFailures: 1}, outcome.Transient},
		"not seeded":    {"placeholder", store.Row{}, outcome.NotSeeded},
		"misconfigured": {"wrong", store.Row{}, outcome.Misconfigured},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, _ := newSweep(t, tt.credentials)
			invoke(t, h, record("a", "b"))
			h.Engine.Ledger = ledgerOf{h.Engine.Ledger, tt.row}
			r := invoke(t, h, batch(`{"transaction_ids":[1]}`, `{"transaction_ids":[2]}`))
			wantFailed(t, r)
			wantOutcomes(t, r, map[outcome.Outcome]int{tt.want: 2})
		})
	}
}

// ledgerOf has this row for the account.
type ledgerOf struct {
	sweep.Ledger
	row store.Row
}

func (l ledgerOf) RowsAndShardClaims(_ context.Context, provider string) ([]store.Row, []store.ShardClaim, error) {
	l.row.Key = store.Key{Provider: provider, Account: "default"}
	return []store.Row{l.row}, nil, nil
}

// A defect must not vanish with its message: in the end it lies in the dead-letter
// queue.
func TestListsThatPanic(t *testing.T) {
	t.Parallel()
	h, _ := newSweep(t, "good")
	h.Engine.Secrets = nil
	wantFailed(t, invoke(t, h, batch(`{"transaction_ids":[1]}`, `{"transaction_ids":[2]}`)), "m-0", "m-1")
}

// full is a queue that takes everything.
type full struct{}

func (full) Waiting(context.Context) (int, error) { return 0, nil }

func (full) Send(context.Context, string, [][]int64) ([]int, error) { return nil, nil }

// How much a sweep hands over is in the answer, and in a metric only if there is something.
func TestSweepTellsWhatItHandsOver(t *testing.T) {
	t.Parallel()
	h, out := newSweep(t, "good")
	invoke(t, h, record("a"))
	invoke(t, h, nil)
	line := lastLine(t, out)
	assert.Check(t, line["SweepHandedOver"] == nil && line["handed_over"] == nil, "nothing was handed over: %v", line)
	h.Engine.Queue, h.Engine.HandOverAbove = full{}, 1
	invoke(t, h, record("b", "c", "d"))
	wantOutcomes(t, invoke(t, h, nil), map[outcome.Outcome]int{outcome.Refreshed: 1, outcome.Busy: 2})
	if line := lastLine(t, out); line["SweepHandedOver"] != 2.0 || line["handed_over"] != 2.0 {
		t.Errorf("handed over: %v and %v", line["SweepHandedOver"], line["handed_over"])
	}
}
