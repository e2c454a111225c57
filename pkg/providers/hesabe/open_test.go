package hesabe_test

import (
	"testing"

	"tokenrefresh/pkg/providers/internal/clienttest"
)

func TestEverywhere(t *testing.T) {
	t.Parallel()
	client.Everywhere(t, open(t, clienttest.DeadHost))
}

func TestOpen(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		Text        string
		Environment string
		Login       bool
		Problems    []string // none: it opens
	}{
		"all":                  {`{"username":"u","password":"p","base_url":"https://x.example"}`, "", true, nil},
		"no base_url":          {`{"username":"u","password":"p"}`, "production", true, nil},
		"unknown keys":         {`{"username":"u","password":"p","note":7}`, "sandbox", true, nil},
		"base_url alone":       {`{"base_url":"https://x.example"}`, "production", false, nil},
		"nulls":                {`{"username":null,"password":null,"base_url":"https://x.example"}`, "production", false, nil},
		"no environment":       {`{"username":"u","password":"p"}`, "staging", false, []string{"base_url is missing"}},
		"username alone":       {`{"username":"planted-user","base_url":"https://x.example"}`, "production", false, []string{"password is missing"}},
		"password alone":       {`{"password":"planted-password"}`, "production", false, []string{"username is missing"}},
		"blank password":       {`{"username":"u","password":" "}`, "production", false, []string{"password is not a text"}},
		"keys in another case": {`{"Username":"planted-user","Password":"planted-password"}`, "production", false, []string{"username is", "password is"}},
		"everything":           {`{"username":7,"base_url":"http://planted-user.example"}`, "", false, []string{"username", "password", "base_url"}},
		"no JSON":              {`planted-password`, "production", false, []string{"not a JSON object"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client.Opens(t, tc)
		})
	}
}
