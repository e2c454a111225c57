package sandbox

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"time"
)

const (
	hesabeAccess  = 900 * time.Second
	hesabeRefresh = 365 * 24 * time.Hour // Passport's default
	// An access token's exp is a little before expires_in, as in the documented sample.
	hesabeIssuing = 15 * time.Millisecond

	hesabeNotFound = `{"status":false,"message":"Request not found, Please verify the request data","response":null}`
	hesabeBadLogin = `{"status":false,"message":"Invalid Signature.","response":null}`
)

// hesabe plays the Merchant API: league/oauth2-server behind a facade.
type hesabe struct {
	chains   *chains
	life     Lifetime
	username string
	password string
}

func newHesabe(o Options) *hesabe {
	return &hesabe{
		chains:   newChains(o.Now, reuseRefused, 1),
		life:     o.lifetime(Hesabe, hesabeAccess, hesabeRefresh),
		username: "merchant@sandbox.example",
		password: random(16),
	}
}

func (h *hesabe) ops() map[string]Op {
	return map[string]Op{"/api/v1/login": Login, "/api/v1/token-refresh": Refresh}
}

// read takes JSON, urlencoded and multipart fields, as Laravel does.
func (h *hesabe) read(c *call) (input, reply) {
	fields := map[string]string{}
	if kind, _, _ := mime.ParseMediaType(c.req.Header.Get("Content-Type")); kind == "application/json" {
		fields, _ = stringFields(c.body)
	} else if err := c.req.ParseMultipartForm(maxRequest); err == nil || errors.Is(err, http.ErrNotMultipart) {
		for name := range c.req.PostForm {
			fields[name] = c.req.PostForm.Get(name)
		}
	}
	return input{refresh: fields["refreshToken"], fields: fields}, reply{}
}

func (h *hesabe) act(c *call, in input) reply {
	if c.op == Login {
		switch {
		case in.fields["username"] == "" || in.fields["password"] == "":
			return jsonReply(http.StatusNotFound, []byte(hesabeNotFound))
		case in.fields["username"] != h.username || in.fields["password"] != h.password:
			return jsonReply(http.StatusUnauthorized, []byte(hesabeBadLogin))
		}
		return h.success(c.set, h.issue())
	}
	g, v := h.chains.exchange(in.refresh, h.mint)
	if v != good {
		return jsonReply(http.StatusNotFound, []byte(hesabeNotFound))
	}
	return h.success(c.set, g)
}

func (h *hesabe) success(s settings, g grant) reply {
	token := s.object(
		"token_type", `"Bearer"`,
		"expires_in", seconds(h.life.Access),
		"access_token", quote(g.access),
		"refresh_token", quote(g.refresh),
	)
	return success(fmt.Appendf(nil, `{"status":true,"message":"Success","response":{"token":%s}}`, token))
}

func (h *hesabe) mint(now time.Time, _ int64) grant {
	expires := now.Add(h.life.Access - hesabeIssuing)
	claims := fmt.Sprintf(`{"aud":"2","jti":"%s","iat":%s,"nbf":%s,"exp":%s,"sub":"84","scopes":["*"]}`,
		random(40), floatTime(now), floatTime(now.Add(2*time.Microsecond)), floatTime(expires))
	return grant{
		access:       jwt(`{"typ":"JWT","alg":"RS256"}`, claims),
		refresh:      "def50200" + random(353), // 714 characters, as in the documented sample
		accessUntil:  expires,
		refreshUntil: now.Add(h.life.Refresh),
	}
}

func (h *hesabe) problem(_ settings, status int) reply {
	var body string
	switch status {
	case http.StatusNotFound:
		body = hesabeNotFound
	case http.StatusUnauthorized:
		body = hesabeBadLogin
	case http.StatusUnprocessableEntity:
		body = `{"status":false,"message":"Invalid Request Data","data":{"refreshToken":["The refresh token field is invalid."]}}`
	case http.StatusTooManyRequests:
		body = `{"message":"Too Many Attempts."}`
	case http.StatusInternalServerError:
		body = `{"message":"Internal server error occurred"}`
	default:
		body = `{"message":` + quote(http.StatusText(status)) + `}`
	}
	return jsonReply(status, []byte(body))
}

func (h *hesabe) credentials(base string) map[string]any {
	return map[string]any{"username": h.username, "password": h.password, "base_url": base}
}

func (h *hesabe) secrets() []string { return []string{h.password} }
func (h *hesabe) issue() grant      { return h.chains.open(h.mint) }
func (h *hesabe) tokens() *chains   { return h.chains }
