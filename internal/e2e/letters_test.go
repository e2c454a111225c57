package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
	"tokenrefresh/internal/template"
	"tokenrefresh/pkg/event"
)

// forbidden is AWS's answer to a write without the permission, in its own words.
func forbidden(carry) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	answer.Header().Set("Content-Type", "application/x-amz-json-1.0")
	answer.Code = http.StatusBadRequest
	_, _ = answer.Body.WriteString(`{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"User: ` +
		`arn:aws:sts::123456789012:assumed-role/token-refresh-RefreshBerbixRole-1A2B3C4D5E6F/token-refresh-refresh-berbix is not ` +
		`authorized to perform: dynamodb:PutItem on resource: arn:aws:dynamodb:eu-west-1:123456789012:table/` +
		`token-refresh-transactions because no identity-based policy allows the dynamodb:PutItem action"}`)
	return answer
}

// denyWrites lets every write of a transaction fail from here on.
func (c *credential) denyWrites(f *function) {
	f.wire.expectAll(func(w call) mishap {
		if w.table == c.stack.Outputs["Transactions"] && !strings.Contains(w.operation, "Get") {
			return forbidden
		}
		return nil
	})
}

// largest is an event of n records in exactly so many bytes.
func (c *credential) largest(t *testing.T, n, size int) string {
	t.Helper()
	records := make([]map[string]any, 0, n)
	for range n {
		x := c.newTransaction()
		records = append(records, map[string]any{"transaction_id": x.ID, "refresh_token": x.RefreshToken, "customer_uid": ""})
	}
	text := func() string {
		list, err := json.Marshal(records)
		assert.NilError(t, err)
		return string(list)
	}
	spare := size - len(text())
	for i := range records {
		share := spare / (n - i)
		records[i]["customer_uid"] = strings.Repeat("c", share)
		spare -= share
	}
	list := text()
	assert.Assert(t, len(list) == size, "%d bytes, want %d", len(list), size)
	return fmt.Sprintf(`{"account":%q,"record":%s}`, c.account, list)
}

// deadLetter is the size of the message in which Lambda puts a failed event into a
// dead-letter queue, as AWS documents it: the event, and attributes, which count. None of them
// says anything that grows with the event but the first KB of the error.
func deadLetter(event, message string) int {
	size := len(event)
	for name, value := range map[string]string{
		"RequestID": strings.Repeat("0", 36), "ErrorCode": "200", "ErrorMessage": message[:min(len(message), 1<<10)],
	} {
		size += len(name) + len("String") + len(value)
	}
	return size
}

// invocationRecord is the size of what Lambda sends to a destination: event and error
// together.
func invocationRecord(t *testing.T, event, kind, message string) int {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"version": "1.0", "timestamp": "2026-01-02T03:04:05.678Z",
		"requestContext": map[string]any{
			"requestId": strings.Repeat("0", 36), "functionArn": strings.Repeat("a", 200), "condition": "RetriesExhausted",
			"approximateInvokeCount": 1,
		},
		"requestPayload":  json.RawMessage(event),
		"responseContext": map[string]any{"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
		"responsePayload": map[string]any{"errorMessage": message, "errorType": kind},
	})
	assert.NilError(t, err)
	return len(text)
}

// An asynchronous event of records that fails as a whole is nowhere but in its dead letter: the
// largest must fit into the queue, and be good for another try.
func TestLargestDeadLetterIsDelivered(t *testing.T) {
	t.Parallel()
	c := sharedWorld(t, nil).credential(t, sandbox.Berbix, "letters", sandbox.Options{})
	f := c.start(t)
	event := c.largest(t, event.MaxRecords, event.MaxRecordBytes)
	c.denyWrites(f)
	fault := f.fail(t, event)
	f.wire.clear()
	if len(fault.Message) > 4<<10 || !strings.Contains(fault.Message, "(misconfigured:1000)") || !strings.Contains(fault.Message, "and 995 more") {
		t.Errorf("an error of %d bytes: %s", len(fault.Message), fault.Message)
	}
	most := template.Get[int](c.stack.Template.Resources["DeadLetters"].Properties, "MaximumMessageSize")
	alone, together := deadLetter(event, fault.Message), invocationRecord(t, event, fault.Type, fault.Message)
	t.Logf("an event of %d bytes: %d as a dead letter, %d with its error; the queue takes %d", len(event), alone, together, most)
	assert.Check(t, max(alone, together) <= most,
		"the queue takes %d, and the letter has %d (%d)", most, alone, together)

	f.wantCounts(t, event, map[string]int{"recorded": 1000}) // as the run book's loop sends it
	c.checkSound(t)
}

// What is longer is refused before anything is stored: by half stored it would be sent again
// whole.
func TestTooManyRecordsAreRefused(t *testing.T) {
	t.Parallel()
	c := sharedWorld(t, nil).credential(t, sandbox.Berbix, "refused-letters", sandbox.Options{})
	f := c.start(t)
	for name, payload := range map[string]string{
		"1,500": c.largest(t, 1500, 200<<10), "too large": c.largest(t, 10, event.MaxRecordBytes+1),
	} {
		c.denyWrites(f)
		fault := f.fail(t, payload)
		calls := f.wire.clear()
		assert.Check(t, len(calls) == 0, "%s: calls %v", name, calls)
		if !strings.Contains(fault.Message, "nothing was stored") || !strings.Contains(fault.Message, "tokenctl record --file") {
			t.Errorf("%s: %s", name, fault.Message)
		}
	}
	c.checkSound(t)
}

// A caller's mistake of 5 MB ends in an error that Lambda takes, and not the process with it.
func TestLongNamesAreNotEchoed(t *testing.T) {
	t.Parallel()
	c := sharedWorld(t, nil).credential(t, sandbox.Hesabe, "long-names", sandbox.Options{})
	f := c.start(t)
	fault := f.fail(t, `{"`+strings.Repeat("n", 5<<20)+`":true}`)
	if want := `"` + strings.Repeat("n", 64) + `…": is not known`; !strings.Contains(fault.Message, want) || len(fault.Message) > 200 {
		t.Errorf("%d bytes: %.300s", len(fault.Message), fault.Message)
	}
	f.want(t, f.tick, "not_seeded")
}
