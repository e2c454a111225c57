// Package exchange is the one guarded HTTP exchange that all clients share. A request may carry a
// single-use token. So it leaves at most once and goes only to the host that it is meant for, and
// the caller always learns whether the provider may have acted on the token.
//
// It writes and reads HTTP/1.1 itself. net/http's transport sends some requests again, does not say
// whether a byte has left, and rejects an answer, and the tokens in it, for an odd head.
package exchange

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/reply"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/spare"
)

const (
	defaultTimeout = 10 * time.Second
	// Replies are about 2 KiB. The limit counts decoded bytes, because 50 KB of gzip can become 50
	// MB.
	maxBody = 1 << 20
)

// dial opens a connection without TLS.
type dial = func(ctx context.Context, network, address string) (net.Conn, error)

// Options are the settings of a Client. The zero value works.
type Options struct {
	Timeout time.Duration    // of a whole call with its body; 0: 10 s
	RootCAs *x509.CertPool   // nil: the system's
	Now     func() time.Time // nil: time.Now
	// Dial stands in for the network, TLS included; nil: the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Client makes exchanges. It is safe for concurrent use, and keeps connections for up to
// spare.MaxIdle between calls.
type Client struct {
	dial       dial
	plain      bool // dial stands in for TLS too
	tls        *tls.Config
	handshakes handshakes
	idle       spare.Conns // by scheme and address
	timeout    time.Duration
	now        func() time.Time
}

// New makes a Client. It ignores the environment's proxies.
func New(o Options) *Client {
	c := &Client{
		dial: o.Dial, plain: o.Dial != nil, timeout: cmp.Or(o.Timeout, defaultTimeout), now: o.Now,
		tls: &tls.Config{
			MinVersion: tls.VersionTLS12,
			RootCAs:    o.RootCAs,
			NextProtos: []string{"http/1.1"},
			// Connections are short-lived: a resumed one costs no certificate check.
			ClientSessionCache: tls.NewLRUClientSessionCache(0),
		},
	}
	if c.dial == nil {
		c.dial = (&net.Dialer{Timeout: c.timeout}).DialContext
	}
	if c.now == nil {
		c.now = time.Now
	}
	return c
}

// Request is a call.
type Request struct {
	Provider string // for errors
	Op       string // for errors
	URL      *url.URL
	Setting  string            // the credentials' field that holds URL, for errors; "": base_url
	Header   http.Header       // beside Accept, Content-Type and User-Agent
	Timeout  time.Duration     // of the whole call with its body; 0: the client's
	Form     url.Values        // sent as a form; nil: Payload is sent
	Payload  map[string]string // sent as JSON
}

// Reply is an answer with at least a status and headers. Package verdict decides what it means.
type Reply struct {
	Provider   string
	Op         string
	Status     int
	Body       secret.String // plain text, as much as arrived
	Sent       time.Time     // just before the request was sent
	Date       time.Time     // the provider's clock; zero if unknown
	RetryAfter time.Duration // what its header asks for, at most an hour; 0: nothing
	// Cut is why Body is not the whole body; nil: it is.
	Cut *providers.Error
	// Odd tells people what was odd about the form of the answer.
	Odd []string
}

// Success reports whether the status is 2xx.
func (r Reply) Success() bool { return r.Status >= 200 && r.Status < 300 }

// Fail makes an error about r, of that kind.
func (r Reply) Fail(kind providers.Kind, hint string) *providers.Error {
	return &providers.Error{
		Kind: kind, Provider: r.Provider, Op: r.Op, Status: r.Status, Sent: r.Sent, Hint: hint,
	}
}

// Post sends r once and reads the whole answer, whatever its status. No redirect is followed. Every
// error is a *providers.Error: NotSent if no byte of the request left, or Unknown if it left and no
// answer began.
func (c *Client) Post(ctx context.Context, r Request) (Reply, error) {
	if r.Form != nil {
		return c.send(ctx, r, http.MethodPost, "application/x-www-form-urlencoded", []byte(r.Form.Encode()))
	}
	body, _ := json.Marshal(r.Payload) // of strings: never fails
	return c.send(ctx, r, http.MethodPost, "application/json", body)
}

// Get is Post for a request without a body.
func (c *Client) Get(ctx context.Context, r Request) (Reply, error) {
	return c.send(ctx, r, http.MethodGet, "", nil)
}

// send makes the one exchange of r.
func (c *Client) send(ctx context.Context, r Request, method, media string, body []byte) (Reply, error) {
	timeout := cmp.Or(r.Timeout, c.timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errTimeout)
	defer cancel()
	made := Reply{Provider: r.Provider, Op: r.Op, Sent: c.now()}
	to, err := c.open(ctx, r.URL)
	if err != nil {
		return Reply{}, c.notSent(ctx, r, timeout, err)
	}
	got, sent, err := to.exchange(ctx, requestText(r, method, media, body))
	if err == nil && got.reusable {
		c.idle.Keep(idleKey(r.URL), to.Conn)
	} else {
		_ = to.Close()
	}
	switch {
	case to.asked && refusesClient(err):
		// With TLS 1.3 the refusal arrives after the request has left, but the server has not read it.
		return Reply{}, c.notSent(ctx, r, timeout, &openError{err, true, true})
	case !sent:
		return Reply{}, c.notSent(ctx, r, timeout, err)
	case got.status == 0:
		return Reply{}, unanswered(ctx, made, timeout, err)
	}
	made.Status = got.status
	if err != nil {
		made.Cut = unanswered(ctx, made, timeout, err)
	}
	c.fill(&made, got)
	made.Odd = append(c.handshakes.last(address(r.URL)).odd(), made.Odd...)
	return made, nil
}

// fill adds what an answer says, as plain text.
func (c *Client) fill(r *Reply, got answer) {
	r.Date, _ = http.ParseTime(got.header.Get("Date"))
	now := r.Date // a date in Retry-After is on the provider's clock
	if now.IsZero() {
		now = c.now()
	}
	r.RetryAfter = ParseRetryAfter(got.header.Get("Retry-After"), now)
	_, params, _ := mime.ParseMediaType(got.header.Get("Content-Type"))
	text, odd := reply.Plain(got.body, reply.Form{Encoding: got.header.Get("Content-Encoding"), Charset: params["charset"]}, maxBody)
	r.Odd = odd
	if got.longer {
		r.Odd = append(r.Odd, "the reply is longer than its head says")
	}
	if len(got.body) > maxBody || len(text) > maxBody {
		r.Cut = r.Fail(providers.Unknown, "the answer is larger than 1 MiB")
		return
	}
	r.Body = secret.New(string(text))
}

// requestText is r as it is sent.
func requestText(r Request, method, media string, body []byte) []byte {
	header := r.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Accept", "application/json")
	header.Set("Accept-Encoding", "identity") // Plain undoes a compression that comes anyway
	header.Set("User-Agent", "token-refresh")
	if media != "" {
		header.Set("Content-Type", media)
	}
	var text bytes.Buffer
	request := http.Request{
		Method: method, URL: r.URL, Header: header,
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}
	_ = request.Write(&text) // into memory: never fails
	return text.Bytes()
}
