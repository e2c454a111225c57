package exchange

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
)

const (
	defaultTimeout = 10 * time.Second
	// Servers drop idle connections after some seconds, and a frozen function wakes
	// up with dead ones. A request that is lost on one of those is lost for good.
	maxIdle = 5 * time.Second
	// Replies are about 2 KiB. The limit counts decoded bytes, for 50 KB of gzip can
	// become 50 MB.
	maxBody    = 1 << 20
	maxHeaders = 64 << 10
)

// Options are the settings of a Client. The zero value works.
type Options struct {
	Timeout   time.Duration  // of a whole call with its body; 0: 10 s
	UserAgent string         // "": "token-refresh"
	RootCAs   *x509.CertPool // nil: the system's
	// ConnsPerHost is how many connections to a host there may be: as many as calls run
	// at once; 0: any number, of which two are kept.
	ConnsPerHost int
	Now          func() time.Time // nil: time.Now
}

// Client makes exchanges. It is safe for concurrent use and keeps connections
// alive between calls, none for longer than 5 s.
type Client struct {
	transport *http.Transport
	dial      func(ctx context.Context, network, address string) (net.Conn, error)
	tls       *tls.Config
	timeout   time.Duration
	userAgent string
	now       func() time.Time
}

// New makes a Client. It ignores the environment's proxies.
func New(o Options) *Client {
	c := &Client{timeout: o.Timeout, userAgent: o.UserAgent, now: o.Now}
	if c.timeout <= 0 {
		c.timeout = defaultTimeout
	}
	if c.userAgent == "" {
		c.userAgent = "token-refresh"
	}
	if c.now == nil {
		c.now = time.Now
	}
	// net/http dials detached from the request's context: the dialer needs a
	// timeout of its own.
	c.dial = (&net.Dialer{Timeout: c.timeout}).DialContext
	c.tls = &tls.Config{
		MinVersion: tls.VersionTLS12,
		RootCAs:    o.RootCAs,
		NextProtos: []string{"http/1.1"},
		// Connections are short-lived: a resumed one costs no certificate check.
		ClientSessionCache: tls.NewLRUClientSessionCache(0),
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	c.transport = &http.Transport{
		DialContext:            c.dialPlain,
		DialTLSContext:         c.dialTLS,
		Protocols:              protocols,
		MaxIdleConnsPerHost:    o.ConnsPerHost,
		IdleConnTimeout:        maxIdle,
		MaxResponseHeaderBytes: maxHeaders,
		// Without a limit a call that finds no idle connection begins one, and is then given
		// another's that has become free: handshakes for nothing.
		MaxConnsPerHost: o.ConnsPerHost,
	}
	return c
}

// Request is a POST of JSON.
type Request struct {
	Provider string // for errors
	Op       string // for errors
	URL      *url.URL
	Header   http.Header // beside Accept, Content-Type and User-Agent
	Payload  any         // sent as JSON
}

// Reply is an answer that the caller has to judge: a 2xx, or a 4xx that may speak of
// the token.
type Reply struct {
	Provider string
	Op       string
	Status   int
	Body     secret.String // complete
	Sent     time.Time     // just before the request was sent
	Date     time.Time     // the provider's clock; zero where unknown
}

// Success reports whether the status is 2xx.
func (r Reply) Success() bool { return r.Status >= 200 && r.Status < 300 }

// Fail makes the error that r means to its caller. Of a 2xx that is Unknown it
// keeps the body, which may be the only copy of a rotated token.
func (r Reply) Fail(kind providers.Kind, hint string) *providers.Error {
	e := &providers.Error{
		Kind: kind, Provider: r.Provider, Op: r.Op, Status: r.Status, Sent: r.Sent, Hint: hint,
	}
	if kind == providers.Unknown && r.Success() {
		e.Raw = r.Body
	}
	return e
}

// Post sends r once and reads the whole answer. Every error is a *providers.Error:
// NotSent, where no byte of the request left; RateLimited, for 429 and 425;
// Misconfigured, for any redirect, none of which is followed; else Unknown.
func (c *Client) Post(ctx context.Context, r Request) (Reply, error) {
	body, err := json.Marshal(r.Payload)
	if err != nil { // which would quote the payload
		return Reply{}, &providers.Error{
			Kind: providers.Misconfigured, Provider: r.Provider, Op: r.Op, Hint: "the request cannot be written as JSON",
		}
	}
	call, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var connected bool
	var used *conn
	call = httptrace.WithClientTrace(call, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			connected = true
			if used, _ = info.Conn.(*conn); used != nil {
				used.begin()
			}
		},
	})

	reply := Reply{Provider: r.Provider, Op: r.Op, Sent: c.now()}
	// The transport itself and no http.Client: there is nothing then that follows
	// redirects, keeps cookies or puts the URL into errors.
	response, err := c.transport.RoundTrip(c.request(call, r, body))
	if err != nil {
		if !connected || used.seal() {
			return Reply{}, c.notSent(ctx, r, err)
		}
		return Reply{}, c.unanswered(ctx, reply, err)
	}
	defer func() { _ = response.Body.Close() }()

	// To the end, so that the connection can be used again.
	text, readErr := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	reply.Status = response.StatusCode
	reply.Date, _ = http.ParseTime(response.Header.Get("Date"))
	if err := judge(reply, response.Header, c.now()); err != nil {
		return Reply{}, err
	}
	if len(text) > maxBody {
		return Reply{}, reply.Fail(providers.Unknown, "the answer is larger than 1 MiB")
	}
	reply.Body = secret.New(string(text))
	if readErr != nil {
		return Reply{}, c.unanswered(ctx, reply, readErr)
	}
	return reply, nil
}

// request is built by hand: http.NewRequest sets GetBody, by which net/http could
// send the body a second time.
func (c *Client) request(ctx context.Context, r Request, body []byte) *http.Request {
	header := r.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Accept", "application/json")
	header.Set("Content-Type", "application/json")
	header.Set("User-Agent", c.userAgent)
	return (&http.Request{
		Method:        http.MethodPost,
		URL:           r.URL,
		Header:        header,
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
	}).WithContext(ctx)
}
