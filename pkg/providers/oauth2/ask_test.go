package oauth2_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/internal/clienttest"
	"tokenrefresh/pkg/secret"
)

func TestIntrospection(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		status int
		body   string
		want   providers.Evidence
	}{
		"active":         {200, `{"active":true,"scope":"x"}`, providers.NotActed},
		"inactive":       {200, `{"active":false}`, providers.Acted},
		"neither":        {200, `{"active":"perhaps"}`, providers.NoEvidence},
		"nothing":        {200, `{}`, providers.NoEvidence},
		"a page":         {200, `<html>`, providers.NoEvidence},
		"client refused": {401, `{"error":"invalid_client","active":false}`, providers.NoEvidence},
		"failed":         {500, `{"active":true}`, providers.NoEvidence},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := clienttest.New(t, clienttest.Answer{Status: tc.status, Body: tc.body})
			session := open(t, "http://127.0.0.1:1", `,"client_secret":"s","introspection_url":"`+host.URL+`/introspect"`).(providers.Reusing)
			got, err := session.Ask(t.Context(), secret.New("rt&"), secret.String{})
			assert.Check(t, got == tc.want && (err == nil) == (tc.want != providers.NoEvidence), "%s, %v", got, err)
			call := host.Calls()[0]
			form, err := url.ParseQuery(call.Body)
			if err != nil || form.Get("token") != "rt&" || form.Get("token_type_hint") != "refresh_token" || len(form) != 2 ||
				call.Path != "/introspect" || call.Header.Get("Authorization") != "Basic aWQ6cw==" {
				t.Errorf("asked %s with %v, %v", call.Path, form, err)
			}
		})
	}
}

func TestProbe(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		status, stranger int
		want             providers.Evidence
	}{
		"it lives":             {200, 401, providers.NotActed},
		"it lives, no content": {204, 401, providers.NotActed},
		"it has ended":         {401, 401, providers.Acted},
		"not allowed":          {403, 401, providers.NoEvidence},
		"a redirect":           {302, 401, providers.NoEvidence},
		"failed":               {500, 401, providers.NoEvidence},
		"open to all":          {200, 200, providers.NoEvidence},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				assert.Check(t, r.Method == http.MethodGet && r.Header.Get("Authorization") != "",
					"%s with %v", r.Method, r.Header)
				status := tc.stranger
				if r.Header.Get("Authorization") == "Bearer at" {
					status = tc.status
				}
				w.WriteHeader(status)
			}))
			t.Cleanup(host.Close)
			session := open(t, "http://127.0.0.1:1", `,"probe_url":"`+host.URL+`/me"`).(providers.Reusing)
			got, err := session.Ask(t.Context(), secret.New("rt"), secret.New("at"))
			assert.Check(t, got == tc.want && (err == nil) == (tc.want != providers.NoEvidence), "%s, %v", got, err)
			if got, err := session.Ask(t.Context(), secret.New("rt"), secret.String{}); got != providers.NoEvidence || err != nil {
				t.Errorf("with an access token that has ended: %s, %v", got, err)
			}
		})
	}
}

// The provider's word on the refresh token counts first, else the probe.
func TestIntrospectionBeforeProbe(t *testing.T) {
	t.Parallel()
	probe := clienttest.New(t, clienttest.Answer{Status: 401})
	for status, want := range map[int]providers.Evidence{200: providers.NotActed, 500: providers.Acted} {
		host := clienttest.New(t, clienttest.Answer{Status: status, Body: `{"active":true}`})
		session := open(t, "http://127.0.0.1:1", `,"introspection_url":"`+host.URL+`","probe_url":"`+probe.URL+`"`).(providers.Reusing)
		got, err := session.Ask(t.Context(), secret.New("rt"), secret.New("at"))
		assert.Check(t, got == want && err == nil, "introspection answers %d: %s, %v", status, got, err)
	}
}
