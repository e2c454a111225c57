package exchange_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
)

func TestPostSendsOneJSONRequest(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.Header().Set("Date", "Wed, 21 Oct 2026 07:28:00 GMT")
		_, _ = io.WriteString(w, `{"a":1}`)
	}))
	t.Cleanup(server.Close)
	now := time.Date(2026, 10, 21, 7, 30, 0, 0, time.UTC)
	client := exchange.New(exchange.Options{Now: func() time.Time { return now }})

	reply, err := client.Post(t.Context(), request(t, server.URL))
	assert.NilError(t, err)
	if reply.Status != 200 || !reply.Success() || reply.Body.Reveal() != `{"a":1}` ||
		!reply.Sent.Equal(now) || !reply.Date.Equal(now.Add(-2*time.Minute)) {
		t.Errorf("reply = %+v with %q", reply, reply.Body.Reveal())
	}
	if got.Method != http.MethodPost || got.URL.Path != "/path" || string(body) != `{"token":"planted-token"}` {
		t.Errorf("got %s %s with %s", got.Method, got.URL, body)
	}
	want := http.Header{
		"Accept": {"application/json"}, "Content-Type": {"application/json"}, "User-Agent": {"token-refresh"},
		"X-Api-Key": {"planted-header"}, "Accept-Encoding": {"identity"}, "Content-Length": {"25"},
	}
	assert.Check(t, is.DeepEqual(got.Header, want), "headers")
}

func TestFormsAndQuestions(t *testing.T) {
	t.Parallel()
	type call struct{ Method, Media, Body string }
	var got []call
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, call{r.Method, r.Header.Get("Content-Type"), string(body)})
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(server.Close)
	client := exchange.New(exchange.Options{})
	r := request(t, server.URL)
	r.Form = url.Values{"a": {"&=+ é"}, "b": {"planted-token"}}
	_, err := client.Post(t.Context(), r)
	assert.NilError(t, err)
	_, err = client.Get(t.Context(), r)
	assert.NilError(t, err)
	want := []call{
		{http.MethodPost, "application/x-www-form-urlencoded", "a=%26%3D%2B+%C3%A9&b=planted-token"},
		{http.MethodGet, "", ""},
	}
	assert.Check(t, is.DeepEqual(got, want), "calls")
}

func TestTimeoutAndAddressOfOneRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := pipeTo(exchange.Options{Timeout: time.Second}, func(conn net.Conn, requests *bufio.Reader) {
			if readRequest(requests) == nil {
				time.Sleep(15 * time.Second)
				_, _ = io.WriteString(conn, okAnswer)
			}
		})
		r := request(t, "http://api.example")
		r.Timeout = 20 * time.Second
		reply, err := client.Post(t.Context(), r)
		assert.Check(t, err == nil && reply.Cut == nil, "an answer after 15 s of 20: %v, %v", err, reply.Cut)
		client = exchange.New(exchange.Options{})
		client.DialWith(func(context.Context, string, string) (net.Conn, error) { return nil, &net.DNSError{} })
		r.Setting = "token_url"
		_, err = client.Post(t.Context(), r)
		wantError(t, err, providers.NotSent, "check token_url")
	})
}

// Every answer goes to package verdict, with the facts of its head.
func TestPostHandsOverEveryAnswer(t *testing.T) {
	t.Parallel()
	for _, status := range []int{
		200, 201, 202, 300, 304, 399, 400, 401, 403, 404, 405, 408, 409, 410, 422, 425, 429, 499, 500, 501, 503, 599, 600,
	} {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(status)
			if status != 304 {
				_, _ = io.WriteString(w, "planted-reply")
			}
		})
		reply, err := exchange.New(exchange.Options{}).Post(t.Context(), request(t, server.URL))
		if err != nil || reply.Cut != nil || reply.Status != status || reply.Success() != (status < 300) ||
			reply.Body.Reveal() != "planted-reply" && status != 304 || reply.RetryAfter != 7*time.Second {
			t.Errorf("status %d: reply %+v, %v", status, reply, err)
		}
		wantError(t, reply.Fail(providers.Refused, "refused"), providers.Refused, "refused")
	}
}

