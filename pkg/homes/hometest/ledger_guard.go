package hometest

import (
	"errors"
	"fmt"
	"testing"

	"tokenrefresh/pkg/store"
)

func (l ledgerContract) guards(t *testing.T) {
	for name, tt := range map[string]struct {
		guard store.Guard
		holds bool
	}{
		"fence":                    {store.Guard{Fence: 7}, true},
		"older fence":              {store.Guard{Fence: 6}, false},
		"newer fence":              {store.Guard{Fence: 8}, false},
		"no fence":                 {store.Guard{}, false},
		"fence and attempt":        {store.Guard{Fence: 7, AttemptID: "ours"}, true},
		"other attempt":            {store.Guard{Fence: 7, AttemptID: "theirs"}, false},
		"attempt, older fence":     {store.Guard{Fence: 6, AttemptID: "ours"}, false},
		"fence and phase":          {store.Guard{Fence: 7, Phase: store.Sending}, true},
		"other phase":              {store.Guard{Fence: 7, Phase: store.Idle}, false},
		"fence, attempt and phase": {store.Guard{Fence: 7, AttemptID: "ours", Phase: store.Sending}, true},
		"attempt, other phase":     {store.Guard{Fence: 7, AttemptID: "ours", Phase: store.Idle}, false},
		"other attempt, phase":     {store.Guard{Fence: 7, AttemptID: "theirs", Phase: store.Sending}, false},
		"fence and escrow":         {store.Guard{Fence: 7, SameEscrow: true, EscrowOf: "escrow attempt"}, true},
		"other escrow":             {store.Guard{Fence: 7, SameEscrow: true, EscrowOf: "theirs"}, false},
		"no escrow":                {store.Guard{Fence: 7, SameEscrow: true}, false},
		"absent":                   {store.Guard{Absent: true}, false},
		"absent, all else right":   {store.Guard{Absent: true, Fence: 7, AttemptID: "ours", Phase: store.Sending}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stored := fullRow(newKey())
			stored.Fence, stored.AttemptID, stored.Phase = 7, "ours", store.Sending
			l.stored(t, stored)
			next := store.Row{Key: stored.Key, Phase: store.Idle, AttemptID: "next", Fence: 8}
			if tt.holds {
				l.write(t, next, tt.guard)
				l.want(t, next)
				return
			}
			l.wantLost(t, l.ledger.Write(t.Context(), next, tt.guard), stored, true)
		})
	}
}

func (l ledgerContract) guardsAbsent(t *testing.T) {
	row := fullRow(newKey())
	for _, guard := range []store.Guard{{}, {Fence: 7}, {AttemptID: "ours"}, {Phase: store.Idle}} {
		l.wantLost(t, l.ledger.Write(t.Context(), row, guard), store.Row{}, false)
		l.wantNone(t, row.Key)
	}
	l.write(t, row, store.Guard{Absent: true, Fence: 99, AttemptID: "other", Phase: store.Idle})
	l.want(t, row)
}

func (l ledgerContract) guardsNoEscrow(t *testing.T) {
	row := l.stored(t, store.Row{Key: newKey(), Phase: store.Idle})
	l.wantLost(t, l.ledger.Write(t.Context(), row, store.Guard{SameEscrow: true, EscrowOf: "theirs"}), row, true)
	l.write(t, row, store.Guard{SameEscrow: true})
}

func (l ledgerContract) lost(t *testing.T) {
	row := l.stored(t, fullRow(newKey()))
	must(t, l.ledger.SetPaused(t.Context(), row.Key, true))
	row.Paused = true
	l.wantLost(t, l.ledger.Write(t.Context(), store.Row{Key: row.Key}, store.Guard{Fence: row.Fence + 1}), row, true)
	l.wantLost(t, l.ledger.Write(t.Context(), store.Row{Key: row.Key}, store.Guard{Absent: true}), row, true)
}

