package endpoint

import (
	"crypto/tls"

	"tokenrefresh/internal/authority"
)

// Authority is a certificate authority for servers on loopback, with the one certificate
// that they all show.
type Authority struct {
	*authority.Authority
	leaf tls.Certificate
}

// NewAuthority makes an authority and its servers' certificate.
func NewAuthority() (*Authority, error) {
	a, err := authority.New()
	if err != nil {
		return nil, err
	}
	leaf, err := a.Issue()
	return &Authority{a, leaf}, err
}

// Certificate is the one that the servers show.
func (a *Authority) Certificate() tls.Certificate { return a.leaf }
