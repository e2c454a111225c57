package tconnect_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tokenrefresh/pkg/aes"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/providers/tconnect"
	"tokenrefresh/pkg/secret"
)

const (
	key      = "0123456789abcdef0123456789ABCDEF"
	otherKey = "ffffffffffffffffffffffffffffffff"
	iv       = "fedcba9876543210"
)

// planted are the values that no error may show; the AES key is one of them.
var planted = []string{
	"planted-user", "planted-password", "planted-client", "planted-secret", "planted-partner", "planted-refresh",
	"planted-reply", key, otherKey, iv,
}

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

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
	client := exchange.New(exchange.Options{Now: func() time.Time { return now }})
	session, err := tconnect.New(client, "").Open(fields(base, changes))
	if err != nil {
		tb.Fatal(err)
	}
	return session
}

func cipher(tb testing.TB, keyText string, mode aes.Mode, ivText string) *aes.Cipher {
	tb.Helper()
	k, err := aes.ParseKey(keyText)
	if err != nil {
		tb.Fatal(err)
	}
	c, err := aes.NewCipher(k, mode, ivText)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func wantError(tb testing.TB, err error, kind providers.Kind, op string) providers.Error {
	tb.Helper()
	var e *providers.Error
	if !errors.As(err, &e) || e.Kind != kind || e.Provider != "tconnect" || e.Op != op {
		tb.Fatalf("err = %v, want %s of tconnect %s", err, kind, op)
	}
	text := fmt.Sprintf("%v %+v %#v", err, err, *e)
	for _, value := range planted {
		if strings.Contains(text, value) {
			tb.Errorf("the error shows %q: %s", value, text)
		}
	}
	return *e
}
