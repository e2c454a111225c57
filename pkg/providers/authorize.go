package providers

import (
	"context"

	"tokenrefresh/pkg/secret"
)

// Authorization is how a person grants a client a refresh token in a browser (RFC 6749, 4.1).
type Authorization struct {
	ClientID string
	// URL is the service's page for it; empty: the credentials do not name one.
	URL string
	// Scope is what is asked for, as the service writes it; empty: its default.
	Scope string
	// RedirectURI is where the browser is sent afterwards; empty: an address of this machine.
	RedirectURI string
	// NoPKCE is for services that refuse the parameters of RFC 7636.
	NoPKCE bool
}

// Authorizing is a Session whose first refresh token a person gets with a browser.
type Authorizing interface {
	Session
	// Authorization is what the credentials say of it.
	Authorization() Authorization
	// Redeem presents the code that the browser brought, once. verifier is that of PKCE; empty:
	// there is none. Its error is an *Error, perhaps with the words of the answer after it: they hold
	// nothing that was sent, and may hold control characters.
	Redeem(ctx context.Context, code secret.String, redirectURI, verifier string) (Tokens, error)
}
