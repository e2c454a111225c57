package oauth2_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/providers/internal/clienttest"
	"tokenrefresh/pkg/providers/oauth2"
	"tokenrefresh/pkg/secret"
)

func TestAuthorization(t *testing.T) {
	t.Parallel()
	session, err := oauth2.New(exchange.New(exchange.Options{}), "").Open(secret.New(everything))
	assert.NilError(t, err)
	want := providers.Authorization{
		ClientID: "i", URL: "https://x.example/a?p=1", Scope: "a b", RedirectURI: "https://here.example", NoPKCE: true,
	}
	assert.Check(t, is.DeepEqual(session.(providers.Authorizing).Authorization(), want))
	bare := open(t, "http://127.0.0.1:1", "").(providers.Authorizing).Authorization()
	assert.Check(t, is.DeepEqual(bare, providers.Authorization{ClientID: "id"}))
}

func TestRedeem(t *testing.T) {
	t.Parallel()
	const redirect = "http://127.0.0.1:7/callback"
	for name, tc := range map[string]struct {
		fields, verifier string
		want             url.Values
		authorization    string
	}{
		"Basic, PKCE": {`,"client_secret":"s"`, "v", url.Values{"code_verifier": {"v"}}, "Basic aWQ6cw=="},
		"post":        {`,"client_secret":"s","token_endpoint_auth_method":"client_secret_post"`, "", url.Values{"client_id": {"id"}, "client_secret": {"s"}}, ""},
		"public":      {`,"refresh_params":{"scope":"x"}`, "v", url.Values{"client_id": {"id"}, "code_verifier": {"v"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := clienttest.New(t, clienttest.Answer{Status: 200, Body: good})
			session := open(t, host.URL, tc.fields).(providers.Authorizing)
			tokens, err := session.Redeem(t.Context(), secret.New("c&"), redirect, tc.verifier)
			assert.Assert(t, err == nil && tokens.RefreshToken.Reveal() == "planted-new", err)
			calls := host.Calls()
			got, err := url.ParseQuery(calls[0].Body)
			tc.want["grant_type"], tc.want["code"], tc.want["redirect_uri"] = []string{"authorization_code"}, []string{"c&"}, []string{redirect}
			if diff := cmp.Diff(tc.want, got); err != nil || diff != "" || len(calls) != 1 || calls[0].Header.Get("Authorization") != tc.authorization {
				t.Errorf("%d calls, %v (-want +got):\n%s", len(calls), err, diff)
			}
		})
	}
}

// A person is shown the service's words, and nothing that was sent.
func TestRedeemFails(t *testing.T) {
	t.Parallel()
	for body, tc := range map[string]struct {
		status int
		kind   providers.Kind
		says   string
	}{
		`{"error":"invalid_grant","error_description":"PKCE\n failed"}`:         {400, providers.Refused, "the code is refused: it is good once, for a short time, and for this client, redirect URI and PKCE alone; the service says: invalid_grant PKCE failed"},
		`{"error":"invalid_grant","error_description":"code planted"}`:          {400, providers.Refused, "PKCE alone"},
		`{"error":"invalid_client","error_description":"AADSTS7000218"}`:        {401, providers.Misconfigured, "says: invalid_client AADSTS7000218"},
		`{"error":"bad_verification_code"}`:                                     {200, providers.TurnedAway, "says: bad_verification_code"},
		`{"error":"server_error"}`:                                              {500, providers.Unknown, "says: server_error"},
		`<html>planted`:                                                         {502, providers.Unknown, "failed to answer"},
		`{"error":"x","error_description":"` + strings.Repeat("é ", 500) + `"}`: {400, providers.TurnedAway, "é …"},
	} {
		host := clienttest.New(t, clienttest.Answer{Status: tc.status, Body: body})
		session := open(t, host.URL, `,"client_secret":"s3cret"`).(providers.Authorizing)
		_, err := session.Redeem(t.Context(), secret.New("planted"), "http://127.0.0.1:7", "verifier")
		client.Error(t, err, tc.kind, "code")
		assert.Check(t, strings.Contains(err.Error(), tc.says) && !strings.Contains(err.Error(), "planted"),
			"%s: %v", body, err)
		if len(err.Error()) > 800 {
			t.Errorf("%d bytes are shown", len(err.Error()))
		}
	}
}
