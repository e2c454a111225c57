package transactions

import (
	"encoding/base64"
	"fmt"
	"net/http"

	"tokenrefresh/internal/bench/wire"
)

// Refreshed is what a call to the provider counts as, where it went well.
const Refreshed = "POST /v0/tokens"

// Provider is Berbix: refresh tokens stay, and one of them may be presented again.
type Provider struct{ rows *Rows }

// NewProvider makes the provider of these rows.
func NewProvider(rows *Rows) *Provider { return &Provider{rows} }

var authorization = "Basic " + base64.StdEncoding.EncodeToString([]byte(APISecret+":"))

// Answer implements wire.Handler.
func (p *Provider) Answer(r wire.Request, reply []byte) (op string, status int, body []byte) {
	asked := string(r.Body)
	place, ok := owner(text(asked, "refresh_token"))
	if r.Path != "/v0/tokens" || r.Authorization != authorization || text(asked, "grant_type") != "refresh_token" ||
		!ok || place >= len(p.rows.rows) {
		return "refused", http.StatusBadRequest, append(reply, `{"status":400,"reason":"invalid_refresh_token","message":"invalid"}`...)
	}
	number := p.rows.present(place)
	return Refreshed, http.StatusOK, fmt.Appendf(reply,
		`{"entity":"token","transaction_id":%d,"access_token":"%s","client_token":"%s","expires_in":%d,"token_type":"Bearer"}`,
		id(place), token("at-", place, number), token("ct-", place, number), int(lifetime.Seconds()))
}
