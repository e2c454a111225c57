package sandbox_test

import (
	"net/http"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
)

// Who answers in a provider's place keeps the call from it; what it does to a reply, it
// does after the provider has acted.
func TestWhoHasActed(t *testing.T) {
	t.Parallel()
	b := start(t, sandbox.Options{})
	for name, tc := range map[string]struct {
		faults map[string]sandbox.Fault
		acts   bool
	}{
		"gateways":   {sandbox.Gateways(), false},
		"replies":    {sandbox.OddReplies(), true},
		"unreadable": {sandbox.UnreadableRefreshTokens(), true},
		"a page of a gateway that came too late": {map[string]sandbox.Fault{
			"late": sandbox.Answer(http.StatusNotFound, "text/html", "<html></html>").AfterActing(),
		}, true},
	} {
		for which, fault := range tc.faults {
			before := b.Stats(sandbox.Hesabe)
			token := b.Issue(sandbox.Hesabe).RefreshToken
			b.Inject(sandbox.Hesabe, sandbox.Refresh, 1, fault)
			b.refresh(t.Context(), sandbox.Hesabe, token)
			after := b.Stats(sandbox.Hesabe)
			if after.Refreshes != before.Refreshes+1 || (b.Presentations(sandbox.Hesabe)[token] == 1) != tc.acts {
				t.Errorf("%s, %s: %d refreshes, %d presentations", name, which, after.Refreshes-before.Refreshes, b.Presentations(sandbox.Hesabe)[token])
			}
			got := b.refresh(t.Context(), sandbox.Hesabe, token) // as it should be
			alive := got.err == nil && got.status == http.StatusOK
			assert.Check(t, alive != tc.acts, "%s, %s: the token is alive: %v", name, which, alive)
		}
	}
}
