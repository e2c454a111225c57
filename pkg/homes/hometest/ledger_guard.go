package hometest

import (
	"fmt"
	"testing"

	"tokenrefresh/pkg/refresh"
)

func (l ledgerContract) guards(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		guard refresh.Guard
		holds bool
	}{
		"fence":                    {refresh.Guard{Fence: 7}, true},
		"older fence":              {refresh.Guard{Fence: 6}, false},
		"newer fence":              {refresh.Guard{Fence: 8}, false},
		"no fence":                 {refresh.Guard{}, false},
		"fence and attempt":        {refresh.Guard{Fence: 7, AttemptID: "ours"}, true},
		"other attempt":            {refresh.Guard{Fence: 7, AttemptID: "theirs"}, false},
		"attempt, older fence":     {refresh.Guard{Fence: 6, AttemptID: "ours"}, false},
		"fence and phase":          {refresh.Guard{Fence: 7, Phase: refresh.Sending}, true},
		"other phase":              {refresh.Guard{Fence: 7, Phase: refresh.Idle}, false},
		"fence, attempt and phase": {refresh.Guard{Fence: 7, AttemptID: "ours", Phase: refresh.Sending}, true},
		"attempt, other phase":     {refresh.Guard{Fence: 7, AttemptID: "ours", Phase: refresh.Idle}, false},
		"other attempt, phase":     {refresh.Guard{Fence: 7, AttemptID: "theirs", Phase: refresh.Sending}, false},
		"fence and escrow":         {refresh.Guard{Fence: 7, SameEscrow: true, EscrowOf: "escrow attempt"}, true},
		"other escrow":             {refresh.Guard{Fence: 7, SameEscrow: true, EscrowOf: "theirs"}, false},
		"no escrow":                {refresh.Guard{Fence: 7, SameEscrow: true}, false},
		"absent":                   {refresh.Guard{Absent: true}, false},
		"absent, all else right":   {refresh.Guard{Absent: true, Fence: 7, AttemptID: "ours", Phase: refresh.Sending}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stored := fullRow(newKey())
			stored.Fence, stored.AttemptID, stored.Phase = 7, "ours", refresh.Sending
			l.stored(t, stored)
			next := refresh.Row{Key: stored.Key, Phase: refresh.Idle, AttemptID: "next", Fence: 8}
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
	t.Parallel()
	row := fullRow(newKey())
	for _, guard := range []refresh.Guard{{}, {Fence: 7}, {AttemptID: "ours"}, {Phase: refresh.Idle}} {
		l.wantLost(t, l.ledger.Write(t.Context(), row, guard), refresh.Row{}, false)
		_, found, err := l.ledger.Row(t.Context(), row.Key)
		must(t, err)
		equal(t, "found", found, false)
	}
	l.write(t, row, refresh.Guard{Absent: true, Fence: 99, AttemptID: "other", Phase: refresh.Idle})
	l.want(t, row)
}

func (l ledgerContract) guardsNoEscrow(t *testing.T) {
	t.Parallel()
	row := refresh.Row{Key: newKey(), Phase: refresh.Idle}
	l.stored(t, row)
	l.wantLost(t, l.ledger.Write(t.Context(), row, refresh.Guard{SameEscrow: true, EscrowOf: "theirs"}), row, true)
	l.write(t, row, refresh.Guard{SameEscrow: true})
}

func (l ledgerContract) lost(t *testing.T) {
	t.Parallel()
	row := l.stored(t, fullRow(newKey()))
	must(t, l.ledger.SetPaused(t.Context(), row.Key, true))
	row.Paused = true
	l.wantLost(t, l.ledger.Write(t.Context(), refresh.Row{Key: row.Key}, refresh.Guard{Fence: row.Fence + 1}), row, true)
	l.wantLost(t, l.ledger.Write(t.Context(), refresh.Row{Key: row.Key}, refresh.Guard{Absent: true}), row, true)
}

func (l ledgerContract) claimRace(t *testing.T) {
	t.Parallel()
	row := refresh.Row{Key: newKey(), Phase: refresh.Idle}
	l.stored(t, row)
	for row.Fence < 3 {
		row = l.claimedByOne(t, row, refresh.Guard{Fence: row.Fence})
	}
}

func (l ledgerContract) firstClaimRace(t *testing.T) {
	t.Parallel()
	l.claimedByOne(t, refresh.Row{Key: newKey()}, refresh.Guard{Absent: true})
}

// claimedByOne lets all contenders claim at once and returns the winner's row.
func (l ledgerContract) claimedByOne(t *testing.T, row refresh.Row, guard refresh.Guard) refresh.Row {
	t.Helper()
	claim := func(i int) refresh.Row {
		claim := row
		claim.Phase, claim.AttemptID, claim.Fence = refresh.Sending, fmt.Sprintf("attempt-%d", i), row.Fence+1
		return claim
	}
	errs := race(contenders, func(i int) error { return l.ledger.Write(t.Context(), claim(i), guard) })
	winner := onlyWinner(t, errs)
	for i, err := range errs {
		if i != winner {
			l.wantLost(t, err, claim(winner), true)
		}
	}
	l.want(t, claim(winner))
	return claim(winner)
}

func (l ledgerContract) writeKeepsPause(t *testing.T) {
	t.Parallel()
	row := fullRow(newKey())
	row.Paused = true
	l.stored(t, row)
	row.Paused = false
	l.want(t, row) // a first write does not set it

	must(t, l.ledger.SetPaused(t.Context(), row.Key, true))
	l.write(t, row, refresh.Guard{Fence: row.Fence})
	row.Paused = true
	l.want(t, row) // nor does a write clear it

	must(t, l.ledger.SetPaused(t.Context(), row.Key, false))
	l.write(t, row, refresh.Guard{Fence: row.Fence})
	row.Paused = false
	l.want(t, row) // nor set it again
}

func (l ledgerContract) pauseKeepsRow(t *testing.T) {
	t.Parallel()
	row := l.stored(t, fullRow(newKey()))
	for _, paused := range []bool{false, true, true, false} {
		must(t, l.ledger.SetPaused(t.Context(), row.Key, paused))
		row.Paused = paused
		l.want(t, row)
	}
}

func (l ledgerContract) pauseMakesRow(t *testing.T) {
	t.Parallel()
	for _, paused := range []bool{true, false} {
		row := refresh.Row{Key: newKey(), Phase: refresh.Idle, Paused: paused}
		must(t, l.ledger.SetPaused(t.Context(), row.Key, paused))
		l.want(t, row)

		// It can be claimed like any other row.
		l.wantLost(t, l.ledger.Write(t.Context(), row, refresh.Guard{Absent: true}), row, true)
		row.Fence, row.AttemptID, row.Phase = 1, "attempt", refresh.Sending
		l.write(t, row, refresh.Guard{Phase: refresh.Idle})
		l.want(t, row)
	}
}

func (l ledgerContract) pauseRace(t *testing.T) {
	t.Parallel()
	row := l.stored(t, refresh.Row{Key: newKey(), Phase: refresh.Idle})
	const claims = 10
	errs := race(2, func(i int) error {
		for fence := range int64(claims) {
			var err error
			if i == 0 {
				claim := refresh.Row{Key: row.Key, Phase: refresh.Sending, Fence: fence + 1}
				err = l.ledger.Write(t.Context(), claim, refresh.Guard{Fence: fence})
			} else {
				err = l.ledger.SetPaused(t.Context(), row.Key, fence%2 == 1)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	for _, err := range errs {
		must(t, err)
	}
	l.want(t, refresh.Row{Key: row.Key, Phase: refresh.Sending, Fence: claims, Paused: true})
}
