package awshome_test

import (
	"encoding/json"
	"testing"
	"time"

	"gotest.tools/v3/assert"
)

// The emulated AWS is always consistent. DynamoDB is consistent on request, and refuses such a
// request for an index.
func TestReadsAreConsistent(t *testing.T) {
	t.Parallel()
	nothing := ok(`{}`)
	aws := &script{t: t, answers: map[string][]answer{"Query": {nothing}, "GetItem": {nothing}, "BatchGetItem": {nothing}}}
	ledger, transactions := aws.clients().Ledger("ledger"), aws.clients().Transactions("transactions")
	for name, tt := range map[string]struct {
		read func() error
		want bool
	}{
		"rows of the ledger":   {func() error { _, err := ledger.Rows(t.Context(), "hesabe"); return err }, true},
		"a row of the ledger":  {func() error { _, _, err := ledger.Row(t.Context(), key); return err }, true},
		"a transaction":        {func() error { _, _, err := transactions.Get(t.Context(), 7); return err }, true},
		"many transactions":    {func() error { _, err := transactions.GetMany(t.Context(), []int64{7}); return err }, true},
		"the due transactions": {func() error { _, err := transactions.Due(t.Context(), "default", 0, 1, time.Now()); return err }, false},
	} {
		aws.bodies = nil
		if err := tt.read(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		assert.Assert(t, len(aws.bodies) == 1, "%s: %d calls", name, len(aws.bodies))
		var asked struct {
			ConsistentRead bool
			RequestItems   map[string]struct{ ConsistentRead bool }
		}
		if err := json.Unmarshal([]byte(aws.bodies[0]), &asked); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := asked.ConsistentRead || asked.RequestItems["transactions"].ConsistentRead; got != tt.want {
			t.Errorf("%s: asked for a consistent read: %t", name, got)
		}
	}
}
