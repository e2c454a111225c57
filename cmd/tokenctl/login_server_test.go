package main

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/oauthservers"
	"tokenrefresh/pkg/store"
)

var (
	formTag  = regexp.MustCompile(`(?s)<form[^>]*action="([^"]*)"[^>]*method="post"[^>]*>(.*?)</form>`)
	inputTag = regexp.MustCompile(`<input[^>]*>`)
	fieldOf  = func(tag, name string) string {
		if m := regexp.MustCompile(`\b` + name + `="([^"]*)"`).FindStringSubmatch(tag); m != nil {
			return html.UnescapeString(m[1])
		}
		return ""
	}
)

// agreeing is somebody at a browser who fills each form in and sends it off.
func agreeing(t *testing.T) func(address string) {
	t.Helper()
	return func(address string) {
		jar, _ := cookiejar.New(nil)
		client := &http.Client{Jar: jar}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
		for forms := 0; ; forms++ {
			if err != nil {
				t.Error(err)
				return
			}
			response, err := client.Do(request)
			if err != nil {
				t.Error(err)
				return
			}
			page, err := io.ReadAll(response.Body)
			_ = response.Body.Close()
			form := formTag.FindStringSubmatch(string(page))
			if err != nil || response.StatusCode != http.StatusOK || form == nil || forms > 3 {
				assert.Check(t, strings.Contains(string(page), "close this page") && forms >= 2,
					"after %d forms: %s, %s", forms, response.Status, page)
				return
			}
			fields := url.Values{}
			for _, tag := range inputTag.FindAllString(form[2], -1) {
				value := fieldOf(tag, "value")
				if value == "" {
					value = "somebody"
				}
				fields.Set(fieldOf(tag, "name"), value)
			}
			to, err := response.Request.URL.Parse(html.UnescapeString(form[1]))
			if err != nil {
				t.Error(err)
				return
			}
			if request, err = http.NewRequestWithContext(t.Context(), http.MethodPost, to.String(), strings.NewReader(fields.Encode())); err == nil {
				request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
		}
	}
}

// The whole flow against a server that others wrote: its pages, its consent, its check of PKCE, of
// the redirect URI and of the client. What comes of it is refreshed.
func TestLoginAtAServer(t *testing.T) {
	t.Parallel()
	for _, method := range []string{oauthservers.Basic, oauthservers.Post, oauthservers.Public} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			server := oauthservers.OIDCProvider(t)
			w := embeddedWorld(t)
			credentials := server.Credentials(t, server.Client(method), map[string]any{
				"refresh_token_reuse": "never", "auth_url": server.URL + "/auth?prompt=consent", "auth_scope": "openid offline_access",
				"introspection_url": server.Introspection(),
			})
			w.run(t, credentials.Reveal(), "seed", "credentials", "--provider", "oauth2", "--account", "xero").want(t, exitDone)
			for range 2 { // a second login begins another chain
				got := w.logIn(t.Context(), t, strings.NewReader(""), agreeing(t), "--force")
				got.want(t, exitDone, "oauth2/xero/tokens; the next tick looks at it")
				assert.Check(t, !strings.Contains(got.err, "warning"), "it cannot be asked: %s", got.err)
				begun := w.current(t, "oauth2", "xero", store.TokensDoc)
				w.run(t, "", "refresh", "--provider", "oauth2", "--account", "xero").want(t, exitDone, "refreshed")
				after := w.current(t, "oauth2", "xero", store.TokensDoc)
				assert.Check(t, after != begun, "the chain has not gone on")
			}
			seen := server.Seen()
			assert.Check(t, seen.Repeated == 0 && seen.Refreshes == 2 && seen.Logins == 2, "%+v", seen)

			// Without the scope for it there is no refresh token, and nothing is written.
			before := w.current(t, "oauth2", "xero", store.TokensDoc)
			w.logIn(t.Context(), t, strings.NewReader(""), agreeing(t), "--force", "--scope", "openid").want(t, exitFailed, "no refresh token", "offline_access")
			assert.Check(t, w.current(t, "oauth2", "xero", store.TokensDoc) == before, "a token is written")
		})
	}
}
