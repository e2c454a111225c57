package hesabe_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/providers/hesabe"
	"tokenrefresh/pkg/secret"
)

func TestSessionMasksItself(t *testing.T) {
	t.Parallel()
	session := open(t, "http://127.0.0.1:1")
	text := fmt.Sprintf("%v %+v %#v %s %v", session, session, session, session, []any{session})
	if want := strings.Repeat("[hesabe session] ", 4) + "[[hesabe session]]"; text != want {
		t.Errorf("the session prints as %s", text)
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		text        string
		environment string
		login       bool
		problems    []string // none: it opens
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
			provider := hesabe.New(exchange.New(exchange.Options{}), tc.environment)
			session, err := provider.Open(secret.New(tc.text))
			if len(tc.problems) == 0 {
				if err != nil || session.CanLogin() != tc.login {
					t.Fatalf("Open: %v", err)
				}
				if _, err := session.Login(t.Context()); !tc.login && !errors.Is(err, providers.ErrNoLogin) {
					t.Errorf("Login without credentials: %v", err)
				}
				return
			}
			e := wantError(t, err, providers.Misconfigured, "open")
			for _, problem := range tc.problems {
				if !strings.Contains(e.Error(), problem) {
					t.Errorf("%q is missing in: %v", problem, &e)
				}
			}
		})
	}
	if _, err := hesabe.New(nil, "production").Open(secret.New(`{"placeholder":""}`)); !errors.Is(err, providers.ErrNotSeeded) {
		t.Errorf("placeholder: %v", err)
	}
	if name := hesabe.New(nil, "").Name(); name != "hesabe" {
		t.Errorf("Name = %q", name)
	}
}