// After a protocol switch, the connection carries no other request.
func TestProtocolSwitch(t *testing.T) {
	t.Parallel()
	var connections atomic.Int32
	client := pipeTo(exchange.Options{}, func(conn net.Conn, requests *bufio.Reader) {
		connections.Add(1)
		for readRequest(requests) == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		}
	})
	for n := range int32(2) {
		reply, err := client.Post(t.Context(), request(t, "http://kept.example"))
		assert.Check(t, err == nil && reply.Status == 101 && connections.Load() == n+1, "reply %+v, %v", reply, err)
	}
}

// A redirect would carry the body and custom headers to whatever host it names.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the other host was called with %v", r.Header)
	})
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, location := range []string{elsewhere.URL, "/other?planted-reply"} {
			calls := 0
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				calls++
				http.Redirect(w, r, location, status)
			})
			reply, err := exchange.New(exchange.Options{}).Post(t.Context(), request(t, server.URL))
			assert.Check(t, err == nil && reply.Status == status && calls == 1,
				"status %d to %s: %d calls, %+v, %v", status, location, calls, reply, err)
		}
	}
}

func TestRateLimitDateIsOnTheProvidersClock(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", "Wed, 21 Oct 2015 07:28:00 GMT")
		w.Header().Set("Retry-After", "Wed, 21 Oct 2015 07:29:30 GMT")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	reply, err := exchange.New(exchange.Options{}).Post(t.Context(), request(t, server.URL))
	assert.Check(t, err == nil && reply.RetryAfter == 90*time.Second,
		"retry after %s, want 90 s: %v", reply.RetryAfter, err)
}

func TestBodyLimitCountsDecodedBytes(t *testing.T) {
	t.Parallel()
	compressed := func(size int) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = io.WriteString(z, strings.Repeat("x", size))
		_ = z.Close()
		return b.String()
	}
	cases := map[string]struct {
		body    string
		gzipped bool
		size    int // 0: too large
	}{
		"plain at the limit":   {strings.Repeat("x", 1<<20), false, 1 << 20},
		"plain beyond":         {strings.Repeat("x", 1<<20+1), false, 0},
		"gzip":                 {compressed(2000), true, 2000},
		"gzip at the limit":    {compressed(1 << 20), true, 1 << 20},
		"gzip one byte beyond": {compressed(1<<20 + 1), true, 0},
		"gzip bomb":            {compressed(5 << 20), true, 0},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if tc.gzipped {
					w.Header().Set("Content-Encoding", "gzip")
				}
				_, _ = io.WriteString(w, tc.body)
			})
			reply, err := exchange.New(exchange.Options{}).Post(t.Context(), request(t, server.URL))
			assert.NilError(t, err)
			if tc.size == 0 {
				wantError(t, reply.Cut, providers.Unknown, "1 MiB")
				assert.Check(t, reply.Body.IsZero(), "a body that is too large is kept")
				return
			}
			assert.Check(t, reply.Cut == nil && len(reply.Body.Reveal()) == tc.size,
				"%d bytes, %v; want %d", len(reply.Body.Reveal()), reply.Cut, tc.size)
		})
	}
}

