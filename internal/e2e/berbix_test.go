package e2e_test

import (
	"encoding/json"
	"strconv"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/sandbox"
)

func TestBerbixRows(t *testing.T) {
	t.Parallel()
	c := newWorld(t, nil).credential(t, sandbox.Berbix, defaultAccount, sandbox.Options{})
	f := c.start(t)
	f.wantCounts(t, f.tick, map[string]int{"not_seeded": 1}) // the template's placeholder
	first, second := c.sandbox.AddTransaction(), c.sandbox.AddTransaction()
	f.wantCounts(t, c.recordEvent(t, map[string]any{"customer_uid": "customer-1"}, first), map[string]int{"recorded": 1})
	c.record(t, f, second)
	f.wantCounts(t, f.tick, map[string]int{"not_seeded": 2})
	c.seed(t, nil)

	f.wantCounts(t, c.dryRun(), map[string]int{"would_refresh": 2})
	checkCalls(t, c, 0, 0)
	f.wantCounts(t, f.tick, map[string]int{"refreshed": 2})
	checkCalls(t, c, 0, 2)
	c.checkRow(t, first, "customer-1")
	c.checkRow(t, second, "")
	f.want(t, f.tick, "not_due")
	checkCalls(t, c, 0, 2)

	before := c.transaction(t, second.ID)["access_token"]
	one := `{"transaction_id":` + strconv.FormatInt(second.ID, 10)
	f.want(t, one+`}`, "not_due")
	f.want(t, one+`,"force":true,"dry_run":true}`, "would_refresh")
	checkCalls(t, c, 0, 2)
	f.want(t, one+`,"force":true}`, "refreshed")
	checkCalls(t, c, 0, 3)
	c.checkRow(t, second, "")
	assert.Check(t, c.transaction(t, second.ID)["access_token"] != before, "the access token has not changed")

	f.wantCounts(t, c.force(), map[string]int{"refreshed": 2})
	checkCalls(t, c, 0, 5)

	// The same message again must not cost readers their token.
	c.record(t, f, second)
	assert.Check(t, c.sandbox.Valid(sandbox.Berbix, c.transaction(t, second.ID)["access_token"]),
		"recording again has taken the access token")
}

// An id that a float64 cannot hold arrives as it is.
func TestBerbixLargeID(t *testing.T) {
	t.Parallel()
	c := sharedWorld(t, nil).credential(t, sandbox.Berbix, "large-id", sandbox.Options{})
	f := c.start(t)
	x := c.newTransaction()
	x.ID = 1<<53 + 1
	c.record(t, f, x)
	assert.Check(t, c.transaction(t, x.ID) != nil, "the transaction is not recorded under its id")
}

// Berbix may hand out a new refresh token although it usually doesn't.
func TestBerbixNewRefreshToken(t *testing.T) {
	t.Parallel()
	c := sharedWorld(t, nil).credential(t, sandbox.Berbix, "rotated", sandbox.Options{})
	c.seed(t, nil)
	f := c.start(t)
	x := c.newTransaction()
	c.record(t, f, x)
	c.sandbox.Inject(sandbox.Berbix, sandbox.Refresh, 1, sandbox.NewRefreshToken())
	f.want(t, f.tick, "refreshed")
	x.RefreshToken = c.transaction(t, x.ID)["refresh_token"]
	f.want(t, c.force(), "refreshed")
	presented := c.sandbox.Stats(sandbox.Berbix).Presented
	assert.Check(t, len(presented) == 2 && presented[0] != presented[1] && presented[1] == x.RefreshToken,
		"the new refresh token was not kept and used")
	c.checkRow(t, x, "")
}

