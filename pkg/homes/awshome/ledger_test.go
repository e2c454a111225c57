package awshome_test

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/moto"
	"tokenrefresh/pkg/homes/awshome"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

func TestRowsIsOneCall(t *testing.T) {
	t.Parallel()
	server, ledger, _ := ledgerOf(t)
	assert.NilError(t, ledger.Write(t.Context(), store.Row{Key: key, Fence: 1}, store.Guard{Absent: true}))
	server.Calls()
	rows, err := ledger.Rows(t.Context(), key.Provider)
	assert.Check(t, err == nil && len(rows) == 1, "rows = %v, %v", rows, err)
	assert.Check(t, is.DeepEqual(server.Calls(), []string{"Query"}), "calls")
}

// The SDK repeats a write whose answer was lost. Its condition no longer holds then, because the
// first write was done.
func TestWriteWhoseAnswerWasLost(t *testing.T) {
	t.Parallel()
	server, ledger, _ := ledgerOf(t)
	claim := store.Row{
		Key: key, Phase: store.Sending, AttemptID: id, Fence: 1, Spent: []string{"a", "b"}, RefreshAt: time.Now(),
		Escrow: store.Escrow{AttemptID: id, Bytes: secret.New(planted), Raw: true, Sent: time.Now()},
	}
	settled := store.Row{Key: key, Phase: store.Idle, AttemptID: id, Fence: 1}
	for _, step := range []struct {
		row   store.Row
		guard store.Guard
	}{
		{claim, store.Guard{Absent: true}},
		{settled, store.Guard{Fence: 1, AttemptID: id, Phase: store.Sending}},
	} {
		server.Calls()
		server.Play("UpdateItem", moto.LoseReply)
		if err := ledger.Write(t.Context(), step.row, step.guard); err != nil {
			t.Errorf("write of %s: %v", step.row.Phase, err)
		}
		assert.Check(t, is.DeepEqual(server.Calls(), []string{"UpdateItem", "UpdateItem"}), "calls")
		// The same write a second time is another matter.
		_, lost := errors.AsType[*store.LostError](ledger.Write(t.Context(), step.row, step.guard))
		assert.Check(t, lost, "the second write of %s is not lost", step.row.Phase)
	}

	// The SDK's next attempt does not hide that another run was faster.
	server.Play("UpdateItem", moto.Refuse)
	_, lost := errors.AsType[*store.LostError](ledger.Write(t.Context(), claim, store.Guard{Absent: true}))
	assert.Check(t, lost, "a claim after another's is not lost")
}

func TestUnreadableRow(t *testing.T) {
	t.Parallel()
	server, ledger, table := ledgerOf(t)
	write(t, server, table, map[string]types.AttributeValue{
		"provider": text("hesabe"), "account": text("default"),
		"fence":      number("1.5"),
		"phase":      &types.AttributeValueMemberBOOL{Value: true},
		"paused":     text(planted),
		"refresh_at": text(planted),
		"spent":      &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberNULL{Value: true}}},
		"escrow":     &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"bytes": text(planted)}},
	})
	other := store.Row{Key: store.Key{Provider: "hesabe", Account: "other"}, State: store.OK}
	assert.NilError(t, ledger.Write(t.Context(), other, store.Guard{Absent: true}))
	rows, err := ledger.Rows(t.Context(), "hesabe")
	assert.Assert(t, err == nil && len(rows) == 2 && rows[0].Key == key && rows[1].State == store.OK,
		"rows %v, %v: one that cannot be read harms another", rows, err)
	row, _, err := ledger.Row(t.Context(), key)
	assert.Assert(t, err == nil && row.Key == key, "row %v, %v", row, err)
	writeErr := ledger.Write(t.Context(), store.Row{Key: key}, store.Guard{Fence: 7})
	for what, err := range map[string]error{"rows": rows[0].Unreadable, "row": row.Unreadable, "write": writeErr} {
		wantSays(t, what, err, table, "hesabe/default", `"fence" is not a whole number`, `"phase" is not a string`,
			`"paused" is not a boolean`, `"refresh_at" is not a time`, `"spent" is not a list of strings`,
			`escrow: attribute "bytes" is not binary`)
	}
}

// A row that a person made, to pause a credential before its first run, has neither a fence nor a
// phase. It can still be claimed, once.
func TestClaimOfARowMadeByHand(t *testing.T) {
	t.Parallel()
	server, ledger, table := ledgerOf(t)
	write(t, server, table, map[string]types.AttributeValue{
		"provider": text(key.Provider), "account": text(key.Account), "paused": &types.AttributeValueMemberBOOL{Value: false},
	})
	claim := store.Row{Key: key, Phase: store.Sending, Fence: 1}
	assert.Check(t, ledger.Write(t.Context(), claim, store.Guard{Phase: store.Idle}))
	if _, lost := errors.AsType[*store.LostError](ledger.Write(t.Context(), claim, store.Guard{})); !lost {
		t.Error("a second claim of the same row is not lost")
	}
}

// What DynamoDB may answer to each call on a table.
func TestTableErrors(t *testing.T) {
	t.Parallel()
	for title, tt := range map[string]struct {
		answer             answer
		noTable, forbidden bool
		says               string
	}{
		"denied":    {refusal("AccessDeniedException"), false, true, "dynamodb:"},
		"no table":  {refusal("ResourceNotFoundException"), true, true, "check first that these are the stack's"},
		"throttled": {refusal("ProvisionedThroughputExceededException"), false, false, "ProvisionedThroughputExceededException"},
		"limited":   {refusal("ThrottlingException"), false, false, "ThrottlingException"},
		"conflict":  {refusal("TransactionConflictException"), false, false, "TransactionConflictException"},
		"quoted":    {refusalSaying("ValidationException", planted), false, false, "ValidationException"},
		"lost":      {lost(), false, false, "connection reset"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			aws := &script{t: t, answers: map[string][]answer{
				"Query": {tt.answer}, "GetItem": {tt.answer}, "BatchGetItem": {tt.answer}, "UpdateItem": {tt.answer}, "PutItem": {tt.answer},
			}}
			ledger, transactions, ctx := aws.clients().Ledger("the-table"), aws.clients().Transactions("the-table"), t.Context()
			errs := map[string]error{}
			_, errs["rows"] = ledger.Rows(ctx, "hesabe")
			_, _, errs["row"] = ledger.Row(ctx, key)
			errs["write"] = ledger.Write(ctx, store.Row{Key: key}, store.Guard{})
			errs["pause"] = ledger.SetPaused(ctx, key, true)
			_, errs["due"] = transactions.Due(ctx, "default", 0, 1, time.Now())
			_, _, errs["get"] = transactions.Get(ctx, 7)
			_, errs["get many"] = transactions.GetMany(ctx, []int64{7})
			errs["update"] = transactions.Update(ctx, transaction(), secret.New(planted))
			_, errs["put"] = transactions.Put(ctx, transaction(), time.Now())
			for what, err := range errs {
				wantSays(t, what, err, `"the-table"`, tt.says)
				if errors.Is(err, awshome.ErrNoTable) != tt.noTable || errors.Is(err, store.ErrForbidden) != tt.forbidden {
					t.Errorf("%s: error %v", what, err)
				}
			}
		})
	}
}
