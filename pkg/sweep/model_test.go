package sweep_test

import (
	"testing"

	"tokenrefresh/pkg/homes/hometest"
)

// The models keep the contracts of the homes, so the engine's tests with models are valid for
// homes.
func TestModels(t *testing.T) {
	t.Parallel()
	m := model{newWorld()}
	hometest.Transactions(t, m)
	hometest.DeadTransactions(t, m)
	hometest.Ledger(t, m)
	hometest.Claims(t, m)
}