// What is over is left in peace: completed keeps its access token, deleted doesn't.
func TestBerbixTransactionIsOver(t *testing.T) {
	t.Parallel()
	for status, keepsAccess := range map[string]bool{"completed": true, "deleted": false} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			c := sharedWorld(t, nil).credential(t, sandbox.Berbix, status, sandbox.Options{})
			c.seed(t, nil)
			f := c.start(t)
			x := c.newTransaction()
			c.record(t, f, x)
			f.want(t, f.tick, "refreshed")
			f.want(t, c.recordEvent(t, map[string]any{"status": status}, x), "recorded")
			f.want(t, c.force(), "not_due")
			checkCalls(t, c, 0, 1)
			r := c.transaction(t, x.ID)
			if r["status"] != status || r["refresh_token"] != "" || r["due_shard"] != "" {
				t.Errorf("status %q, a refresh token: %t, due_shard %q", r["status"], r["refresh_token"] != "", r["due_shard"])
			}
			got := c.sandbox.Valid(sandbox.Berbix, r["access_token"])
			assert.Check(t, got == keepsAccess, "has a good access token: %t", got)
		})
	}
}

// A transaction that the provider knows no more is dead: that is counted, alarms
// nobody and is not tried again.
func TestBerbixTransactionIsDead(t *testing.T) {
	t.Parallel()
	c := sharedWorld(t, nil).credential(t, sandbox.Berbix, "dead", sandbox.Options{})
	c.seed(t, nil)
	f := c.start(t)
	alive, dead := c.newTransaction(), c.newTransaction()
	c.record(t, f, alive, dead)
	c.sandbox.Revoke(sandbox.Berbix, dead.RefreshToken)
	f.wantCounts(t, f.tick, map[string]int{"refreshed": 1, "dead": 1})
	f.wantCounts(t, c.force(), map[string]int{"refreshed": 1})
	checkCalls(t, c, 0, 3)
	c.checkRow(t, alive, "")
}

func TestBerbixWrongSecret(t *testing.T) {
	t.Parallel()
	c := sharedWorld(t, nil).credential(t, sandbox.Berbix, "wrong", sandbox.Options{})
	f := c.start(t)
	f.account = c.account
	x := c.newTransaction()
	c.record(t, f, x)
	c.seed(t, map[string]any{"api_secret": "secret_test_of_somebody_else"})
	f.checkNeedsPerson(t, f.tick, "misconfigured")
	f.checkNeedsPerson(t, f.tick, "misconfigured")
	checkCalls(t, c, 0, 1)
	c.seed(t, nil)
	f.wantCounts(t, f.tick, map[string]int{"refreshed": 1})
	c.checkRow(t, x, "")
}

// A poisoned message of an SQS batch is delivered again; its neighbours are not.
func TestBerbixBatch(t *testing.T) {
	t.Parallel()
	c := newWorld(t, nil).credential(t, sandbox.Berbix, defaultAccount, sandbox.Options{})
	c.seed(t, nil)
	f := c.start(t)
	first, second := c.sandbox.AddTransaction(), c.sandbox.AddTransaction()
	messages := []map[string]string{
		{"messageId": "good-1", "body": c.recordEvent(t, nil, first)},
		{"messageId": "no-json", "body": `{"record":[` + first.RefreshToken},
		{"messageId": "no-token", "body": `{"record":[{"transaction_id":5}]}`},
		{"messageId": "misspelt", "body": c.recordEvent(t, map[string]any{"refreshToken": first.RefreshToken}, first)},
		{"messageId": "good-2", "body": c.recordEvent(t, nil, second)},
		{"messageId": "sweep", "body": `{}`},
	}
	for _, m := range messages {
		m["eventSource"] = "aws:sqs"
	}
	batch, err := json.Marshal(map[string]any{"Records": messages})
	assert.NilError(t, err)
	r := f.wantCounts(t, string(batch), map[string]int{"recorded": 2, "refreshed": 2})
	var failed []string
	assert.Assert(t, r.BatchItemFailures != nil, "no batchItemFailures")
	for _, item := range *r.BatchItemFailures {
		failed = append(failed, item.ItemIdentifier)
	}
	assert.Check(t, is.DeepEqual(failed, []string{"no-json", "no-token", "misspelt"}), "batchItemFailures")
	c.checkRow(t, first, "")
	c.checkRow(t, second, "")
}
