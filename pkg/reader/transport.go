package reader

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// drained is how much of a 401's body is read so that its connection can be used again.
const drained = 64 << 10

// Transport is an http.RoundTripper that puts the token into requests. After a 401 it renews the
// token (TokenSource.Renew) and sends the request once more, if there is another token and the
// request can be sent again: it has no body, or GetBody, which http.NewRequest sets for a body in
// memory. Otherwise it returns the 401.
//
// The token goes to the origins (scheme, host and port) given to NewTransport, and nowhere else: a
// request to another origin is an error. A request that a redirect leads to another origin, or back
// from there, goes without the token, as net/http does with a caller's header.
type Transport struct {
	// Base makes the requests; nil: http.DefaultTransport. It sees the token.
	Base http.RoundTripper

	tokens  *TokenSource
	origins []origin
}

// NewTransport makes a transport for the hosts of these base URLs, of which only scheme, host and
// port count. They must be https; http is accepted for this machine alone.
func NewTransport(tokens *TokenSource, baseURLs ...string) (*Transport, error) {
	if len(baseURLs) == 0 {
		return nil, errors.New("transport: name the base URL that the token is for")
	}
	t := &Transport{tokens: tokens}
	for i, text := range baseURLs {
		o, err := parseOrigin(text)
		if err != nil {
			return nil, fmt.Errorf("transport: base URL %d: %w", i+1, err)
		}
		t.origins = append(t.origins, o)
	}
	return t, nil
}

// RoundTrip implements http.RoundTripper. Errors of the token are those of
// TokenSource.Get.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if !t.carries(req) {
		if req.Response != nil { // net/http follows a redirect
			return t.base().RoundTrip(req)
		}
		return nil, unsent(req, fmt.Errorf(
			"the token is not for %s://%s: name that to NewTransport if it is", req.URL.Scheme, req.URL.Host))
	}
	token, err := t.tokens.Get(req.Context())
	if err != nil {
		return nil, unsent(req, err)
	}
	resp, err := t.send(req, req.Body, token)
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	if !replayable(req) {
		t.tokens.renew(req.Context(), token) // for the next request
		return resp, nil
	}
	next, err := t.tokens.Renew(req.Context(), token)
	if err != nil {
		return resp, nil //nolint:nilerr // the provider's 401 says more
	}
	body := req.Body
	if req.GetBody != nil {
		if body, err = req.GetBody(); err != nil {
			return resp, nil //nolint:nilerr // as above
		}
	}
	_, _ = io.CopyN(io.Discard, resp.Body, drained)
	_ = resp.Body.Close()
	return t.send(req, body, next)
}

// carries reports whether the token may go with req: req, and all requests that led to it by
// redirects, go to the origins.
func (t *Transport) carries(req *http.Request) bool {
	for {
		if !slices.Contains(t.origins, originOf(req.URL)) {
			return false
		}
		if req.Response == nil || req.Response.Request == nil {
			return true
		}
		req = req.Response.Request
	}
}

// send sends a copy of req with body and token.
func (t *Transport) send(req *http.Request, body io.ReadCloser, token Token) (*http.Response, error) {
	carrier := req.Clone(req.Context())
	carrier.Body = body
	token.SetAuthHeader(carrier)
	resp, err := t.base().RoundTrip(carrier)
	if resp != nil {
		resp.Request = req // which has no token for the caller to log
	}
	return resp, err
}

func (t *Transport) base() http.RoundTripper {
	if t.Base == nil {
		return http.DefaultTransport
	}
	return t.Base
}

func replayable(req *http.Request) bool {
	return req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
}

// unsent closes the body, as a RoundTripper must.
func unsent(req *http.Request, err error) error {
	if req.Body != nil {
		_ = req.Body.Close()
	}
	return err
}

// origin is where a token may go: scheme, host and port.
type origin struct{ scheme, host, port string }

func originOf(u *url.URL) origin {
	scheme := strings.ToLower(u.Scheme)
	port := map[string]string{"https": "443", "http": "80"}[scheme]
	return origin{scheme, strings.ToLower(u.Hostname()), cmp.Or(u.Port(), port)}
}

// parseOrigin takes the origin of a base URL.
func parseOrigin(text string) (origin, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "": // the error would quote the text
		return origin{}, errors.New("it is not a URL such as https://api.example.com")
	case u.User != nil:
		return origin{}, errors.New("it must not hold a user or password")
	}
	o := originOf(u)
	if o.scheme != "https" && (o.scheme != "http" || !loopback(o.host)) {
		return origin{}, errors.New("it must begin with https://: the token would be sent in plain text")
	}
	return o, nil
}

// loopback reports whether host is this machine.
func loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.Unmap().IsLoopback()
}
