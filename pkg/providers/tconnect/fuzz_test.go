package tconnect_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/plant"
	"tokenrefresh/pkg/aes"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/internal/clienttest"
	"tokenrefresh/pkg/providers/reply"
	"tokenrefresh/pkg/secret"
)

func FuzzRead(f *testing.F) {
	session, hex := encrypting(f)
	client.FuzzRead(f, session, true,
		flat, `{"data":`+flat+`}`, hex(flat), `{"data":"`+hex(keycloak)+`"}`, `"`+hex(wrapper)+`"`,
		`{"error":"x","data":"y"}`, `{"code":0,"result":`+flat+`}`, keycloak, wrapper, clienttest.Page, "", "null", `""`, `{"data":""}`,
	)
}

// FuzzEncrypted: it makes no difference whether an answer is encrypted.
func FuzzEncrypted(f *testing.F) {
	for _, body := range []string{
		flat, `{"result":` + flat + `}`, keycloak, wrapper, `{"data":{"error":1}}`, `{"access_token":"a","expires_in":-1}`, `{}`,
	} {
		f.Add(body)
	}
	session, hex := encrypting(f)
	f.Fuzz(func(t *testing.T, body string) {
		body = plant.Values(body)
		object, err := reply.Parse(body)
		if err != nil || object.Text("data") != "" { // an answer is encrypted once
			return
		}
		plain, plainErr := session.Decode(secret.New(body), clienttest.Now)
		for _, text := range []string{hex(body), `"` + hex(body) + `"`, `{"data":"` + hex(body) + `"}`} {
			got, err := session.Decode(secret.New(text), clienttest.Now)
			assert.Check(t, is.DeepEqual(got, plain, cmp.Comparer(secret.String.Equal)), "tokens of %s", body)
			assert.Check(t, (err == nil) == (plainErr == nil) && providers.KindOf(err) == providers.KindOf(plainErr),
				"%s: plain %v, encrypted %v", body, plainErr, err)
			assert.Check(t, !plant.Shown(err), "the error shows what was encrypted: %v", err)
		}
	})
}

// encrypting is a session and its provider's encryption: without a random IV, so that an input
// always means the same.
func encrypting(f *testing.F) (session providers.Session, hex func(plain string) string) {
	f.Helper()
	c := cipher(f, key, aes.Zero, "")
	return open(f, "http://127.0.0.1", map[string]any{"aes_iv_mode": string(aes.Zero)}),
		func(plain string) string { return c.EncryptHex([]byte(plain)) }
}

func FuzzOpen(f *testing.F) {
	const m = plant.Marker
	client.FuzzOpen(f,
		fields("https://api.example/t/", map[string]any{
			"username": m, "password": m, "client_secret": m, "partner_code": m,
			"login_extra": map[string]any{"grant_type": m, "n": []any{1, nil}},
		}).Reveal(),
		fields("http://localhost:1", map[string]any{"aes_iv": iv, "partner_code": "m\tn"}).Reveal(),
		`{"base_url":"https://x.example","partner_code":"é","aes_key":"hex:`+m+`","aes_iv_mode":"`+m+`"}`,
		`{"base_url":"https://x.example","partner_code":"p","aes_key":"`+key+`","aes_iv":"`+m+`","login_extra":{"password":"`+m+`"}}`,
	)
}
