package oauthservers

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"testing"
)

// Fault is what befalls a refresh.
type Fault int

// The faults. After those that act, the server has handed out a token that nobody got.
const (
	None       Fault = iota
	LoseReply        // acted, and the connection is cut before the answer
	CutReply         // acted, and the connection is cut within the answer
	FailAfter        // acted, and a gateway answers 502
	LoseBefore       // not acted: the connection is cut
	FailBefore       // not acted: a gateway answers 503
)

// Acts reports whether the server sees the request.
func (f Fault) Acts() bool { return f == LoseReply || f == CutReply || f == FailAfter }

// Proxy stands before a server.
type Proxy struct {
	*httptest.Server

	onward *httputil.ReverseProxy
	token  string // path

	mu     sync.Mutex
	faults []Fault
	before func() // the server has not seen the next refresh yet
	after  func() // the server has acted on it
	seen   Seen
	order  []string // refresh tokens as they were first presented
	acted  map[string]bool
}

// Seen is what the proxy has seen.
type Seen struct {
	Refreshes, Logins int
	Asked             int // introspections and probes
	// Repeated: refreshes with a token that had been presented before; Grandparents: with an older
	// one than the last presented.
	Repeated, Grandparents int
	// RepeatedActed: repeated, after the server had acted on one before.
	RepeatedActed int
	// Refused with invalid_grant.
	Refused int
}

func newProxy(tb testing.TB, to *url.URL, token string) *Proxy {
	tb.Helper()
	p := &Proxy{token: token, acted: map[string]bool{}}
	p.onward = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host // servers make addresses of it
	}}
	p.Server = httptest.NewServer(p)
	tb.Cleanup(p.Close)
	return p
}

// Play queues faults for the next refreshes.
func (p *Proxy) Play(faults ...Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, faults...)
}

// AtNextRefresh calls before, then after the server has acted on the next refresh.
func (p *Proxy) AtNextRefresh(before, after func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.before, p.after = before, after
}

// Seen is what was seen until now.
func (p *Proxy) Seen() Seen {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen
}

// ServeHTTP implements http.Handler.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, err := url.ParseQuery(string(body))
	if r.URL.Path != p.token || err != nil || form.Get("grant_type") != "refresh_token" {
		p.note(r)
		p.onward.ServeHTTP(w, r)
		return
	}
	fault, before, after := p.arrived(form.Get("refresh_token"))
	call(before)
	switch fault {
	case FailBefore:
		http.Error(w, "<html>503", http.StatusServiceUnavailable)
		return
	case LoseBefore:
		panic(http.ErrAbortHandler)
	case None, LoseReply, CutReply, FailAfter:
	}
	answer := httptest.NewRecorder()
	p.onward.ServeHTTP(answer, r)
	p.answered(form.Get("refresh_token"), answer)
	call(after)
	switch fault {
	case LoseReply:
		panic(http.ErrAbortHandler)
	case FailAfter:
		http.Error(w, "<html>502", http.StatusBadGateway)
		return
	case None, CutReply, FailBefore, LoseBefore:
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	text := answer.Body.Bytes()
	if fault == CutReply {
		_, _ = w.Write(text[:len(text)/4])
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(text)
}

func call(f func()) {
	if f != nil {
		f()
	}
}

// note counts what is no refresh.
func (p *Proxy) note(r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.URL.Path == p.token {
		p.seen.Logins++
	} else {
		p.seen.Asked++
	}
}

// arrived counts a refresh token.
func (p *Proxy) arrived(token string) (fault Fault, before, after func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen.Refreshes++
	switch at := slices.Index(p.order, token); {
	case at < 0:
		p.order = append(p.order, token)
	case at < len(p.order)-1:
		p.seen.Grandparents++
		fallthrough
	default:
		p.seen.Repeated++
		if p.acted[token] {
			p.seen.RepeatedActed++
		}
	}
	if len(p.faults) > 0 {
		fault, p.faults = p.faults[0], p.faults[1:]
	}
	before, after, p.before, p.after = p.before, p.after, nil, nil
	return fault, before, after
}

// answered counts what the server said.
func (p *Proxy) answered(token string, answer *httptest.ResponseRecorder) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.acted[token] = true
	if bytes.Contains(answer.Body.Bytes(), []byte("invalid_grant")) {
		p.seen.Refused++
	}
}
