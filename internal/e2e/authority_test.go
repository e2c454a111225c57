package e2e_test

import (
	"os"
	"path/filepath"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/authority"
	"tokenrefresh/internal/sandbox"
)

// A private authority's certificate is trusted as docs/deploy.md says: in a layer, whose folder
// SSL_CERT_DIR names. Without it nothing is sent, and the refresh token stays good.
func TestPrivateAuthority(t *testing.T) {
	t.Parallel()
	w := sharedWorld(t, nil)
	ca, err := authority.New()
	assert.NilError(t, err)
	c := w.credential(t, sandbox.Hesabe, "private-authority", sandbox.Options{Authority: ca})
	c.seed(t, nil)
	layer := t.TempDir()
	assert.NilError(t, os.WriteFile(filepath.Join(layer, "provider-ca.pem"), ca.PEM(), 0o600))
	trusting := c.startWith(t, map[string]string{"SSL_CERT_DIR": layer})
	trusting.want(t, trusting.tick, "logged_in")
	asDeployed := c.start(t)
	asDeployed.want(t, c.force(), "transient")
	trusting.want(t, c.force(), "refreshed")
	c.checkLive(t)
	c.checkSound(t)
}
