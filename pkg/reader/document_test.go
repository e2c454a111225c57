package reader_test

import (
	"errors"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/plant"
	"tokenrefresh/pkg/reader"
	"tokenrefresh/pkg/secret"
)

const document = `{"access_expires_at":"2026-11-21T22:15:00Z","access_token":"at-1","attempt_id":"a",` +
	`"refresh_at":"2026-11-21T22:12:00Z","token_type":"Bearer"}`

var expires = time.Date(2026, 11, 21, 22, 15, 0, 0, time.UTC)

func TestParseAccess(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		want       reader.Token
		ok         bool
	}{
		{
			"as it is written", document,
			reader.Token{
				AccessToken: secret.New("at-1"), Type: "Bearer", ExpiresAt: expires, RefreshAt: expires.Add(-3 * time.Minute), AttemptID: "a",
			},
			true,
		},
		{
			"unknown keys, and known ones in another case", `{"access_token":"at-1","ACCESS_TOKEN":7,"scope":["a"],"access_expires_at":"2026-11-22T01:15:00+03:00"}`,
			reader.Token{AccessToken: secret.New("at-1"), ExpiresAt: expires},
			true,
		},
		{"an attempt that is a number", `{"access_token":"at-1","attempt_id":7}`, reader.Token{AccessToken: secret.New("at-1")}, true},
		{
			"fields of the reply", `{"access_token":"at-1","reply":{"instance_url":"https://x.example","n":7}}`,
			reader.Token{AccessToken: secret.New("at-1"), Reply: secret.New(`{"instance_url":"https://x.example","n":7}`)},
			true,
		},
		{"a reply that is a text", `{"access_token":"at-1","reply":"x"}`, reader.Token{AccessToken: secret.New("at-1")}, true},
		{"null is absent", `{"access_token":null,"refresh_at":null}`, reader.Token{}, true},
		{"no token", `{"placeholder":"put the credentials here"}`, reader.Token{}, true},
		{name: "empty"},
		{name: "null", text: "null"},
		{name: "a list", text: "[]"},
		{name: "cut off", text: document[:40]},
		{name: "more behind it", text: document + "{}"},
		{name: "token is a number", text: `{"access_token":1}`},
		{name: "type is a number", text: `{"token_type":1}`},
		{name: "no time", text: `{"access_expires_at":"tomorrow"}`},
		{name: "seconds", text: `{"refresh_at":1800000000}`},
		{name: "a year that is none in UTC", text: `{"refresh_at":"9999-12-31T23:59:59-01:00"}`},
		{name: "a damaged token", text: `{"access_token":"at-\ud800"}`},
		{name: "bad UTF-8", text: "{\"access_token\":\"at-\xff\"}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := reader.ParseAccess(secret.New(c.text))
			if c.ok != (err == nil) || err != nil && !errors.Is(err, reader.ErrMalformed) {
				t.Errorf("error %v", err)
			}
			assert.Check(t, is.DeepEqual(got, c.want))
		})
	}
}

// Callers of Field get the fields of the reply, and so does package oauth2.
func TestFieldsOfTheReply(t *testing.T) {
	t.Parallel()
	token := reader.Token{
		AccessToken: secret.New("at-1"), ExpiresAt: time.Now().Add(time.Hour),
		Reply: secret.New(`{"instance_url":"https://x.example","n":7}`),
	}
	if url, n, none := token.Field("instance_url"), token.Field("n"), token.Field("scope"); url != "https://x.example" || n != 7.0 || none != nil {
		t.Errorf("fields %v, %v, %v", url, n, none)
	}
	if none := (reader.Token{}).Field("scope"); none != nil {
		t.Errorf("without a reply: %v", none)
	}
	extra, err := reader.NewTokenSource(&store{token: token}, reader.Options{}).Token()
	assert.Check(t, err == nil && extra.Extra("instance_url") == "https://x.example",
		"oauth2's Extra: %v, %v", extra.Extra("instance_url"), err)
}

// FuzzParseAccess: a document is refused without being shown, or gives the same token when it is
// written again.
func FuzzParseAccess(f *testing.F) {
	for _, text := range []string{
		document, `{}`, `null`, `[]`, ``, `{"access_token":"\ud800"}`, `{"access_token":"a","access_token":1}`,
		`{"access_token":"a","access_expires_at":"0000-01-01T00:00:00+23:59","refresh_at":"9999-12-31T23:59:59-23:59"}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := reader.ParseAccess(secret.New(text))
		if err != nil {
			_, err := reader.ParseAccess(secret.New(plant.Values(text)))
			if !errors.Is(err, reader.ErrMalformed) && err != nil || got != (reader.Token{}) || plant.Shown(err) {
				t.Errorf("%q: %v, %v", text, got, err)
			}
			return
		}
		now := got.ExpiresAt.Add(-time.Hour)
		tokens := reader.NewTokenSource(&store{token: got}, reader.Options{Now: func() time.Time { return now }})
		handed, err := tokens.Get(t.Context())
		switch {
		case err == nil && (handed != got || got.AccessToken.Blank() || got.ExpiresAt.IsZero()):
			t.Errorf("%q became %v", text, handed)
		case err != nil && !errors.Is(err, reader.ErrNotPublished) && !errors.Is(err, reader.ErrMalformed):
			t.Errorf("%q: %v", text, err)
		}
	})
}
