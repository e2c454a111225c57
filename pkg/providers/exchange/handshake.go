package exchange

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"syscall"
)

// maxIdentical is how often a handshake fails in the same way before it is tried without the
// post-quantum key share: some servers and firewalls cannot handle a ClientHello of more than one
// packet.
const maxIdentical = 3

const silence = "silent"

// classic are the key exchanges without a post-quantum part.
var classic = []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521}

// handshakes remembers how the handshakes with each host ended.
type handshakes struct {
	mu    sync.Mutex
	hosts map[string]*handshake // by host and port
}

// handshake is the record of one host.
type handshake struct {
	failure string // the last one; silence: it was not finished in time
	same    int    // how often in a row
	classic bool   // it succeeded only without the post-quantum key share
}

// of is the record of a host. The caller holds mu.
func (h *handshakes) of(address string) *handshake {
	if h.hosts == nil {
		h.hosts = map[string]*handshake{}
	}
	if h.hosts[address] == nil {
		h.hosts[address] = &handshake{}
	}
	return h.hosts[address]
}

// last is the record of a host as it is now.
func (h *handshakes) last(address string) handshake {
	h.mu.Lock()
	defer h.mu.Unlock()
	return *h.of(address)
}

// failsAlike notes how a handshake ended, and reports whether it should be tried once
// without the post-quantum key share.
func (h *handshakes) failsAlike(address string, wasClassic bool, err error) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	host := h.of(address)
	switch failure := likeness(err); {
	case err == nil:
		host.same, host.classic = 0, wasClassic
		return false
	case failure == "", failure != host.failure:
		host.failure, host.same = failure, 1
	default:
		host.same++
	}
	if host.failure == "" || host.same < maxIdentical {
		return false
	}
	host.same, host.classic = 0, false
	return !wasClassic
}

// odd tells people what is odd about the handshakes of a host.
func (h handshake) odd() []string {
	if !h.classic {
		return nil
	}
	return []string{"the TLS handshake succeeds only without the post-quantum key share (X25519MLKEM768): " +
		"a firewall or the server is outdated; GODEBUG=tlsmlkem=0 always leaves it out"}
}

// likeness is the same text for the same kind of failure; "" for failures that another ClientHello
// cannot cure: of certificates, or of connections that are not accepted.
func likeness(err error) string {
	var failed *openError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var op *net.OpError
	var timeout net.Error
	switch {
	case !errors.As(err, &failed) || !failed.handshake,
		errors.As(err, &certificate), errors.As(err, &record), errors.Is(err, context.Canceled):
		return ""
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "closed"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return silence
	case errors.As(err, &op) && op.Op == remoteError:
		return op.Err.Error()
	}
	return ""
}

// dialTLS connects and shakes hands. After some failures of one kind it tries once more without the
// post-quantum key exchange.
func (c *Client) dialTLS(ctx context.Context, u *url.URL) (*conn, error) {
	at := address(u)
	onlyClassic := c.handshakes.last(at).classic
	made, err := c.shake(ctx, u, onlyClassic)
	if !c.handshakes.failsAlike(at, onlyClassic, err) {
		return made, err
	}
	second, secondErr := c.shake(ctx, u, true)
	if c.handshakes.failsAlike(at, true, secondErr); secondErr != nil {
		return nil, err
	}
	return second, nil
}

// shake makes one connection. Its error is an *openError.
func (c *Client) shake(ctx context.Context, u *url.URL, onlyClassic bool) (*conn, error) {
	raw, err := c.dial(ctx, "tcp", address(u))
	if err != nil {
		return nil, &openError{error: err}
	}
	config := c.tls.Clone()
	config.ServerName = u.Hostname()
	if onlyClassic {
		config.CurvePreferences = classic
	}
	asked := false
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		asked = true
		return new(tls.Certificate), nil // none
	}
	secure := tls.Client(raw, config)
	ctx, cancel := context.WithTimeout(ctx, c.timeout/2) // time for another one, if this is the last of its kind
	defer cancel()
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, &openError{err, true, asked}
	}
	return &conn{secure, asked}, nil
}
