package sandbox

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"

	"tokenrefresh/pkg/aes"
)

const (
	tconnectAccess  = 36000 * time.Second
	tconnectRefresh = 24 * time.Hour
)

// tconnect plays the Payment Open API: Keycloak with "revoke refresh token" on.
type tconnect struct {
	chains *chains
	life   Lifetime
	iv     aes.Mode

	partner, username, clientID string
	password, clientSecret      string
	key, otherKey               tconnectKey
}

func newTConnect(o Options) (*tconnect, error) {
	t := &tconnect{
		chains:       newChains(o.Now, reuseEnds, 1),
		life:         o.lifetime(TConnect, tconnectAccess, tconnectRefresh),
		iv:           cmp.Or(o.TConnectIV, aes.Prefix),
		partner:      "SANDBOX01",
		username:     "demo@sandbox.example",
		clientID:     random(11),
		password:     random(16),
		clientSecret: random(16),
		key:          tconnectKey{key: random(aes.KeySize), iv: random(16)},
		otherKey:     tconnectKey{key: random(aes.KeySize), iv: random(16)},
	}
	_, err := t.key.cipher(t.iv)
	return t, err
}

func (t *tconnect) ops() map[string]Op {
	return map[string]Op{"/openapi/v1/auth/login": Login, "/openapi/v1/auth/refresh": Refresh}
}

func (t *tconnect) read(c *call) (input, reply) {
	if c.req.Header.Get("Partner-Code") != t.partner {
		return input{}, t.refuse(c.set, http.StatusUnauthorized, "unauthorized_client", "Unknown partner")
	}
	outer, _ := stringFields(c.body)
	if outer["data"] == "" {
		return input{}, t.refuse(c.set, http.StatusBadRequest, "invalid_request", "data must be a string")
	}
	plain, err := t.decrypt(c.set, outer["data"])
	if err != nil {
		return input{}, t.refuse(c.set, http.StatusBadRequest, "invalid_request", "data cannot be decrypted")
	}
	fields, ok := stringFields(plain)
	if !ok {
		return input{}, t.refuse(c.set, http.StatusBadRequest, "invalid_request", "data must be a JSON object")
	}
	return input{refresh: fields["refresh_token"], fields: fields}, reply{}
}

func (t *tconnect) act(c *call, in input) reply {
	if c.op == Login {
		return t.login(c.set, in.fields)
	}
	if in.refresh == "" {
		return t.refuse(c.set, http.StatusBadRequest, "invalid_request", "No refresh token")
	}
	var reason string
	g, v := t.chains.exchange(in.refresh, t.mint)
	switch v {
	case good:
		return t.success(c.set, g)
	case unknownToken:
		reason = "Invalid refresh token"
	case expiredToken:
		reason = "Token is not active"
	case spentToken:
		reason = "Maximum allowed refresh token reuse exceeded"
	case endedSession:
		reason = "Session not active"
	}
	return t.refuse(c.set, http.StatusBadRequest, "invalid_grant", reason)
}

func (t *tconnect) login(s settings, fields map[string]string) reply {
	for _, name := range []string{"username", "password", "client_id", "client_secret"} {
		if fields[name] == "" {
			return t.refuse(s, http.StatusBadRequest, "invalid_request", "Missing parameter: "+name)
		}
	}
	if fields["client_id"] != t.clientID || fields["client_secret"] != t.clientSecret {
		return t.refuse(s, http.StatusUnauthorized, "unauthorized_client", "Invalid client or Invalid client credentials")
	}
	if fields["username"] != t.username || fields["password"] != t.password {
		return t.refuse(s, http.StatusUnauthorized, "invalid_grant", "Invalid user credentials")
	}
	return t.success(s, t.issue())
}

func (t *tconnect) success(s settings, g grant) reply {
	return t.shape(s, s.object(
		"access_token", quote(g.access),
		"expires_in", seconds(t.life.Access),
		"refresh_token", quote(g.refresh),
		"refresh_expires_in", seconds(t.life.Refresh),
		"token_type", `"Bearer"`,
	))
}

func (t *tconnect) mint(now time.Time, session int64) grant {
	claims := func(kind string, life time.Duration) string {
		return fmt.Sprintf(`{"exp":%d,"iat":%d,"jti":"%s","iss":"https://sandbox.example/realms/openapi","sub":"%s",`+
			`"typ":"%s","azp":"%s","sid":"%d"}`,
			now.Add(life).Unix(), now.Unix(), random(16), t.username, kind, t.clientID, session)
	}
	return grant{
		access:       jwt(`{"alg":"RS256","typ":"JWT","kid":"sandbox"}`, claims("Bearer", t.life.Access)),
		refresh:      jwt(`{"alg":"HS512","typ":"JWT","kid":"sandbox"}`, claims("Refresh", t.life.Refresh)),
		accessUntil:  now.Add(t.life.Access).Truncate(time.Second), // as its exp
		refreshUntil: now.Add(t.life.Refresh).Truncate(time.Second),
	}
}

func (t *tconnect) problem(s settings, status int) reply {
	return t.refuse(s, status, strings.ReplaceAll(strings.ToLower(http.StatusText(status)), " ", "_"), http.StatusText(status))
}

func (t *tconnect) credentials(base string) map[string]any {
	doc := map[string]any{
		"base_url":     base,
		"partner_code": t.partner, "username": t.username, "password": t.password,
		"client_id": t.clientID, "client_secret": t.clientSecret,
		"aes_key": t.key.key, "aes_iv_mode": string(t.iv),
	}
	if t.iv == aes.Fixed {
		doc["aes_iv"] = t.key.iv
	}
	return doc
}

func (t *tconnect) secrets() []string { return []string{t.password, t.clientSecret, t.key.key} }
func (t *tconnect) issue() grant      { return t.chains.open(t.mint) }
func (t *tconnect) tokens() *chains   { return t.chains }
