package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// hesabe is the provider: tokens in the documented shape and size, single use,
// without the signing, which is not the function's cost.
type hesabe struct {
	mu           sync.Mutex
	refreshToken string
}

// seed returns the first refresh token.
func (h *hesabe) seed() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refreshToken = newRefreshToken()
	return h.refreshToken
}

// ServeHTTP implements http.Handler.
func (h *hesabe) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		RefreshToken string `json:"refreshToken"`
	}
	err := json.NewDecoder(r.Body).Decode(&in)
	h.mu.Lock()
	defer h.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if err != nil || r.URL.Path != "/api/v1/token-refresh" || in.RefreshToken != h.refreshToken {
		w.WriteHeader(http.StatusNotFound)
		_, _ = fmt.Fprint(w, `{"status":false,"message":"Request not found, Please verify the request data","response":null}`)
		return
	}
	h.refreshToken = newRefreshToken()
	_, _ = fmt.Fprintf(w, `{"status":true,"message":"Success","response":{"token":{"token_type":"Bearer","expires_in":900,`+
		`"access_token":%q,"refresh_token":%q}}}`, newAccessToken(time.Now()), h.refreshToken)
}

// newRefreshToken is 714 hexadecimal characters.
func newRefreshToken() string { return "def50200" + hex.EncodeToString(random(353)) }

// newAccessToken is a JWT with float times and as many bytes of signature as RSA-4096 has.
func newAccessToken(now time.Time) string {
	iat := float64(now.UnixMicro()) / 1e6
	claims := fmt.Sprintf(`{"aud":"2","jti":%q,"iat":%f,"nbf":%f,"exp":%f,"sub":"84","scopes":["*"]}`,
		hex.EncodeToString(random(40)), iat, iat, iat+900)
	b64 := base64.RawURLEncoding
	return b64.EncodeToString([]byte(`{"typ":"JWT","alg":"RS256"}`)) + "." +
		b64.EncodeToString([]byte(claims)) + "." + b64.EncodeToString(random(512))
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}
