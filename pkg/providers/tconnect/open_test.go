package tconnect_test

import (
	"strings"
	"testing"

	"tokenrefresh/pkg/providers/internal/clienttest"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	without := func(names ...string) map[string]any {
		changes := map[string]any{}
		for _, name := range names {
			changes[name] = nil
		}
		return changes
	}
	cases := map[string]struct {
		changes  map[string]any
		login    bool
		problems []string // none: it opens
	}{
		"all":             {nil, true, nil},
		"no login":        {without("username", "password", "client_id", "client_secret"), false, nil},
		"unknown keys":    {map[string]any{"note": []int{1}}, true, nil},
		"key in hex":      {map[string]any{"aes_key": "hex:" + strings.Repeat("0f", 32)}, true, nil},
		"fixed IV":        {map[string]any{"aes_iv": iv}, true, nil},
		"fixed IV, named": {map[string]any{"aes_iv": iv, "aes_iv_mode": "fixed"}, true, nil},
		"zero IV":         {map[string]any{"aes_iv_mode": "zero"}, true, nil},
		"IV of the key":   {map[string]any{"aes_iv_mode": "key"}, true, nil},
		"extra":           {map[string]any{"login_extra": map[string]any{"grant_type": "password", "n": 1}}, true, nil},
		"no base_url":     {without("base_url"), false, []string{"base_url is missing"}},
		"plain http":      {map[string]any{"base_url": "http://planted-reply.example"}, false, []string{"base_url must begin"}},
		"no partner":      {without("partner_code"), false, []string{"partner_code is missing"}},
		"partner of two lines": {
			map[string]any{"partner_code": "planted\n-partner"},
			false,
			[]string{"partner_code holds a control character"},
		},
		"no key":                {without("aes_key"), false, []string{"aes_key is missing"}},
		"short key":             {map[string]any{"aes_key": key[1:]}, false, []string{"aes_key: "}},
		"fixed without IV":      {map[string]any{"aes_iv_mode": "fixed"}, false, []string{"aes_iv, aes_iv_mode: ", "needs an IV"}},
		"IV and mode at odds":   {map[string]any{"aes_iv": iv, "aes_iv_mode": "prefix"}, false, []string{"drop the IV"}},
		"unknown mode":          {map[string]any{"aes_iv_mode": "planted-reply"}, false, []string{"unknown IV mode"}},
		"IV is a number":        {map[string]any{"aes_iv": 7}, false, []string{"aes_iv is not a text"}},
		"no password":           {without("password"), false, []string{"password is missing"}},
		"user alone":            {without("password", "client_id", "client_secret"), false, []string{"password", "client_id", "client_secret"}},
		"client_secret missing": {without("client_secret"), false, []string{"client_secret is missing"}},
		"extra takes a field":   {map[string]any{"login_extra": map[string]any{"password": "planted-password"}}, false, []string{"login_extra must not set password"}},
		"extra is no object":    {map[string]any{"login_extra": "planted-reply"}, false, []string{"login_extra is not an object"}},
		"everything": {
			map[string]any{"base_url": nil, "partner_code": nil, "aes_key": "x", "username": 7},
			false,
			[]string{"base_url", "partner_code", "aes_key", "username"},
		},
	}
	all := map[string]clienttest.Credentials{}
	for name, tc := range cases {
		text := fields("https://x.example", tc.changes).Reveal()
		all[name] = clienttest.Credentials{Text: text, Login: tc.login, Problems: tc.problems}
	}
	client.Opens(t, all, nil)
}
