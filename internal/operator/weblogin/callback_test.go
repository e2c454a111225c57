package weblogin_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/operator/weblogin"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
)

func TestHere(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]bool{
		"http://127.0.0.1/callback": true, "http://localhost:8080": true, "http://[::1]:8080/x": true,
		"https://localhost/callback": false, "https://x.example/callback": false, "http://x.example": false, "": false, "%": false,
	} {
		got := weblogin.Here(uri)
		assert.Check(t, got == want, "%s: %t", uri, got)
	}
}

func TestCallback(t *testing.T) {
	t.Parallel()
	for _, uri := range []string{"http://127.0.0.1/callback", "http://localhost/callback", "http://127.0.0.1"} {
		t.Run(uri, func(t *testing.T) {
			t.Parallel()
			callback, err := weblogin.Listen(t.Context(), uri)
			assert.NilError(t, err)
			defer callback.Close()
			flow := weblogin.Begin(providers.Authorization{URL: "https://x.example/a"}, callback.RedirectURI)
			_, query, _ := strings.Cut(flow.Address, "state=")
			state, _, _ := strings.Cut(query, "&")
			type end struct {
				code secret.String
				err  error
			}
			ended, said := make(chan end, 1), make(chan string, 9)
			go func() {
				code, err := callback.Await(t.Context(), flow, nil, func(err error) { said <- err.Error() })
				ended <- end{code, err}
			}()
			for path, want := range map[string]int{
				callback.RedirectURI + "?code=planted&state=other": 400,
				callback.RedirectURI + "?state=" + state:           400,
				callback.RedirectURI + "/favicon.ico":              404,
			} {
				status, page := get(t, path)
				assert.Check(t, status == want && !strings.Contains(page, "planted"), "%s: %d, %s", path, status, page)
			}
			text := <-said
			assert.Check(t, strings.Contains(text, "refused") && !strings.Contains(text, "planted"), "said %q", text)
			status, page := get(t, callback.RedirectURI+"?code=c&state="+state)
			if got := <-ended; status != 200 || got.err != nil || got.code.Reveal() != "c" || !strings.Contains(page, "close this page") {
				t.Errorf("%d, %s, %v", status, page, got.err)
			}
			if _, err := http.Get(callback.RedirectURI); err == nil { //nolint:bodyclose // there is nobody any more
				t.Error("it listens still")
			}
		})
	}
}

func get(t *testing.T, address string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	assert.NilError(t, err)
	response, err := http.DefaultClient.Do(request)
	assert.NilError(t, err)
	defer func() { _ = response.Body.Close() }()
	page, err := io.ReadAll(response.Body)
	if err != nil || response.Header.Get("Referrer-Policy") != "no-referrer" || response.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v, %v", response.Header, err)
	}
	return response.StatusCode, string(page)
}

func TestPortTaken(t *testing.T) {
	t.Parallel()
	first, err := weblogin.Listen(t.Context(), "http://127.0.0.1/callback")
	assert.NilError(t, err)
	defer first.Close()
	_, err = weblogin.Listen(t.Context(), first.RedirectURI)
	assert.Check(t, err != nil && strings.Contains(err.Error(), "--redirect-port"), "%v", err)
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	callback, err := weblogin.Listen(t.Context(), "http://127.0.0.1/callback")
	assert.NilError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	flow := weblogin.Begin(providers.Authorization{URL: "https://x.example/a"}, callback.RedirectURI)
	troubles := make(chan error, 1)
	troubles <- errors.New("no such program")
	_, err = callback.Await(ctx, flow, troubles, func(err error) {
		assert.Check(t, strings.Contains(err.Error(), "no browser could be opened: no such program"), "%v", err)
		cancel()
	})
	assert.Check(t, errors.Is(err, context.Canceled), "%v", err)
}

func TestBrowse(t *testing.T) {
	t.Parallel()
	for name, environment := range map[string]map[string]string{
		"ends with an error": {"BROWSER": "false"},
		"is not there":       {"BROWSER": "no-such-browser --new-window"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			select {
			case err := <-weblogin.Browse("https://x.example", func(name string) string { return environment[name] }):
				assert.Check(t, err != nil, "no error")
			case <-time.After(time.Minute):
				t.Error("nothing is said of it")
			}
		})
	}
}
