package sandbox_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
)

// oauth2Client makes calls as its credentials say.
type oauth2Client struct {
	*bench
	t             *testing.T
	TokenURL      string            `json:"token_url"`
	ID            string            `json:"client_id"`
	Secret        string            `json:"client_secret"`
	Introspection string            `json:"introspection_url"`
	Probe         string            `json:"probe_url"`
	Login         map[string]string `json:"login_params"`
}

type oauth2Answer struct {
	status  int
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Expires int    `json:"expires_in"`
	Error   string `json:"error"`
	Active  *bool  `json:"active"`
}

func newOAuth2Client(t *testing.T) *oauth2Client {
	t.Helper()
	c := &oauth2Client{bench: start(t, sandbox.Options{}), t: t}
	assert.NilError(t, json.Unmarshal([]byte(c.Credentials(sandbox.OAuth2)), c))
	return c
}

// post sends fields given as name and value in turn.
func (c *oauth2Client) post(address string, fields ...string) oauth2Answer {
	c.t.Helper()
	form := url.Values{}
	for field := range slices.Chunk(fields, 2) {
		form.Set(field[0], field[1])
	}
	request := http.Request{Header: http.Header{}}
	request.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.Secret))
	got := c.ask(c.t.Context(), http.MethodPost, address, form.Encode(),
		"Content-Type", formType, "Authorization", request.Header.Get("Authorization"))
	assert.NilError(c.t, got.err)
	answer := oauth2Answer{status: got.status}
	assert.NilError(c.t, json.Unmarshal([]byte(got.body), &answer), got.body)
	return answer
}

func (c *oauth2Client) login(more ...string) oauth2Answer {
	c.t.Helper()
	return c.post(c.TokenURL, append(more, "grant_type", "password", "username", c.Login["username"], "password", c.Login["password"])...)
}

func (c *oauth2Client) refresh(token string) oauth2Answer {
	c.t.Helper()
	return c.post(c.TokenURL, "grant_type", "refresh_token", "refresh_token", token)
}

func (c *oauth2Client) active(token string) bool {
	c.t.Helper()
	answer := c.post(c.Introspection, "token", token)
	assert.Assert(c.t, answer.Active != nil, "introspection: %+v", answer)
	return *answer.Active
}

func TestOAuth2Rotation(t *testing.T) {
	t.Parallel()
	c := newOAuth2Client(t)
	login := c.login()
	assert.Assert(t, login.status == 200 && login.Refresh != "" && login.Expires == 1800 && c.active(login.Refresh),
		"login: %+v", login)
	first := c.refresh(login.Refresh)
	assert.Check(t, first.status == 200 && first.Refresh != login.Refresh, "a refresh: %+v", first)
	assert.Check(t, !c.active(login.Refresh) && c.active(first.Refresh), "introspection after a refresh")
	assert.Check(t, !c.Valid(sandbox.OAuth2, login.Access) && c.Valid(sandbox.OAuth2, first.Access), "access tokens after a refresh")
	again := c.refresh(login.Refresh)
	assert.Check(t, again.Error == "invalid_grant" && !c.active(first.Refresh) && c.Stats(sandbox.OAuth2).Replays == 1,
		"presented twice: %+v", again)
}

func TestOAuth2Client(t *testing.T) {
	t.Parallel()
	c := newOAuth2Client(t)
	for name, tt := range map[string]struct {
		got    oauth2Answer
		status int
		err    string
	}{
		"another grant":               {c.post(c.TokenURL, "grant_type", "device"), 400, "unsupported_grant_type"},
		"Basic and the body at once":  {c.login("client_secret", c.Secret), 400, "invalid_request"},
		"an unknown token":            {c.refresh("of nobody"), 400, "invalid_grant"},
		"a wrong password":            {c.post(c.TokenURL, "grant_type", "password", "password", "x"), 400, "invalid_grant"},
		"a wrong password of the app": {c.with("x").login(), 401, "invalid_client"},
	} {
		assert.Check(t, tt.got.status == tt.status && tt.got.Error == tt.err, "%s: %+v", name, tt.got)
	}
	got := c.ask(t.Context(), http.MethodGet, c.Probe, "")
	assert.Check(t, got.status == http.StatusUnauthorized, "a probe without a token: %+v", got)
	got = c.ask(t.Context(), http.MethodGet, c.Probe, "", "Authorization", "Bearer "+c.Issue(sandbox.OAuth2).AccessToken)
	assert.Check(t, got.status == http.StatusOK, "a probe with a token: %+v", got)
}

// with is the client with another secret.
func (c *oauth2Client) with(secret string) *oauth2Client {
	other := *c
	other.Secret = secret
	return &other
}
