package e2e_test

import (
	"testing"

	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/aes"
)

// What TConnect's documentation leaves open: the IV, and the form of replies.
func TestTConnectEncryption(t *testing.T) {
	t.Parallel()
	w := sharedWorld(t, nil)
	for _, mode := range []aes.Mode{aes.Fixed, aes.Prefix, aes.Zero, aes.FromKey} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			c := w.credential(t, sandbox.TConnect, "iv-"+string(mode), sandbox.Options{TConnectIV: mode})
			c.seed(t, nil)
			f := c.start(t)
			c.sandbox.Inject(sandbox.TConnect, sandbox.Login, 1, sandbox.ReplyAs(sandbox.EncryptedData))
			f.want(t, f.tick, "logged_in")
			c.checkLive(t)
			shapes := []sandbox.ReplyShape{sandbox.EncryptedData}
			if mode == aes.Prefix { // the form is none of the mode's business
				shapes = append(shapes, sandbox.Plain, sandbox.Wrapped, sandbox.BareHex, sandbox.QuotedHex)
			}
			for _, shape := range shapes {
				previous := c.current(t, "tokens")
				c.sandbox.Inject(sandbox.TConnect, sandbox.Refresh, 1, sandbox.ReplyAs(shape))
				f.want(t, c.force(), "refreshed")
				c.checkLive(t)
				checkRotated(t, c, previous)
			}
			checkCalls(t, c, 1, len(shapes))
			c.checkSound(t)
		})
	}
}

// A refusal is understood in whatever form it comes.
func TestTConnectRefusals(t *testing.T) {
	t.Parallel()
	c, f := sharedWorld(t, nil).loggedIn(t, sandbox.TConnect, "refusals")
	shapes := []sandbox.ErrorShape{
		sandbox.Keycloak, sandbox.Wrapper, sandbox.KeycloakOK, sandbox.WrapperOK, sandbox.EncryptedError,
	}
	for i, shape := range shapes {
		c.sandbox.Revoke(sandbox.TConnect, c.current(t, "tokens").fields["refresh_token"])
		c.sandbox.Inject(sandbox.TConnect, sandbox.Refresh, 1, sandbox.ErrorAs(shape))
		f.want(t, c.force(), "logged_in")
		checkCalls(t, c, i+2, i+1)
		c.checkLive(t)
	}
	c.goesOn(t, f)
}