// The caller gets what arrived of a cut answer: it may hold the only copy of a token.
func TestCutAnswers(t *testing.T) {
	t.Parallel()
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, _ = io.WriteString(w, "planted-reply")
	_ = w.Close()
	cases := map[string]struct {
		answer string
		body   string
	}{
		"short of length":     {"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nplanted-reply", "planted-reply"},
		"cut chunk":           {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n99\r\nplanted-reply", "planted-reply"},
		"bad second chunk":    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\nplanted-reply\r\n", "{"},
		"no last chunk":       {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", "{"},
		"cut gzip":            {"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + z.String()[:z.Len()-4], "planted-reply"},
		"cut 400":             {"HTTP/1.1 400 Bad Request\r\nContent-Length: 99\r\n\r\nplanted-reply", "planted-reply"},
		"cut 429":             {"HTTP/1.1 429 Slow Down\r\nContent-Length: 99\r\n\r\nplanted-reply", "planted-reply"},
		"length out of range": {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999\r\n\r\nplanted-reply", "planted-reply"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serveBytes(t, tc.answer)
			reply, err := exchange.New(exchange.Options{}).Post(t.Context(), request(t, server.URL))
			assert.NilError(t, err)
			wantError(t, reply.Cut, providers.Unknown, "before the whole answer came")
			assert.Check(t, reply.Body.Reveal() == tc.body, "body = %q, want %q", reply.Body.Reveal(), tc.body)
		})
	}
	for name, answer := range map[string]string{
		"nothing": "", "half a header": "HTTP/1.1 200 OK\r\nContent-", "not HTTP": "planted-reply\r\n\r\n",
		"malformed status": "HTTP/1.1 planted-reply\r\n\r\n",
		"endless header":   "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 600<<10),
	} {
		server := serveBytes(t, answer)
		_, err := exchange.New(exchange.Options{}).Post(t.Context(), request(t, server.URL))
		e := wantError(t, err, providers.Unknown, "before the whole answer came")
		assert.Check(t, e.Raw.IsZero(), "%s: raw = %q", name, e.Raw.Reveal())
	}
}

// A reply is read however it is framed. The connection stays open for the next.
func TestOddFrames(t *testing.T) {
	t.Parallel()
	const body = `{"a":"planted-reply"}`
	chunks := "15\r\n" + body + "\r\n0\r\n\r\n"
	for name, answer := range map[string]string{
		"curl/curl #2368: gzip on a plain body":   "200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 21\r\n\r\n" + body,
		"identity as a transfer encoding":         "200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 21\r\n\r\n" + body,
		"Identity, chunked":                       "200 OK\r\nTransfer-Encoding: Identity, chunked\r\n\r\n" + chunks,
		"chunked in two headers":                  "200 OK\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks,
		"chunked and a length":                    "200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks,
		"a chunk's extension and a trailer":       "200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n15;a=b\r\n" + body + "\r\n0\r\nX: y\r\n\r\n",
		"two lengths that agree":                  "200 OK\r\nContent-Length: 21\r\nContent-Length: 21\r\n\r\n" + body,
		"two lengths in one":                      "200 OK\r\nContent-Length: 21, 21\r\n\r\n" + body,
		"a line that is no header":                "200 OK\r\nplanted-reply\r\nContent-Length: 21\r\n\r\n" + body,
		"a blank before the colon":                "200 OK\r\nContent-Length : 21\r\n\r\n" + body,
		"a header of many lines":                  "200 OK\r\nX: a\r\n b\r\n\tc: d\r\nContent-Length: 21\r\n\r\n" + body,
		"a header in another case":                "200 OK\r\ncontent-length:21\r\n\r\n" + body,
		"no reason":                               "200\r\nContent-Length: 21\r\n\r\n" + body,
		"blanks in the status line":               " \t200 \t OK\r\nContent-Length: 21\r\n\r\n" + body,
		"a blank line that is half a line":        "200 OK\nContent-Length: 21\n\r\n" + body,
		"200 KB of cookies":                       "200 OK\r\nSet-Cookie: " + strings.Repeat("x", 200<<10) + "\r\nContent-Length: 21\r\n\r\n" + body,
		"chunked with a parameter":                "200 OK\r\nTransfer-Encoding: \"chunked\";q=1\r\n\r\n" + chunks,
		"chunked said, and not done":              "200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 21\r\n\r\n" + body,
		"line feeds alone":                        "200 OK\nContent-Length: 21\n\n" + body,
		"informational heads before it":           "100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n" + body,
		"an informational head before an odd one": "103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 21\r\n\r\n" + body,
		"a wrong type":                            "200 OK\r\nContent-Type: text/html\r\nContent-Length: 21\r\n\r\n" + body,
		"a malformed type":                        "200 OK\r\nContent-Type: ;;=\r\nContent-Length: 21\r\n\r\n" + body,
		"a header that is no token":               "200 OK\r\n(x): y\r\nX\x00: y\r\nContent-Length: 21\r\n\r\n" + body,
		"a header that is no text, and empty":     "200 OK\r\nSet-Cookie: \xff\xfe\r\nDate:\r\nContent-Length: 21\r\n\r\n" + body,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := pipeTo(exchange.Options{}, func(conn net.Conn, requests *bufio.Reader) {
				for readRequest(requests) == nil {
					for rest := "HTTP/1.1 " + answer; rest != ""; { // in pieces, as they may come
						n := min(len(rest), 7)
						_, _ = io.WriteString(conn, rest[:n])
						rest = rest[n:]
					}
				}
			})
			for range 2 {
				reply, err := client.Post(t.Context(), request(t, "http://kept.example"))
				assert.Check(t, err == nil && reply.Cut == nil && reply.Status == 200 && reply.Body.Reveal() == body,
					"reply %+v with %q, %v", reply, reply.Body.Reveal(), err)
			}
		})
	}
	// Without a length that can be believed the body ends with the connection.
	for name, head := range map[string]string{
		"no length":                 "",
		"a length in words":         "Content-Length: many\r\n",
		"a negative length":         "Content-Length: -1\r\n",
		"an empty length":           "Content-Length:\r\n",
		"two lengths that disagree": "Content-Length: 3\r\nContent-Length: 21\r\n",
		"identity":                  "Transfer-Encoding: identity\r\n",
		"gzip":                      "Transfer-Encoding: gzip\r\n",
		"chunked, and not done":     "Transfer-Encoding: chunked\r\n",
		"a length beyond all":       "Content-Length: 99999999999999999999\r\n",
	} {
		server := serveBytes(t, "HTTP/1.1 200 OK\r\n"+head+"\r\n"+body)
		reply, err := exchange.New(exchange.Options{}).Post(t.Context(), request(t, server.URL))
		assert.Check(t, err == nil && reply.Cut == nil && reply.Body.Reveal() == body,
			"%s: reply %+v with %q, %v", name, reply, reply.Body.Reveal(), err)
	}
}

// Lines before an answer, or an odd version in it, do not cost the answer.
func TestOddStatusLines(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"\r\nHTTP/1.1 200 OK", "\n\r\n\nHTTP/1.0 200 OK", "http/1.1 200 ok", "HTTP/2 200", "HTTP/2.0 200 OK", "HTTP/1.2\t200", "HTTP/1.1 200  OK ",
	} {
		server := serveBytes(t, line+"\r\nContent-Length: 2\r\n\r\n{}")
		reply, err := exchange.New(exchange.Options{}).Post(t.Context(), request(t, server.URL))
		assert.Check(t, err == nil && reply.Cut == nil && reply.Status == 200 && reply.Body.Reveal() == "{}",
			"%q: reply %+v with %q, %v", line, reply, reply.Body.Reveal(), err)
	}
}

// A server that counts characters sends its last bytes after the length. They do not belong to the
// next answer, nor does the next answer belong to this one.
func TestAnswersLongerThanTheirLength(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		length       int
		body, behind string
		odd          bool
	}{
		"a character of two bytes": {9, `{"a":"è"}`, "", true},
		"no length at all":         {0, `{}`, "", true},
		"another answer":           {2, `{}`, "HTTP/1.1 400 Bad Request\r\n\r\n", false},
		"a line break":             {2, "{}\r\n", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			head := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", tc.length)
			for _, pieces := range [][]string{{head + tc.body + tc.behind}, {head[:9], head[9:] + tc.body + tc.behind}} {
				var connections atomic.Int32
				client := pipeTo(exchange.Options{}, func(conn net.Conn, requests *bufio.Reader) {
					connections.Add(1)
					for readRequest(requests) == nil {
						for _, piece := range pieces {
							_, _ = io.WriteString(conn, piece)
						}
					}
				})
				for range 2 {
					reply, err := client.Post(t.Context(), request(t, "http://kept.example"))
					if failed, ok := errors.AsType[*providers.Error](err); ok && failed.Kind == providers.NotSent { // it had begun to use the connection when that ended
						reply, err = client.Post(t.Context(), request(t, "http://kept.example"))
					}
					if err != nil || reply.Cut != nil || reply.Body.Reveal() != tc.body || tc.odd != (len(reply.Odd) > 0) {
						t.Errorf("reply %+v with %q, %v", reply, reply.Body.Reveal(), err)
					}
				}
				n := connections.Load()
				assert.Check(t, n == 2, "%d connections: one was used again that may hold more", n)
			}
		})
	}
}

// The environment's proxy would see every token. net/http's own rules leave out loopback hosts, so
// the test checks the dialled address.
func TestEnvironmentProxyIsIgnored(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://proxy.invalid:3128")
	t.Setenv("HTTPS_PROXY", "http://proxy.invalid:3128")
	for _, base := range []string{"http://provider.invalid", "https://provider.invalid"} {
		client := exchange.New(exchange.Options{})
		var dialled string
		client.DialWith(func(_ context.Context, _, address string) (net.Conn, error) {
			dialled = address
			return nil, io.EOF
		})
		_, err := client.Post(t.Context(), request(t, base))
		wantError(t, err, providers.NotSent, "provider.invalid")
		assert.Check(t, strings.HasPrefix(dialled, "provider.invalid:"), "%s: dialled %s", base, dialled)
	}
}
