package credentials_test

import (
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/credentials"
	"tokenrefresh/pkg/secret"
)

func TestReadTellsUnseededFromBroken(t *testing.T) {
	t.Parallel()
	cases := map[string]bool{ // whether it is only not seeded
		"":                           true,
		" \n":                        true,
		"{}":                         true,
		" { } ":                      true,
		`{"placeholder":true}`:       true,
		`{"placeholder":null,"a":1}`: true,
		"null":                       false,
		"[]":                         false,
		`"planted"`:                  false,
		`{"password":"planted"`:      false,
		"{\"password\":\"\xff\"}":    false,
		"planted":                    false,
	}
	for text, unseeded := range cases {
		_, err := credentials.Read("acme", secret.New(text))
		assert.Check(t, unseeded == errors.Is(err, providers.ErrNotSeeded), "%q: %v", text, err)
		var e *providers.Error
		if !unseeded && (!errors.As(err, &e) || e.Kind != providers.Misconfigured || e.Provider != "acme" ||
			e.Op != "open" || strings.Contains(err.Error(), "planted")) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestFieldsCollectAllMistakes(t *testing.T) {
	t.Parallel()
	fields, err := credentials.Read("acme", secret.New(`{"good":"planted","blank":" ","number":7,"null":null,
		"half_a":"planted","half_c":[],"extra":{"fine":1,"good":2},"list":["planted"],"base_url":"http://planted.example"}`))
	assert.NilError(t, err)
	if fields.Text("good").Reveal() != "planted" || fields.Optional("good").Reveal() != "planted" ||
		!fields.Optional("absent").IsZero() || !fields.Optional("null").IsZero() ||
		fields.Group("absent", "null") != nil || fields.Extra("absent") != nil {
		t.Error("a good field is not read")
	}
	err = fields.Err()
	assert.Assert(t, err == nil, "a mistake too many: %v", err)
	fields.Text("absent")
	fields.Text("null")
	fields.Text("blank")
	fields.Optional("number")
	fields.Group("half_a", "half_b", "half_c")
	fields.Extra("extra", "good")
	fields.Extra("list")
	fields.BaseURL("https://fallback.example")
	fields.Wrong(true, "one more")
	fields.Wrong(false, "not wrong")
	err = fields.Err()
	for _, want := range []string{
		"absent is missing", "null is missing", "blank is not a text", "number is not a text", "half_b is missing",
		"half_c is not a text", "extra must not set good", "list is not an object", "base_url must begin with https://", "one more",
	} {
		assert.Check(t, err != nil && strings.Contains(err.Error(), want), "%q is missing in: %v", want, err)
	}
	assert.Check(t, !strings.Contains(err.Error(), "planted"), "the error shows a value: %v", err)
}

// 1Password/connect-sdk-go #73: a pasted text ends in a line break, and fits into no header.
func TestTextsAreTrimmed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{ // "": refused
		`planted`:              "planted",
		`planted\n`:            "planted",
		`\r\n\tplanted \u0085`: "planted",
		`pla nted`:             "pla nted",
		`pla\nnted`:            "",
		`planted\u0000`:        "",
		`planted\u007f`:        "",
		` \n`:                  "",
	} {
		fields, err := credentials.Read("acme", secret.New(`{"api_secret":"`+text+`"}`))
		assert.NilError(t, err)
		got := fields.Text("api_secret").Reveal()
		switch err := fields.Err(); {
		case want == "" && (err == nil || !strings.Contains(err.Error(), "api_secret") || strings.Contains(err.Error(), "nted")):
			t.Errorf("%q: error %v", text, err)
		case want != "" && (err != nil || got != want):
			t.Errorf("%q became %q: %v", text, got, err)
		}
	}
}

func TestBaseURL(t *testing.T) {
	t.Parallel()
	cases := map[string]string{ // what a path becomes; "": refused
		"https://api.example.com":         "https://api.example.com/v1/x",
		"https://api.example.com/":        "https://api.example.com/v1/x",
		"HTTPS://api.example.com":         "https://api.example.com/v1/x",
		" https://api.example.com\n":      "https://api.example.com/v1/x",
		"https://api.example.com:8443/b":  "https://api.example.com:8443/b/v1/x",
		"https://api.example.com/a/b//":   "https://api.example.com/a/b/v1/x",
		"https://10.0.0.1":                "https://10.0.0.1/v1/x",
		"http://localhost:8080":           "http://localhost:8080/v1/x",
		"http://LocalHost":                "http://LocalHost/v1/x",
		"http://127.0.0.1:1":              "http://127.0.0.1:1/v1/x",
		"http://127.9.9.9":                "http://127.9.9.9/v1/x",
		"http://[::1]:9":                  "http://[::1]:9/v1/x",
		"http://api.example.com":          "",
		"http://10.0.0.1":                 "",
		"http://128.0.0.1":                "",
		"http://localhost.example.com":    "",
		"http://127.0.0.1.example.com":    "",
		"http://[::2]":                    "",
		"http://0.0.0.0":                  "",
		"ftp://127.0.0.1":                 "",
		"api.example.com":                 "",
		"//api.example.com":               "",
		"https://":                        "",
		"https:///path":                   "",
		"https:api.example.com":           "",
		"https://:443":                    "",
		"https://planted@api.example.com": "",
		"https://u:planted@localhost":     "",
		"https://api.example.com?planted": "",
		"https://api.example.com/?":       "",
		"https://api.example.com#planted": "",
		"https://api.example.com/#":       "",
		"https://api.exa mple.com":        "",
		"https://api.example.com:planted": "",
		"https://api.example.com/%zz":     "",
		"https://bücher.example":          "",
		"https://xn--bcher-kva.example":   "https://xn--bcher-kva.example/v1/x",
	}
	for text, want := range cases {
		quoted := strings.ReplaceAll(text, "\n", `\n`)
		fields, err := credentials.Read("acme", secret.New(`{"base_url":"`+quoted+`"}`))
		assert.NilError(t, err)
		base := fields.BaseURL("https://fallback.example")
		switch err := fields.Err(); {
		case want == "" && err == nil:
			t.Errorf("%q was taken as %s", text, base)
		case want == "" && strings.Contains(err.Error(), "planted"):
			t.Errorf("%q: the error shows it: %v", text, err)
		case want != "" && (err != nil || base.JoinPath("v1/x").String() != want || base.JoinPath("v1/x").Path[0] != '/'):
			t.Errorf("%q: %v, %v; want %s", text, base, err, want)
		}
	}
}

func TestBaseURLFallback(t *testing.T) {
	t.Parallel()
	read := func(text string) *credentials.Fields {
		fields, err := credentials.Read("acme", secret.New(text))
		assert.NilError(t, err)
		return fields
	}
	for _, text := range []string{`{"a":1}`, `{"base_url":null}`} {
		fields := read(text)
		base := fields.BaseURL("https://fallback.example")
		assert.Check(t, fields.Err() == nil && base.Host == "fallback.example", "%s: %v, %v", text, base, fields.Err())
		fields = read(text)
		base = fields.BaseURL("")
		assert.Check(t, fields.Err() != nil, "%s: without a fallback: %v", text, base)
	}
	fields := read(`{"base_url":""}`)
	base := fields.BaseURL("https://fallback.example")
	assert.Check(t, fields.Err() != nil, "a blank base_url became %v", base)
}

// FuzzBaseURL: an accepted address leads to https, or to this machine, and its paths are below it.
func FuzzBaseURL(f *testing.F) {
	for _, text := range []string{
		"https://a.example/x/", "https://a.example/%2f/..", "HTTPS://A.EXAMPLE", "http://127.0.0.1:80", "http://localhost", "http://[::1]:1",
		"http://[::ffff:127.0.0.1]", "http://[::1%25x]", "http://127.0.0.1.example", "https://u@h", "https://h?q", "https://h#f", "https:h",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		object, err := json.Marshal(map[string]string{"base_url": text})
		assert.NilError(t, err)
		fields, err := credentials.Read("acme", secret.New(string(object)))
		assert.NilError(t, err)
		base := fields.BaseURL("")
		if fields.Err() != nil {
			return
		}
		joined := base.JoinPath("v1/x")
		if joined.Host == "" || joined.User != nil || joined.RawQuery != "" || joined.Fragment != "" ||
			joined.Path[0] != '/' || !strings.HasSuffix(joined.Path, "v1/x") {
			t.Errorf("%q became %q", text, joined)
		}
		address, err := netip.ParseAddr(joined.Hostname())
		here := strings.EqualFold(joined.Hostname(), "localhost") || err == nil && address.Unmap().IsLoopback()
		if joined.Scheme != "https" && (joined.Scheme != "http" || !here) {
			t.Errorf("%q became %q, where anybody can listen", text, joined)
		}
	})
}
