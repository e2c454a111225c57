package doctor

import (
	"strings"
	"testing"
	"time"

	"tokenrefresh/internal/operator/health"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/store"
)

// The doctor warns of tokens that live too short for Secrets Manager, and of a grace of no use.
func TestCautions(t *testing.T) {
	t.Parallel()
	issued := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		life  time.Duration
		reuse time.Duration
		aws   bool
		want  string // empty: nothing
	}{
		"five minutes":               {5 * time.Minute, 0, true, "that live 5m0s take 582 versions of two secrets a day, and Secrets Manager takes 144"},
		"five minutes in a file":     {5 * time.Minute, 0, false, ""},
		"a quarter of an hour":       {15 * time.Minute, 0, true, ""},
		"an hour, and always":        {time.Hour, providers.Always, true, ""},
		"an hour, and half a one":    {time.Hour, 30 * time.Minute, true, ""},
		"an hour, and half a minute": {time.Hour, 30 * time.Second, false, "refresh_token_reuse of 30 seconds counts as"},
		"no token yet":               {0, 0, true, ""},
	} {
		c := health.Credential{
			Key: store.Key{Provider: "oauth2", Account: "xero"}, Again: providers.Again{Reuse: tt.reuse}, Send: 20 * time.Second,
			Row: store.Row{IssuedAt: issued, AccessExpiresAt: issued.Add(tt.life), Tick: time.Minute},
		}
		if tt.life == 0 {
			c.Row = store.Row{}
		}
		found := cautions(c, tt.aws)
		switch {
		case tt.want == "" && len(found) > 0:
			t.Errorf("%s: %v", name, found)
		case tt.want != "" && (len(found) != 1 || found[0].Verdict != Warn || !strings.Contains(found[0].Cause, tt.want) || found[0].Mend == ""):
			t.Errorf("%s: %v", name, found)
		}
	}
}
