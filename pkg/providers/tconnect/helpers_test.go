package tconnect_test

import (
	"encoding/json"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/aes"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/internal/clienttest"
	"tokenrefresh/pkg/providers/tconnect"
	"tokenrefresh/pkg/secret"
)

const (
	key      = "0123456789abcdef0123456789ABCDEF"
	otherKey = "ffffffffffffffffffffffffffffffff"
	iv       = "fedcba9876543210"
)

var client = clienttest.Client{
	New: tconnect.New,
	Planted: []string{
		"planted-user", "planted-password", "planted-client", "planted-secret", "planted-partner", "planted-refresh",
		"planted-reply", key, otherKey, iv,
	},
}

// fields of complete credentials; each test changes some.
func fields(base string, changes map[string]any) secret.String {
	all := map[string]any{
		"base_url": base, "partner_code": "planted-partner", "aes_key": key,
		"username": "planted-user", "password": "planted-password",
		"client_id": "planted-client", "client_secret": "planted-secret",
	}
	for name, value := range changes {
		all[name] = value
		if value == nil {
			delete(all, name)
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return secret.New(string(text))
}

func open(tb testing.TB, base string, changes map[string]any) providers.Session {
	tb.Helper()
	return client.Session(tb, fields(base, changes).Reveal())
}

func cipher(tb testing.TB, keyText string, mode aes.Mode, ivText string) *aes.Cipher {
	tb.Helper()
	k, err := aes.ParseKey(keyText)
	assert.NilError(tb, err)
	c, err := aes.NewCipher(k, mode, ivText)
	assert.NilError(tb, err)
	return c
}
