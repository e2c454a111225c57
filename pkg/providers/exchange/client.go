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
	// Servers drop idle connections after some seconds, and a frozen function wakes up with dead
	// ones. A request that is lost on a dead connection cannot be repeated.
	maxIdle = 5 * time.Second
	// Replies are about 2 KiB. The limit counts decoded bytes, because 50 KB of gzip can become 50
	// MB.
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
	// Dial stands in for the network, TLS included; nil: the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Client makes exchanges. It is safe for concurrent use, and keeps connections for up to 5 s
// between calls.
type Client struct {
	transport  *http.Transport
	dial       func(ctx context.Context, network, address string) (net.Conn, error)
	tls        *tls.Config
	handshakes handshakes
	spares     spare.Conns // that Prepare opened
	timeout    time.Duration
	userAgent  string
	now        func() time.Time
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
	secure := c.spareOrNew
	if o.Dial != nil {
		c.dial, secure = o.Dial, c.dialPlain
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	c.transport = &http.Transport{
		DialContext:            c.dialPlain,
		DialTLSContext:         secure,
		Protocols:              protocols,
		MaxIdleConnsPerHost:    o.ConnsPerHost,
		IdleConnTimeout:        maxIdle,
		MaxResponseHeaderBytes: maxHeaders,
		// Without a limit a call that finds no idle connection opens one, and then uses another
		// that has become free: its handshake was for nothing.
		MaxConnsPerHost: o.ConnsPerHost,
	}
	return c
}

// Request is a call.
type Request struct {
	Provider string // for errors
	Op       string // for errors
	URL      *url.URL
	Setting  string        // the credentials' field that holds URL, for errors; "": base_url
	Header   http.Header   // beside Accept, Content-Type and User-Agent
	Timeout  time.Duration // of the whole call with its body; 0: the client's
	Form     url.Values    // sent as a form; nil: Payload is sent
	Payload  any           // sent as JSON
}

// body is what r sends, and its media type.
func (r Request) body() ([]byte, string, error) {
	if r.Form != nil {
		return []byte(r.Form.Encode()), "application/x-www-form-urlencoded", nil
	}
	body, err := json.Marshal(r.Payload)
	if err != nil { // which would quote the payload
		return nil, "", &providers.Error{
			Kind: providers.Misconfigured, Provider: r.Provider, Op: r.Op, Hint: "the request cannot be written as JSON",
		}
	}
	return body, "application/json", nil
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
	body, media, err := r.body()
	if err != nil {
		return Reply{}, err
	}
	request := c.request(http.MethodPost, r)
	request.Header.Set("Content-Type", media)
	request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return c.send(ctx, r, request)
}

// Get is Post for a request without a body, which net/http may repeat.
func (c *Client) Get(ctx context.Context, r Request) (Reply, error) {
	return c.send(ctx, r, c.request(http.MethodGet, r))
}

// send makes the one exchange of r.
func (c *Client) send(ctx context.Context, r Request, request *http.Request) (Reply, error) {
	r.Timeout = cmp.Or(r.Timeout, c.timeout)
	call, used, done := begin(ctx, r.Timeout)
	defer done()

	answer := Reply{Provider: r.Provider, Op: r.Op, Sent: c.now()}
	// It uses the transport itself, because an http.Client follows redirects, keeps cookies and
	// puts the URL into errors.
	response, err := c.transport.RoundTrip(request.WithContext(call))
	if err != nil {
		untouched := used.untouched()
		if refused := used.refused(err); refused != nil {
			return Reply{}, c.notSent(r, refused)
		}
		if untouched {
			return Reply{}, c.notSent(r, ended(call, err))
		}
		return Reply{}, unanswered(answer, r.Timeout, ended(call, err))
	}
	defer func() { _ = response.Body.Close() }()

	// To the end, so that the connection can be used again.
	raw, readErr := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	beyond := used.beyond()
	raw = append(raw, beyond...)
	answer.Status = response.StatusCode
	answer.Date, _ = http.ParseTime(response.Header.Get("Date"))
	now := c.now()
	if !answer.Date.IsZero() {
		now = answer.Date // a date in Retry-After is on the provider's clock
	}
	answer.RetryAfter = ParseRetryAfter(response.Header.Get("Retry-After"), now)
	text, odd := reply.Plain(raw, form(response.Header), maxBody)
	answer.Odd = append(c.handshakes.odd(r.URL), odd...)
	if len(beyond) > 0 {
		answer.Odd = append(answer.Odd, "the reply is longer than its Content-Length says")
	}
	switch {
	case len(raw) > maxBody || len(text) > maxBody:
		answer.Cut = answer.Fail(providers.Unknown, "the answer is larger than 1 MiB")
		return answer, nil
	case readErr != nil:
		answer.Cut = unanswered(answer, r.Timeout, ended(call, readErr))
	}
	answer.Body = secret.New(string(text))
	return answer, nil
}

// form reads what headers say about the body's encoding.
func form(header http.Header) reply.Form {
	_, params, _ := mime.ParseMediaType(header.Get("Content-Type"))
	return reply.Form{Encoding: header.Get("Content-Encoding"), Charset: params["charset"]}
}

// request is built by hand: http.NewRequest sets GetBody, by which net/http could
// send the body a second time.
func (c *Client) request(method string, r Request) *http.Request {
	header := r.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Accept", "application/json")
	header.Set("Accept-Encoding", "identity") // Plain undoes a compression that comes anyway
	header.Set("User-Agent", c.userAgent)
	return &http.Request{Method: method, URL: r.URL, Header: header}
}
