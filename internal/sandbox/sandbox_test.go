package sandbox_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/authority"
	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/aes"
)

var providers = []sandbox.Provider{sandbox.Hesabe, sandbox.TConnect, sandbox.Berbix}

func TestTLS(t *testing.T) {
	t.Parallel()
	ca, err := authority.New()
	assert.NilError(t, err)
	b := start(t, sandbox.Options{Authority: ca})
	for _, p := range providers {
		assert.Check(t, strings.HasPrefix(b.URL(p), "https://127.0.0.1:"), "%s at %s", p, b.URL(p))
		tokens(t, b.refresh(t.Context(), p, b.Issue(p).RefreshToken))
	}
	named := start(t, sandbox.Options{Authority: ca, Listen: "0.0.0.0", Host: "localhost"})
	assert.Check(t, strings.HasPrefix(named.URL(sandbox.Hesabe), "https://localhost:"),
		"under a name: %s", named.URL(sandbox.Hesabe))
	tokens(t, named.refresh(t.Context(), sandbox.Hesabe, named.Issue(sandbox.Hesabe).RefreshToken))
	stranger := start(t, sandbox.Options{})
	got := stranger.ask(t.Context(), http.MethodGet, b.URL(sandbox.Hesabe), "")
	assert.Check(t, got.err != nil, "a client without the certificate was served")
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	want := map[sandbox.Provider][]string{
		sandbox.Hesabe:   {"base_url", "password", "username"},
		sandbox.TConnect: {"aes_iv_mode", "aes_key", "base_url", "client_id", "client_secret", "partner_code", "password", "username"},
		sandbox.Berbix:   {"api_secret", "base_url"},
	}
	b := start(t, sandbox.Options{})
	for p, fields := range want {
		doc := b.credentials(p)
		var got []string
		for name, value := range doc {
			got = append(got, name)
			assert.Check(t, value != "", "%s: %s is empty", p, name)
		}
		slices.Sort(got)
		assert.Check(t, is.DeepEqual(got, fields), "%s", p)
		if doc["base_url"] != b.URL(p) {
			t.Errorf("%s: base_url %s", p, doc["base_url"])
		}
	}
	fixed := start(t, sandbox.Options{TConnectIV: aes.Fixed})
	iv := fixed.credentials(sandbox.TConnect)["aes_iv"]
	assert.Check(t, len(iv) == 32, "aes_iv %q", iv)
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	cases := []struct {
		provider     sandbox.Provider
		method, path string
		status       int
		want         string
	}{
		{sandbox.Hesabe, http.MethodGet, "/api/v1/token-refresh", 405, `{"message":"Method Not Allowed"}`},
		{sandbox.Hesabe, http.MethodPut, "/api/v1/login", 405, `{"message":"Method Not Allowed"}`},
		{
			sandbox.TConnect, http.MethodGet, "/openapi/v1/auth/login", 405,
			`{"error":"method_not_allowed","error_description":"Method Not Allowed"}`,
		},
		{
			sandbox.Berbix, http.MethodGet, "/v0/tokens", 405,
			`{"status":405,"reason":"method_not_allowed","message":"Method Not Allowed"}`,
		},
		// Not JSON: it tells a wrong address from a dead token.
		{sandbox.Hesabe, http.MethodPost, "/api/token-refresh", 404, html("404 Not Found")},
		{sandbox.TConnect, http.MethodPost, "/", 404, html("404 Not Found")},
		{sandbox.Berbix, http.MethodPost, "/v0/tokens/", 404, html("404 Not Found")},
	}
	b := start(t, sandbox.Options{})
	for _, tc := range cases {
		got := b.ask(t.Context(), tc.method, b.URL(tc.provider)+tc.path, "")
		replied(tc.status, tc.want)(t, got)
		if allow := got.header.Get("Allow"); tc.status == http.StatusMethodNotAllowed && allow != http.MethodPost {
			t.Errorf("Allow: %q", allow)
		}
	}
	got := b.Stats(sandbox.Hesabe)
	assert.Check(t, got.Logins+got.Refreshes == 0, "counted as calls: %+v", got)
}

func TestTooLargeRequest(t *testing.T) {
	t.Parallel()
	b := start(t, sandbox.Options{})
	got := b.hesabe(t.Context(), "login", jsonType, strings.Repeat(" ", 1<<20+1))
	replied(http.StatusBadRequest, `{"message":"Bad Request"}`)(t, got)
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	b := start(t, sandbox.Options{})
	var want []string
	for _, p := range providers {
		pair := b.Issue(p)
		got := tokenFields(t, b.refresh(t.Context(), p, pair.RefreshToken))
		want = append(want, pair.RefreshToken)
		for _, name := range []string{"access_token", "client_token"} {
			if value, ok := got[name].(string); ok {
				want = append(want, value)
			}
		}
		for _, name := range []string{"password", "client_secret", "aes_key", "api_secret"} {
			if value := b.credentials(p)[name]; value != "" {
				want = append(want, value)
			}
		}
	}
	all := b.Secrets()
	for _, secret := range want {
		assert.Check(t, slices.Contains(all, secret), "%q is not listed", secret)
	}
	assert.Check(t, !slices.Contains(all, ""), "an empty secret would turn up in every log")
}

func TestUnknownProviderPanics(t *testing.T) {
	t.Parallel()
	b := start(t, sandbox.Options{})
	defer func() {
		assert.Check(t, recover() != nil, "no panic")
	}()
	b.URL("hesebe")
}

func TestStatsInFlight(t *testing.T) {
	t.Parallel()
	b := start(t, sandbox.Options{})
	gate := sandbox.NewGate()
	b.Inject(sandbox.TConnect, sandbox.Any, 0, sandbox.Hold(gate))
	same := b.Issue(sandbox.TConnect).RefreshToken
	presented := []string{same, same, b.Issue(sandbox.TConnect).RefreshToken}
	var wg sync.WaitGroup
	for _, token := range presented {
		wg.Go(func() { b.refresh(t.Context(), sandbox.TConnect, token) })
	}
	wg.Go(func() { b.login(t.Context(), sandbox.TConnect) })
	assert.NilError(t, gate.Await(t.Context(), 4))
	gate.Release()
	wg.Wait()

	got := b.Stats(sandbox.TConnect)
	slices.Sort(presented)
	slices.Sort(got.Presented)
	want := sandbox.Stats{
		Logins: 1, Refreshes: 3, Replays: 1, Repeated: 1, MaxInFlight: 3, MaxSameInFlight: 2,
		Presented: presented, Connections: 4,
	}
	assert.Check(t, is.DeepEqual(got, want))
	counts := map[string]int{}
	for _, token := range presented {
		counts[token]++
	}
	assert.Check(t, is.DeepEqual(b.Presentations(sandbox.TConnect), counts), "presentations")
	got = b.Stats(sandbox.Hesabe)
	assert.Check(t, got.Connections == 0 && got.Refreshes == 0, "Hesabe saw %+v", got)
}

func TestStatsOneAfterTheOther(t *testing.T) {
	t.Parallel()
	b := start(t, sandbox.Options{})
	pair := b.Issue(sandbox.Hesabe)
	var presented []string
	for range 40 {
		presented = append(presented, pair.RefreshToken)
		pair = tokens(t, b.refresh(t.Context(), sandbox.Hesabe, pair.RefreshToken))
	}
	want := sandbox.Stats{
		Refreshes: 40, MaxInFlight: 1, MaxSameInFlight: 1, Presented: presented[8:], Connections: 1,
	}
	assert.Check(t, is.DeepEqual(b.Stats(sandbox.Hesabe), want))
}
