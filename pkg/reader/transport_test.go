package reader_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/reader"
)

// api is a provider's API, in memory: it accepts one token, and is the base of a transport.
type api struct {
	mu     sync.Mutex
	takes  string
	asked  []string // "METHOD URL body, Authorization"
	closed int      // bodies of 401s that were closed
}

func (a *api) accept(token string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.takes = token
}

func (a *api) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		_ = r.Body.Close()
	}
	a.asked = append(a.asked, r.Method+" "+r.URL.String()+" "+string(body)+", "+r.Header.Get("Authorization"))
	answer := &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("good")), Request: r}
	if r.Header.Get("Authorization") != "Bearer "+a.takes {
		answer.StatusCode, answer.Body = http.StatusUnauthorized, &refusal{Reader: strings.NewReader("Unauthenticated."), api: a}
	}
	return answer, nil
}

// refusal is the body of a 401.
type refusal struct {
	io.Reader
	api *api
}

func (r *refusal) Close() error {
	r.api.mu.Lock()
	defer r.api.mu.Unlock()
	r.api.closed++
	return nil
}

const base = "https://api.example.com"

func transport(t *testing.T, tokens *reader.TokenSource, rt http.RoundTripper, baseURLs ...string) *reader.Transport {
	t.Helper()
	tr, err := reader.NewTransport(tokens, baseURLs...)
	assert.NilError(t, err)
	tr.Base = rt
	return tr
}

func request(t *testing.T, method, url string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	assert.NilError(t, err)
	return r
}

func TestRequestCarriesTheToken(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{"": "Bearer one", "bearer": "Bearer one", "DPoP": "DPoP one"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			token := hesabe("one")
			token.Type = kind
			a := &api{takes: "one"}
			tr := transport(t, reader.NewTokenSource(&store{token: token}, reader.Options{}), a, base)
			r := request(t, http.MethodGet, base+"/things", nil)
			r.Header.Set("Authorization", "mine")
			resp, err := tr.RoundTrip(r)
			assert.NilError(t, err)
			defer func() { _ = resp.Body.Close() }()
			assert.Check(t, is.DeepEqual(a.asked[0], "GET "+base+"/things , "+want))
			assert.Check(t, r.Header.Get("Authorization") == "mine" && resp.Request == r,
				"the caller's request was changed, or the answer shows another")
		})
	}
}

func TestAfterARefusal(t *testing.T) {
	t.Parallel()
	const one, two = ", Bearer one", ", Bearer two"
	for _, c := range []struct {
		name      string
		method    string
		body      func() io.Reader
		published time.Duration // how long after the request; negative: never
		status    int
		asked     []string
		closed    int
	}{
		{
			name: "no body", method: "GET", body: func() io.Reader { return nil },
			status: 200, asked: []string{"GET " + base + "/ " + one, "GET " + base + "/ " + two}, closed: 1,
		},
		{
			name: "a body in memory", method: "POST", body: func() io.Reader { return strings.NewReader("order") }, published: time.Second,
			status: 200, asked: []string{"POST " + base + "/ order" + one, "POST " + base + "/ order" + two}, closed: 1,
		},
		{
			name: "a stream", method: "POST", body: func() io.Reader { return io.MultiReader(strings.NewReader("order")) },
			status: 401, asked: []string{"POST " + base + "/ order" + one},
		},
		{
			name: "no other token", method: "GET", body: func() io.Reader { return nil }, published: -1,
			status: 401, asked: []string{"GET " + base + "/ " + one},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, tokens, _ := held(t, 13*time.Minute, reader.Options{})
				a := &api{takes: "two"}
				tr := transport(t, tokens, a, base)
				if c.published >= 0 {
					time.AfterFunc(c.published, func() { s.publish(hesabe("two")) })
					synctest.Wait()
				}
				resp, err := tr.RoundTrip(request(t, c.method, base+"/", c.body()))
				assert.NilError(t, err)
				body, err := io.ReadAll(resp.Body)
				assert.Check(t, err == nil && len(body) != 0 && resp.StatusCode == c.status && a.closed == c.closed,
					"status %d, body %q, %v, %d bodies closed", resp.StatusCode, body, err, a.closed)
				_ = resp.Body.Close()
				assert.Check(t, is.DeepEqual(a.asked, c.asked), "requests")
				time.Sleep(10 * time.Second)
				if c.published >= 0 { // also where the request itself could not be sent again
					wantToken(t, tokens, "two")
				}
			})
		})
	}
}

// After a second refusal the request is not sent a third time.
func TestRefusedTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, tokens, _ := held(t, time.Minute, reader.Options{})
		s.publish(hesabe("two"))
		a := &api{takes: "three"}
		resp, err := transport(t, tokens, a, base).RoundTrip(request(t, "GET", base, nil))
		assert.Assert(t, err == nil && resp.StatusCode == http.StatusUnauthorized && len(a.asked) == 2,
			"%v, %v, after %q", resp, err, a.asked)
		_ = resp.Body.Close()
	})
}

