package weblogin_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/operator/weblogin"
	"tokenrefresh/pkg/providers"
)

const redirect = "http://127.0.0.1:7/callback"

func begin(tb testing.TB, a providers.Authorization) (*weblogin.Flow, url.Values) {
	tb.Helper()
	flow := weblogin.Begin(a, redirect)
	address, err := url.Parse(flow.Address)
	assert.NilError(tb, err)
	return flow, address.Query()
}

func TestAddress(t *testing.T) {
	t.Parallel()
	flow, query := begin(t, providers.Authorization{ClientID: "id &", URL: "https://x.example/a?access_type=offline", Scope: "a b,c"})
	sum := sha256.Sum256([]byte(flow.Verifier))
	for name, want := range map[string]string{
		"response_type": "code", "client_id": "id &", "redirect_uri": redirect, "scope": "a b,c", "access_type": "offline",
		"code_challenge_method": "S256", "code_challenge": base64.RawURLEncoding.EncodeToString(sum[:]),
	} {
		got := query[name]
		assert.Check(t, len(got) == 1 && got[0] == want, "%s is %q, want %q", name, got, want)
	}
	if !strings.HasPrefix(flow.Address, "https://x.example/a?") || len(query.Get("state")) < 20 || len(flow.Verifier) < 43 {
		t.Errorf("address %s, verifier of %d", flow.Address, len(flow.Verifier))
	}

	plain, query := begin(t, providers.Authorization{ClientID: "id", URL: "https://x.example/a", NoPKCE: true})
	if plain.Verifier != "" || query.Has("code_challenge") || query.Has("code_challenge_method") || query.Has("scope") {
		t.Errorf("%s", plain.Address)
	}
	if again, other := begin(t, providers.Authorization{URL: "https://x.example/a"}); other.Get("state") == query.Get("state") || again.Verifier == flow.Verifier {
		t.Error("state or verifier are used again")
	}
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	flow, query := begin(t, providers.Authorization{URL: "https://x.example/a"})
	state := query.Get("state")
	for text, want := range map[string]error{
		redirect + "?code=c&state=" + state:                      nil,
		" " + redirect + "?state=" + state + "&code=c&iss=x\r\n": nil,
		redirect + "?code=c&state=other":                         weblogin.ErrOtherLogin,
		redirect + "?code=c":                                     weblogin.ErrOtherLogin,
		redirect + "?error=access_denied":                        weblogin.ErrOtherLogin,
		redirect + "?state=" + state:                             weblogin.ErrNoCode,
		flow.Address:                                             weblogin.ErrNoCode,
		"":                                                       weblogin.ErrNoCode,
		"planted":                                                weblogin.ErrNoCode,
		"http://planted:x%":                                      weblogin.ErrNoCode,
	} {
		code, err := flow.Pasted(text)
		if !errors.Is(err, want) || (err == nil) != (code.Reveal() == "c") || strings.Contains(fmt.Sprint(err), "planted") {
			t.Errorf("%q: %q, %v", text, code.Reveal(), err)
		}
	}
	var denied *weblogin.DeniedError
	_, err := flow.Pasted(redirect + "?error=access_denied&error_description=no%0A%20" + strings.Repeat("x", 1000) + "&code=c&state=" + state)
	if !errors.As(err, &denied) || denied.Code != "access_denied" || !strings.HasPrefix(denied.Description, "no x") || len(denied.Description) > 400 {
		t.Errorf("%v", err)
	}
}
