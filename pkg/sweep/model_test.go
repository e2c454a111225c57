package sweep_test

import (
	"testing"

	"tokenrefresh/pkg/homes/hometest"
	"tokenrefresh/pkg/store"
)

// The models keep the contracts of the homes, so the engine's tests with models are valid for
// homes.

func TestModelTransactions(t *testing.T) {
	t.Parallel()
	w := newWorld()
	hometest.Transactions(t, func(*testing.T) store.Transactions { return model{w} })
}

func TestModelDeadTransactions(t *testing.T) {
	t.Parallel()
	w := newWorld()
	hometest.DeadTransactions(t, func(*testing.T) hometest.DeadStore { return model{w} })
}

func TestModelLedger(t *testing.T) {
	t.Parallel()
	w := newWorld()
	hometest.Ledger(t, func(*testing.T) store.Ledger { return model{w} })
}

func TestModelClaims(t *testing.T) {
	t.Parallel()
	w := newWorld()
	hometest.Claims(t, func(*testing.T) hometest.ClaimsLedger { return model{w} })
}