// The caller's context ends the wait for another token, and the 401 is the answer.
func TestCallerGivesUpWhileTheTokenIsRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, tokens, _ := held(t, 13*time.Minute, reader.Options{})
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		began := time.Now()
		resp, err := transport(t, tokens, &api{takes: "two"}, base).RoundTrip(request(t, "GET", base, nil).WithContext(ctx))
		if err != nil || resp.StatusCode != http.StatusUnauthorized || time.Since(began) != 100*time.Millisecond {
			t.Fatalf("%v, %v", resp, err)
		}
		_ = resp.Body.Close()
		time.Sleep(2 * time.Second) // the renewal goes on for others
	})
}

func TestManyRequestsAcrossARotation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, tokens, _ := held(t, 13*time.Minute, reader.Options{})
		a := &api{takes: "one"}
		client := &http.Client{Transport: transport(t, tokens, a, base)}
		var requests sync.WaitGroup
		for i := range 200 {
			requests.Go(func() {
				time.Sleep(time.Duration(i) * 10 * time.Millisecond)
				resp, err := client.Post(base, "text/plain", strings.NewReader("order"))
				if err != nil || resp.StatusCode != http.StatusOK {
					t.Errorf("request %d: %v, %v", i, resp, err)
					return
				}
				_ = resp.Body.Close()
			})
		}
		time.Sleep(time.Second)
		a.accept("two") // the old token is revoked before the new one is published
		time.Sleep(300 * time.Millisecond)
		s.publish(hesabe("two"))
		requests.Wait()
		wantReads(t, s, 2, 6)
	})
}

type closer struct {
	io.Reader
	closed bool
}

func (c *closer) Close() error { c.closed = true; return nil }

func TestRequestThatIsNotSent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, url string
		err       error
	}{
		{"no token", base, reader.ErrDenied},
		{"another host", "https://example.com/", nil},
		{"another port", base + ":8443/", nil},
		{"in the clear", "http://api.example.com/", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a, s := &api{}, &store{token: hesabe("one"), err: c.err}
			body := &closer{Reader: strings.NewReader("order")}
			resp, err := transport(t, reader.NewTokenSource(s, reader.Options{}), a, base).
				RoundTrip(request(t, "POST", c.url, body))
			if err == nil {
				_ = resp.Body.Close()
			}
			if err == nil || !errors.Is(err, c.err) && c.err != nil || len(a.asked) != 0 || !body.closed {
				t.Errorf("error %v, asked %q, closed %v", err, a.asked, body.closed)
			}
		})
	}
}

// net/http hides a caller's Authorization from another host, but calls a transport again for each
// hop.
func TestRedirects(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen []string
	log := func(name string, next func(w http.ResponseWriter, r *http.Request)) *httptest.Server {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, strings.TrimSpace(name+r.URL.Path+" "+r.Header.Get("Authorization")))
			next(w, r)
		}))
		t.Cleanup(server.Close)
		return server
	}
	var own, other *httptest.Server
	own = log("own", func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/here", http.StatusFound)
		case "/out":
			http.Redirect(w, r, other.URL+"/back", http.StatusTemporaryRedirect)
		}
	})
	other = log("other", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, own.URL+"/stolen", http.StatusFound)
	})
	tokens := reader.NewTokenSource(&store{token: hesabe("one")}, reader.Options{})
	client := &http.Client{Transport: transport(t, tokens, nil, own.URL+"/api")}
	for _, path := range []string{"/moved", "/out"} {
		resp, err := client.Get(own.URL + path)
		assert.NilError(t, err)
		_ = resp.Body.Close()
	}
	want := []string{"own/moved Bearer one", "own/here Bearer one", "own/out Bearer one", "other/back", "own/stolen"}
	assert.Check(t, is.DeepEqual(seen, want))
}

func TestBaseURLs(t *testing.T) {
	t.Parallel()
	tokens := reader.NewTokenSource(&store{token: hesabe("one")}, reader.Options{})
	for text, ok := range map[string]bool{
		"https://api.example.com":         true,
		"HTTPS://API.example.com:443/v1/": true,
		"http://127.0.0.1:8080":           true,
		"http://[::1]":                    true,
		"http://localhost":                true,
		"http://api.example.com":          false,
		"ftp://api.example.com":           false,
		"//api.example.com":               false,
		"api.example.com":                 false,
		"https://":                        false,
		"https://user:planted@host":       false,
		"https://planted\x7f.example.com": false,
		"":                                false,
	} {
		_, err := reader.NewTransport(tokens, base, text)
		if (err == nil) != ok || err != nil && strings.Contains(err.Error(), "planted") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := reader.NewTransport(tokens); err == nil {
		t.Error("a transport for any host")
	}
}

func TestOriginsAreComparedAsHostsAre(t *testing.T) {
	t.Parallel()
	tokens := reader.NewTokenSource(&store{token: hesabe("one")}, reader.Options{})
	tr := transport(t, tokens, &api{takes: "one"}, "HTTPS://API.example.com:443/v1/")
	resp, err := tr.RoundTrip(request(t, "GET", "https://Api.Example.com/x", nil))
	assert.NilError(t, err)
	_ = resp.Body.Close()
	assert.Check(t, resp.StatusCode == http.StatusOK, "status %d", resp.StatusCode)
}
