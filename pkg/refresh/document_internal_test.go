package refresh

import (
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/plant"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// A document that was read is written again to the same bytes, because another process may finish
// an attempt. Other texts are refused without being quoted.
func FuzzParseChain(f *testing.F) {
	for _, seed := range []string{
		``, ` `, `{}`, `null`, `[]`, `{"refresh_token":"rt"}`, `{"refresh_token":null,"x":{"b":1,"a":[1e400,"\u2028"]}}`,
		`{"access_token":"a<b>","token_type":"Bearer","refresh_token":"r","issued_at":"2026-03-01T12:00:00.9+03:00",` +
			`"access_expires_at":"2026-03-01T12:15:00Z","refresh_expires_at":"2026-03-02T12:00:00Z","source":"login","attempt_id":"id"}`,
		`{"issued_at":"10000-01-01T00:00:00Z"}`, "{\"refresh_token\":\"\xff\"}", `{"refresh_expires_at":"9999-12-31T23:59:59-01:00"}`, `{"a":1,"a":2}`, `{"refresh_token":"\ud800"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseChain(secret.New(text))
		if err != nil {
			if _, err := parseChain(secret.New(plant.Values(text))); plant.Shown(err) {
				t.Errorf("the error shows the document: %v", err)
			}
			return
		}
		written := c.document()
		again, err := parseChain(written)
		assert.NilError(t, err)
		assert.Equal(t, again.document(), written)
		assert.Equal(t, again.refreshToken, c.refreshToken, "read back, it is another chain")
		assert.Equal(t, len(again.others), len(c.others), "read back, it is another chain")
		key := store.Key{Provider: "p", Account: "a"}
		c.issuedAt, c.accessExpiresAt, c.refreshExpiresAt = again.issuedAt, again.accessExpiresAt, again.refreshExpiresAt
		assert.Equal(t, c.access(key), again.access(key), "read back, it makes another access document")
	})
}
