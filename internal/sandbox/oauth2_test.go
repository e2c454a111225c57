package sandbox_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
	contract "tokenrefresh/pkg/providers"
)

// oauth2Client makes calls as its credentials say.
type oauth2Client struct {
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

func newOAuth2Client(t *testing.T, box *sandbox.Sandbox) *oauth2Client {
	t.Helper()
	c := &oauth2Client{t: t}
	assert.NilError(t, json.Unmarshal([]byte(box.Credentials(sandbox.OAuth2)), c))
	return c
}

// post sends fields given as name and value in turn.
func (c *oauth2Client) post(address string, fields ...string) oauth2Answer {
	c.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	request, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	assert.NilError(c.t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.Secret))
	return c.do(request)
}

func (c *oauth2Client) do(request *http.Request) oauth2Answer {
	c.t.Helper()
	response, err := http.DefaultClient.Do(request)
	assert.NilError(c.t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	answer := oauth2Answer{status: response.StatusCode}
	if err == nil {
		err = json.Unmarshal(body, &answer)
	}
	assert.Assert(c.t, err == nil, "%d %s: %v", response.StatusCode, body, err)
	return answer
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

func TestOAuth2Reuse(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	start := func(t *testing.T, reuse time.Duration) (*sandbox.Sandbox, *oauth2Client, oauth2Answer) {
		t.Helper()
		box, err := sandbox.Start(sandbox.Options{OAuth2Reuse: reuse, Now: func() time.Time { return now }})
		assert.NilError(t, err)
		t.Cleanup(box.Close)
		c := newOAuth2Client(t, box)
		login := c.post(c.TokenURL, "grant_type", "password", "username", c.Login["username"], "password", c.Login["password"])
		assert.Assert(t, login.status == 200 && login.Refresh != "" && login.Expires == 1800 && c.active(login.Refresh),
			"login: %+v", login)
		return box, c, login
	}
	box, c, login := start(t, 0)
	first := c.refresh(login.Refresh)
	if first.status != 200 || first.Refresh == login.Refresh || c.active(login.Refresh) || !c.active(first.Refresh) ||
		box.Valid(sandbox.OAuth2, login.Access) || !box.Valid(sandbox.OAuth2, first.Access) {
		t.Errorf("a refresh: %+v", first)
	}
	if again := c.refresh(login.Refresh); again.Error != "invalid_grant" || c.active(first.Refresh) || box.Stats(sandbox.OAuth2).Replays != 1 {
		t.Errorf("strict, presented twice: %+v", again)
	}

	box, c, login = start(t, time.Minute)
	first = c.refresh(login.Refresh)
	now = now.Add(time.Minute)
	if again := c.refresh(login.Refresh); again != first || box.Stats(sandbox.OAuth2).Replays != 0 {
		t.Errorf("within its grace: %+v, want %+v", again, first)
	}
	second := c.refresh(first.Refresh)
	if grandparent := c.refresh(login.Refresh); grandparent.Error != "invalid_grant" || c.active(second.Refresh) {
		t.Errorf("a grandparent: %+v", grandparent)
	}

	_, c, login = start(t, contract.Always)
	for range 3 {
		if answer := c.refresh(login.Refresh); answer.status != 200 || answer.Refresh != "" || !c.active(login.Refresh) {
			t.Errorf("without rotation: %+v", answer)
		}
	}
}

func TestOAuth2Client(t *testing.T) {
	t.Parallel()
	box, err := sandbox.Start(sandbox.Options{})
	assert.NilError(t, err)
	t.Cleanup(box.Close)
	c := newOAuth2Client(t, box)
	got := c.post(c.TokenURL, "grant_type", "client_credentials")
	assert.Check(t, got.status == 200 && got.Refresh == "" && got.Access != "", "client credentials: %+v", got)
	got = c.post(c.TokenURL, "grant_type", "device")
	assert.Check(t, got.Error == "unsupported_grant_type", "another grant: %+v", got)
	got = c.post(c.TokenURL, "grant_type", "client_credentials", "client_secret", c.Secret)
	assert.Check(t, got.Error == "invalid_request", "Basic and the body at once: %+v", got)
	got = c.refresh("of nobody")
	assert.Check(t, got.status == 400 && got.Error == "invalid_grant", "an unknown token: %+v", got)
	c.Secret += "x"
	got = c.post(c.TokenURL, "grant_type", "client_credentials")
	assert.Check(t, got.status == 401 && got.Error == "invalid_client", "a wrong secret: %+v", got)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.Probe, http.NoBody)
	assert.NilError(t, err)
	got = c.do(request)
	assert.Check(t, got.status == 401, "a probe without a token: %+v", got)
	request.Header.Set("Authorization", "Bearer "+box.Issue(sandbox.OAuth2).AccessToken)
	got = c.do(request)
	assert.Check(t, got.status == 200, "a probe with a token: %+v", got)
}
