package awshome_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
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
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	_, err := server.DynamoDB.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: map[string]types.AttributeValue{
		"provider": text("hesabe"), "account": text("default"),
		"fence":      &types.AttributeValueMemberN{Value: "1.5"},
		"phase":      &types.AttributeValueMemberBOOL{Value: true},
		"paused":     text(planted),
		"refresh_at": text(planted),
		"spent":      &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberNULL{Value: true}}},
		"escrow":     &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"bytes": text(planted)}},
	}})
	assert.NilError(t, err)
	other := store.Row{Key: store.Key{Provider: "hesabe", Account: "other"}, State: store.OK}
	assert.NilError(t, ledger.Write(t.Context(), other, store.Guard{Absent: true}))
	rows, err := ledger.Rows(t.Context(), "hesabe")
	assert.Assert(t, err == nil && len(rows) == 2 && rows[0].Key == key && rows[1].State == store.OK,
		"rows %v, %v: one that cannot be read harms another", rows, err)
	row, _, err := ledger.Row(t.Context(), key)
	assert.Assert(t, err == nil && row.Key == key, "row %v, %v", row, err)
	writeErr := ledger.Write(t.Context(), store.Row{Key: key}, store.Guard{Fence: 7})
	for _, err := range []error{rows[0].Unreadable, row.Unreadable, writeErr} {
		assert.Assert(t, err != nil, "no error")
		for _, part := range []string{
			table, "hesabe/default", `"fence" is not a whole number`, `"phase" is not a string`, `"paused" is not a boolean`,
			`"refresh_at" is not a time`, `"spent" is not a list of strings`, `escrow: attribute "bytes" is not binary`,
		} {
			assert.Check(t, strings.Contains(err.Error(), part), "%q does not say %q", err, part)
		}
		assert.Check(t, !strings.Contains(err.Error(), planted), "%q tells a value", err)
	}
}

// A row that a person made, to pause a credential before its first run, has neither a fence nor a
// phase. It can still be claimed, once.
func TestClaimOfARowMadeByHand(t *testing.T) {
	t.Parallel()
	server, ledger, table := ledgerOf(t)
	_, err := server.DynamoDB.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: map[string]types.AttributeValue{
		"provider": &types.AttributeValueMemberS{Value: key.Provider}, "account": &types.AttributeValueMemberS{Value: key.Account},
		"paused": &types.AttributeValueMemberBOOL{Value: false},
	}})
	assert.NilError(t, err)
	claim := store.Row{Key: key, Phase: store.Sending, Fence: 1}
	assert.Check(t, ledger.Write(t.Context(), claim, store.Guard{Phase: store.Idle}))
	if _, lost := errors.AsType[*store.LostError](ledger.Write(t.Context(), claim, store.Guard{})); !lost {
		t.Error("a second claim of the same row is not lost")
	}
}

func TestLedgerErrors(t *testing.T) {
	t.Parallel()
	for title, tt := range map[string]struct {
		answer             answer
		noTable, forbidden bool
		says               string
	}{
		"denied":    {refusal("AccessDeniedException"), false, true, "dynamodb:"},
		"no table":  {refusal("ResourceNotFoundException"), true, true, "check first that these are the stack's"},
		"throttled": {refusal("ProvisionedThroughputExceededException"), false, false, "ProvisionedThroughputExceededException"},
		"conflict":  {refusal("TransactionConflictException"), false, false, "TransactionConflictException"},
		"lost":      {lost(), false, false, "connection reset"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			aws := &script{t: t, answers: map[string][]answer{"Query": {tt.answer}, "GetItem": {tt.answer}, "UpdateItem": {tt.answer}}}
			ledger := aws.clients().Ledger("the-ledger")
			_, rowsErr := ledger.Rows(t.Context(), "hesabe")
			_, _, rowErr := ledger.Row(t.Context(), key)
			writeErr := ledger.Write(t.Context(), store.Row{Key: key}, store.Guard{})
			pauseErr := ledger.SetPaused(t.Context(), key, true)
			for what, err := range map[string]error{"rows": rowsErr, "row": rowErr, "write": writeErr, "pause": pauseErr} {
				assert.Assert(t, err != nil, "%s: no error", what)
				if errors.Is(err, awshome.ErrNoTable) != tt.noTable || errors.Is(err, store.ErrForbidden) != tt.forbidden {
					t.Errorf("%s: error %v", what, err)
				}
				assert.Check(t, strings.Contains(err.Error(), `"the-ledger"`) && strings.Contains(err.Error(), tt.says),
					"%s: %q does not say %q", what, err, tt.says)
			}
		})
	}
}
