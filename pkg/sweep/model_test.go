package sweep_test

import (
	"testing"

	"tokenrefresh/pkg/homes/hometest"
	"tokenrefresh/pkg/refresh"
	"tokenrefresh/pkg/sweep"
)

// The models keep the contracts that the homes keep: what the engine's tests show
// on them holds there.

func TestModelTransactions(t *testing.T) {
	t.Parallel()
	w := newWorld()
	hometest.Transactions(t, func(*testing.T) sweep.Transactions { return model{w} })
}

func TestModelLedger(t *testing.T) {
	t.Parallel()
	w := newWorld()
	hometest.Ledger(t, func(*testing.T) refresh.Ledger { return model{w} })
}
