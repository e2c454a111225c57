package sweep_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/sweep"
)

// Whatever fails, and however often: after the faults, every row that the provider has not refused
// is fresh within the longest back-off, and claims are released.
func TestConverges(t *testing.T) {
	t.Parallel()
	for seed := range uint64(25) {
		inOwnWorld(t, fmt.Sprint("seed ", seed), func(t *testing.T, w *world) {
			const rows = 40
			w.addMany(rows, func(r *store.Transaction) { r.ExpiresAt = time.Time{} })
			var mu sync.Mutex
			random := rand.New(rand.NewPCG(seed, 0))
			chance := func(p float64) bool {
				mu.Lock()
				defer mu.Unlock()
				return random.Float64() < p
			}
			faults := func(string, string) error {
				if chance(0.15) {
					return errPassing
				}
				return nil
			}
			w.Before, w.After = faults, faults
			w.Reply = func(string) (providers.Tokens, error) {
				for _, kind := range []providers.Kind{
					providers.Unknown, providers.NotSent, providers.RateLimited, providers.Misconfigured, providers.Refused,
				} {
					if chance(0.03) {
						return providers.Tokens{}, fail(kind)
					}
				}
				tokens := fresh()
				if chance(0.3) {
					tokens.RefreshToken = secret.New(fmt.Sprint("rotated at ", time.Now()))
				}
				return tokens, nil
			}
			w.ticks(t, 30)

			w.Before, w.After, w.Reply = nil, nil, nil
			w.setSecret("v2", "good") // a person looks at it
			w.ticks(t, 62)
			report := w.run(t, sweep.Request{})
			wantNobody(t, report)
			equal(t, "rows left", report.Outcomes[outcome.Transient]+report.Outcomes[outcome.Busy], 0)
			for _, row := range w.rows {
				if row.Status == store.StatusActive && !row.AccessExpiresAt.After(time.Now()) {
					t.Errorf("row %+v", row)
				}
			}
			for key, row := range w.ledger {
				assert.Check(t, row.Phase == store.Idle && row.State != store.Misconfigured,
					"ledger row %s: %+v", key, row)
			}
		})
	}
}
