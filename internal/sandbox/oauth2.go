package sandbox

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	oauth2Access  = 30 * time.Minute
	oauth2Refresh = 60 * 24 * time.Hour
)

// oauth2 plays an authorization server of RFC 6749 with introspection (RFC 7662).
// A refresh ends the old access token at once.
type oauth2 struct {
	chains *chains
	life   Lifetime
	reuse  string // of refresh tokens, as credentials say it

	clientID, clientSecret, username, password string
}

func newOAuth2(o Options) *oauth2 {
	chains, reuse := newChains(o.Now, reuseEnds, 1), "never"
	if o.OAuth2Reuses {
		chains.reuse, reuse = reuseUsual, "always"
	}
	chains.endsAccess = true
	return &oauth2{
		chains: chains, reuse: reuse, life: o.lifetime(OAuth2, oauth2Access, oauth2Refresh),
		clientID: "token refresh", clientSecret: "&+/ %:" + random(16), // which Basic has to encode
		username: "demo@sandbox.example", password: random(16),
	}
}

func (o *oauth2) ops() map[string]Op { return map[string]Op{"/token": Refresh} }

// op is what a request to the one endpoint wants.
func (o *oauth2) op(body []byte) Op {
	form, err := url.ParseQuery(string(body))
	if err == nil && form.Get("grant_type") != "refresh_token" {
		return Login
	}
	return Refresh
}

// serve answers what is asked without a grant.
func (o *oauth2) serve(w http.ResponseWriter, r *http.Request) bool {
	switch r.URL.Path {
	case "/introspect":
		if refused := o.authenticate(r, r.PostFormValue); refused.status != 0 {
			refused.write(w)
			return true
		}
		live := o.chains.alive(r.PostFormValue("token"))
		jsonReply(http.StatusOK, fmt.Appendf(nil, `{"active":%t}`, live)).write(w)
	case "/me":
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		status := http.StatusUnauthorized
		if o.chains.valid(token) {
			status = http.StatusOK
		}
		jsonReply(status, []byte(`{}`)).write(w)
	default:
		return false
	}
	return true
}

// authenticate refuses a client that is another one, or that says who it is in two ways.
func (o *oauth2) authenticate(r *http.Request, field func(string) string) reply {
	id, password := field("client_id"), field("client_secret")
	if encoded, basic := strings.CutPrefix(r.Header.Get("Authorization"), "Basic "); basic {
		if password != "" {
			return o.refuse(http.StatusBadRequest, "invalid_request")
		}
		pair, _ := base64.StdEncoding.DecodeString(encoded)
		left, right, _ := strings.Cut(string(pair), ":")
		id, _ = url.QueryUnescape(left)
		password, _ = url.QueryUnescape(right)
	}
	if id != o.clientID || password != o.clientSecret {
		return o.refuse(http.StatusUnauthorized, "invalid_client")
	}
	return reply{}
}

func (o *oauth2) read(c *call) (input, reply) {
	form, err := url.ParseQuery(string(c.body))
	if err != nil || !strings.HasPrefix(c.req.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return input{}, o.refuse(http.StatusBadRequest, "invalid_request")
	}
	fields := map[string]string{}
	for name := range form {
		fields[name] = form.Get(name)
	}
	return input{refresh: fields["refresh_token"], fields: fields}, o.authenticate(c.req, form.Get)
}

func (o *oauth2) act(c *call, in input) reply {
	switch in.fields["grant_type"] {
	case "refresh_token":
		if g, v := o.chains.exchange(in.refresh, o.mint); v == good {
			return o.success(c.set, g)
		}
		return o.refuse(http.StatusBadRequest, "invalid_grant")
	case "password":
		if in.fields["username"] != o.username || in.fields["password"] != o.password {
			return o.refuse(http.StatusBadRequest, "invalid_grant")
		}
		return o.success(c.set, o.issue())
	}
	return o.refuse(http.StatusBadRequest, "unsupported_grant_type")
}

func (o *oauth2) success(s settings, g grant) reply {
	return success(s.object(
		"access_token", quote(g.access),
		"token_type", `"Bearer"`,
		"expires_in", seconds(o.life.Access),
		"refresh_token", quote(g.refresh),
		"scope", `"invoices"`,
	))
}

func (o *oauth2) mint(now time.Time, _ int64) grant {
	return grant{
		access: "at-" + random(20), accessUntil: now.Add(o.life.Access),
		refresh: "rt-" + random(20), refreshUntil: now.Add(o.life.Refresh),
	}
}

func (o *oauth2) refuse(status int, code string) reply {
	return jsonReply(status, fmt.Appendf(nil, `{"error":%s}`, quote(code)))
}

func (o *oauth2) problem(_ settings, status int) reply {
	code := map[int]string{
		http.StatusBadRequest: "invalid_request", http.StatusUnauthorized: "invalid_client", http.StatusTooManyRequests: "slow_down",
	}[status]
	if code == "" {
		code = "server_error"
	}
	if status >= http.StatusMultipleChoices && status < http.StatusInternalServerError && code == "server_error" {
		code = "access_denied"
	}
	return o.refuse(status, code)
}

func (o *oauth2) credentials(base string) map[string]any {
	return map[string]any{
		"token_url": base + "/token", "client_id": o.clientID, "client_secret": o.clientSecret, "refresh_token_reuse": o.reuse,
		"login_params":      map[string]string{"grant_type": "password", "username": o.username, "password": o.password},
		"introspection_url": base + "/introspect", "probe_url": base + "/me", "publish": []string{"scope"},
	}
}

func (o *oauth2) secrets() []string { return []string{o.clientSecret, o.password} }
func (o *oauth2) issue() grant      { return o.chains.open(o.mint) }
func (o *oauth2) tokens() *chains   { return o.chains }