func (l ledgerContract) claimRace(t *testing.T) {
	row := l.stored(t, store.Row{Key: newKey(), Phase: store.Idle})
	for row.Fence < 3 {
		row = l.claimedByOne(t, row, store.Guard{Fence: row.Fence})
	}
}

func (l ledgerContract) firstClaimRace(t *testing.T) {
	l.claimedByOne(t, store.Row{Key: newKey()}, store.Guard{Absent: true})
}

// claimedByOne lets all contenders claim at once and returns the winner's row.
func (l ledgerContract) claimedByOne(t *testing.T, row store.Row, guard store.Guard) store.Row {
	t.Helper()
	claim := func(i int) store.Row {
		claim := row
		claim.Phase, claim.AttemptID, claim.Fence = store.Sending, fmt.Sprintf("attempt-%d", i), row.Fence+1
		return claim
	}
	winner, losers := onlyWinner(t, race(contenders, func(i int) error { return l.ledger.Write(t.Context(), claim(i), guard) }))
	for _, err := range losers {
		l.wantLost(t, err, claim(winner), true)
	}
	l.want(t, claim(winner))
	return claim(winner)
}

func (l ledgerContract) writeKeepsPause(t *testing.T) {
	row := fullRow(newKey())
	row.Paused = true
	l.stored(t, row)
	row.Paused = false
	l.want(t, row) // a first write does not set it

	must(t, l.ledger.SetPaused(t.Context(), row.Key, true))
	l.write(t, row, store.Guard{Fence: row.Fence})
	row.Paused = true
	l.want(t, row) // nor does a write clear it

	must(t, l.ledger.SetPaused(t.Context(), row.Key, false))
	l.write(t, row, store.Guard{Fence: row.Fence})
	row.Paused = false
	l.want(t, row) // nor set it again
}

func (l ledgerContract) pauseKeepsRow(t *testing.T) {
	row := l.stored(t, fullRow(newKey()))
	for _, paused := range []bool{false, true, true, false} {
		must(t, l.ledger.SetPaused(t.Context(), row.Key, paused))
		row.Paused = paused
		l.want(t, row)
	}
}

func (l ledgerContract) pauseMakesRow(t *testing.T) {
	for _, paused := range []bool{true, false} {
		row := store.Row{Key: newKey(), Phase: store.Idle, Paused: paused}
		must(t, l.ledger.SetPaused(t.Context(), row.Key, paused))
		l.want(t, row)

		// It can be claimed like any other row.
		l.wantLost(t, l.ledger.Write(t.Context(), row, store.Guard{Absent: true}), row, true)
		row.Fence, row.AttemptID, row.Phase = 1, "attempt", store.Sending
		l.write(t, row, store.Guard{Phase: store.Idle})
		l.want(t, row)
	}
}

func (l ledgerContract) told(t *testing.T) {
	key := newKey()
	must(t, l.ledger.SetTold(t.Context(), key, "dead"))
	l.wantNone(t, key)
	row := l.stored(t, fullRow(key))
	for _, told := range []string{"dead 0123", "uncertain", "", "", "dead 4567"} {
		must(t, l.ledger.SetTold(t.Context(), key, told))
		row.Told = told
		l.want(t, row)
	}
	next := row
	next.Told = "nobody"
	l.write(t, next, row.Unchanged())
	l.want(t, row)
}

func (l ledgerContract) pauseRace(t *testing.T) {
	row := l.stored(t, store.Row{Key: newKey(), Phase: store.Idle})
	const claims = 10
	must(t, errors.Join(race(2, func(i int) (err error) {
		for fence := int64(0); fence < claims && err == nil; fence++ {
			if i == 0 {
				claim := store.Row{Key: row.Key, Phase: store.Sending, Fence: fence + 1}
				err = l.ledger.Write(t.Context(), claim, store.Guard{Fence: fence})
			} else {
				err = l.ledger.SetPaused(t.Context(), row.Key, fence%2 == 1)
			}
		}
		return err
	})...))
	l.want(t, store.Row{Key: row.Key, Phase: store.Sending, Fence: claims, Paused: true})
}
