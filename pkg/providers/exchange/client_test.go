package exchange_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
	client := exchange.New(exchange.Options{UserAgent: "mine/1", Now: func() time.Time { return now }})

	reply, err := client.Post(t.Context(), request(t, server.URL))
	if err != nil {
		t.Fatal(err)
	}
	if reply.Status != 200 || !reply.Success() || reply.Body.Reveal() != `{"a":1}` ||
		!reply.Sent.Equal(now) || !reply.Date.Equal(now.Add(-2*time.Minute)) {
		t.Errorf("reply = %+v with %q", reply, reply.Body.Reveal())
	}
	if got.Method != http.MethodPost || got.URL.Path != "/path" || string(body) != `{"token":"planted-token"}` {
		t.Errorf("got %s %s with %s", got.Method, got.URL, body)
	}
	want := http.Header{
		"Accept": {"application/json"}, "Content-Type": {"application/json"}, "User-Agent": {"mine/1"},
		"X-Api-Key": {"planted-header"}, "Accept-Encoding": {"gzip"}, "Content-Length": {"25"},
	}
	if diff := cmp.Diff(want, got.Header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

func TestPostHandsOverWhatTheCallerMustJudge(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 201, 202, 400, 401, 403, 404, 405, 409, 410, 422, 499} {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "planted-reply")
		})
		reply, err := exchange.New(exchange.Options{}).Post(t.Context(), request(t, server.URL))
		if err != nil || reply.Status != status || reply.Success() != (status < 300) ||
			reply.Body.Reveal() != "planted-reply" {
			t.Errorf("status %d: reply %+v, %v", status, reply, err)
		}
		// Only of a 2xx may the body be a token that exists nowhere else.
		e := wantError(t, reply.Fail(providers.Unknown, ""), providers.Unknown, "unknown")
		if e.Raw.IsZero() == reply.Success() {
			t.Errorf("status %d: raw is kept: %v", status, !e.Raw.IsZero())
		}
		if e := wantError(t, reply.Fail(providers.Refused, ""), providers.Refused, "refused"); !e.Raw.IsZero() {
			t.Errorf("status %d: raw is kept of a refusal", status)
		}
	}
}

func TestPostJudgesStatuses(t *testing.T) {
	t.Parallel()
	cases := map[int]providers.Kind{
		300: providers.Misconfigured, 304: providers.Misconfigured, 399: providers.Misconfigured,
		408: providers.Unknown, 425: providers.RateLimited, 429: providers.RateLimited,
		500: providers.Unknown, 501: providers.Unknown, 502: providers.Unknown,
		503: providers.Unknown, 504: providers.Unknown, 599: providers.Unknown, 600: providers.Unknown,
	}
	for status, kind := range cases {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(status)
			if status != 304 {
				_, _ = io.WriteString(w, "planted-reply")
			}
		})
		_, err := exchange.New(exchange.Options{}).Post(t.Context(), request(t, server.URL))
		e := wantError(t, err, kind, "")
		var wait time.Duration
		if kind == providers.RateLimited {
			wait = 7 * time.Second
		}
		if e.Status != status || e.RetryAfter != wait || !e.Raw.IsZero() {
			t.Errorf("status %d: %v, retry after %s, raw %v", status, &e, e.RetryAfter, !e.Raw.IsZero())
		}
	}
}

func TestProtocolSwitchIsUnknown(t *testing.T) {
	t.Parallel()
	server := serveBytes(t, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
	_, err := exchange.New(exchange.Options{}).Post(t.Context(), request(t, server.URL))
	wantError(t, err, providers.Unknown, "")
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
			_, err := exchange.New(exchange.Options{}).Post(t.Context(), request(t, server.URL))
			wantError(t, err, providers.Misconfigured, "base_url")
			if calls != 1 {
				t.Errorf("status %d to %s: %d calls", status, location, calls)
			}
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
	_, err := exchange.New(exchange.Options{}).Post(t.Context(), request(t, server.URL))
	if e := wantError(t, err, providers.RateLimited, "wait"); e.RetryAfter != 90*time.Second {
		t.Errorf("retry after %s, want 90 s", e.RetryAfter)
	}
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
			if tc.size == 0 {
				if e := wantError(t, err, providers.Unknown, "1 MiB"); !e.Raw.IsZero() {
					t.Error("a body that is too large is kept")
				}
				return
			}
			if err != nil || len(reply.Body.Reveal()) != tc.size {
				t.Errorf("%d bytes, %v; want %d", len(reply.Body.Reveal()), err, tc.size)
			}
		})
	}
}

// What came of a cut answer is kept: it may hold the only copy of a token.
func TestCutAnswers(t *testing.T) {
	t.Parallel()
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, _ = io.WriteString(w, "planted-reply")
	_ = w.Close()
	cases := map[string]struct {
		answer string
		raw    string
	}{
		"nothing":          {"", ""},
		"half a header":    {"HTTP/1.1 200 OK\r\nContent-", ""},
		"not HTTP":         {"planted-reply\r\n\r\n", ""},
		"malformed status": {"HTTP/1.1 planted-reply\r\n\r\n", ""},
		"malformed header": {"HTTP/1.1 200 OK\r\nplanted-reply\r\n\r\n", ""},
		"short of length":  {"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nplanted-reply", "planted-reply"},
		"cut chunk":        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n99\r\nplanted-reply", "planted-reply"},
		"bad chunk size":   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nplanted-reply\r\n", ""},
		"no last chunk":    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", "{"},
		"cut gzip":         {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + z.String()[:z.Len()-4], "planted-reply"},
		"not gzip":         {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nplanted-reply", ""},
		"cut 400":          {"HTTP/1.1 400 Bad Request\r\nContent-Length: 99\r\n\r\nplanted-reply", ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serveBytes(t, tc.answer)
			_, err := exchange.New(exchange.Options{}).Post(t.Context(), request(t, server.URL))
			if e := wantError(t, err, providers.Unknown, "before the whole answer came"); e.Raw.Reveal() != tc.raw {
				t.Errorf("raw = %q, want %q", e.Raw.Reveal(), tc.raw)
			}
		})
	}
}

// Whatever came of the body, the status has spoken.
func TestStatusCountsThoughTheBodyIsCut(t *testing.T) {
	t.Parallel()
	server := serveBytes(t, "HTTP/1.1 429 Slow Down\r\nRetry-After: 3\r\nContent-Length: 99\r\n\r\nx")
	_, err := exchange.New(exchange.Options{}).Post(t.Context(), request(t, server.URL))
	if e := wantError(t, err, providers.RateLimited, ""); e.RetryAfter != 3*time.Second {
		t.Errorf("retry after %s", e.RetryAfter)
	}
}

func TestPayloadThatIsNoJSON(t *testing.T) {
	t.Parallel()
	r := request(t, "http://127.0.0.1:1")
	r.Payload = map[string]any{"planted-token": make(chan int)}
	_, err := exchange.New(exchange.Options{}).Post(t.Context(), r)
	if kind := providers.KindOf(err); kind != providers.Misconfigured || strings.Contains(err.Error(), "planted") {
		t.Errorf("err = %v", err)
	}
}

// The environment's proxy would see every token. net/http's own rules leave out
// loopback hosts, so the dialled address tells.
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
		if !strings.HasPrefix(dialled, "provider.invalid:") {
			t.Errorf("%s: dialled %s", base, dialled)
		}
	}
}
