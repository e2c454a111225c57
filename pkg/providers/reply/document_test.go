package reply_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/providers/reply"
)

var sent = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// hesabe are the rules of a provider that rotates and whose tokens have a place.
var hesabe = reply.Rules{Lifetime: 15 * time.Minute, Longest: 15 * time.Minute, Rotates: true, Path: "response.token"}

// Tokens are found whatever is odd around them, with a warning for each oddity.
func TestTokensWhateverIsAroundThem(t *testing.T) {
	t.Parallel()
	const token = `{"access_token":"at","refresh_token":"rt","expires_in":900}`
	const good = `{"status":true,"response":{"token":` + token + `}}`
	cases := map[string]struct{ body, warning string }{
		"as it should be":                          {good, ""},
		"mark of byte order":                       {"\ufeff" + good, ""},
		"flags of another type":                    {`{"status":"true","response":{"token":{"access_token":"at","refresh_token":"rt","expires_in":"900"}}}`, ""},
		"curl/curl #2368: bytes behind it":         {good + "\x00\x00", "more in the reply"},
		"cut behind the tokens":                    {good[:len(good)-2], "more in the reply"},
		"PHP's warning before it":                  {"<br />\n<b>Warning</b>: x in y on line {1}\n" + good, "more in the reply"},
		"a guard against scripts before it":        {")]}',\n" + good, "more in the reply"},
		"two documents":                            {good + good, "more in the reply"},
		"NaN beside":                               {strings.Replace(good, `"status":true`, `"took":NaN`, 1), "more in the reply"},
		"bad UTF-8 beside":                         {strings.Replace(good, `true`, "\"\xe8\"", 1), ""},
		"flat":                                     {token, "not where they should be"},
		"in another wrapper":                       {`{"data":{"auth":` + token + `}}`, "not where they should be"},
		"in a list":                                {`[` + token + `]`, "not where they should be"},
		"JSON in a string":                         {`{"response":{"token":"` + strings.ReplaceAll(token, `"`, `\"`) + `"}}`, ""},
		"a string of a string of JSON":             {strconv.Quote(strconv.Quote(good)), ""},
		"a zero before it":                         {"\x00" + good, "more in the reply"},
		"a string of JSON":                         {`"` + strings.ReplaceAll(good, `"`, `\"`) + `"`, ""},
		"1Password/connect-sdk-go #73: line break": {strings.Replace(good, `"at"`, `"at\n"`, 1), "white space at its ends"},
		"blanks around":                            {strings.Replace(good, `"at"`, `" at\t"`, 1), "white space at its ends"},
		"an access token of old before it":         {`{"old":{"access_token":"at"},"response":{"token":` + token + `}}`, ""},
		"the refresh token also by its alias":      {strings.Replace(good, `"expires_in"`, `"refreshToken":"other","expires_in"`, 1), ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, unreadable, ok := reply.Read(tc.body).Tokens(sent, time.Time{}, hesabe)
			if !ok || unreadable || got.AccessToken.Reveal() != "at" || got.RefreshToken.Reveal() != "rt" ||
				!got.AccessExpiresAt.Equal(sent.Add(15*time.Minute)) {
				t.Fatalf("Tokens = %+v, %v, %v", got, unreadable, ok)
			}
			if told := slices.ContainsFunc(got.Warnings, func(w string) bool { return strings.Contains(w, tc.warning) }); tc.warning == "" && len(got.Warnings) > 0 || tc.warning != "" && !told {
				t.Errorf("warnings %q, want %q", got.Warnings, tc.warning)
			}
		})
	}
}

// In JSON that cannot be parsed each member is read by itself.
func TestMembersOfDamagedJSON(t *testing.T) {
	t.Parallel()
	const good = `{"status":true,"message":"ok","response":{"token":{"expires_in":900,"access_token":"at","refresh_token":"rt"}}}`
	cut := func(by int) string { return good[:len(good)-by] }
	for name, tc := range map[string]struct{ body, refresh string }{
		"its last brace is missing":         {cut(1), "rt"},
		"all braces are missing":            {cut(3), "rt"},
		"cut at the end of the token":       {cut(4), ""},
		"cut in the token":                  {cut(5), ""},
		"cut before the token":              {cut(8), ""},
		"cut in the token's name":           {cut(15), ""},
		"NaN":                               {strings.Replace(good, "900", "NaN", 1), "rt"},
		"a number with a leading zero":      {strings.Replace(good, "900", "0900", 1), "rt"},
		"a number with a plus":              {strings.Replace(good, "900", "+900", 1), "rt"},
		"undefined":                         {strings.Replace(good, "900", "undefined", 1), "rt"},
		"a comma too many":                  {strings.Replace(good, `"rt"`, `"rt",`, 1), "rt"},
		"a comma is missing":                {strings.Replace(good, `"at",`, `"at" `, 1), "rt"},
		"a quote in a text":                 {strings.Replace(cut(1), `"ok"`, `"o"k"`, 1), "rt"},
		"a line break in a text":            {strings.Replace(cut(1), `"ok"`, "\"o\nk\"", 1), "rt"},
		"a comment":                         {strings.Replace(good, `"at",`, `"at", // new`+"\n", 1), "rt"},
		"as Python prints it":               {strings.ReplaceAll(strings.Replace(good, "true", "True", 1), `"`, `'`), "rt"},
		"blanks around the colon":           {strings.ReplaceAll(cut(1), `":"`, `" : "`), "rt"},
		"escapes in the token":              {strings.Replace(cut(1), `"rt"`, `"\u0072t"`, 1), "rt"},
		"control character in the token":    {strings.Replace(cut(1), `"rt"`, "\"r\x01t\"", 1), ""},
		"a refresh token that is an object": {strings.Replace(cut(3), `"rt"`, `{"a":"rt"}`, 1), ""},
		"a refresh token of two kinds":      {strings.Replace(cut(3), `"expires_in"`, `"refresh_token":"x","expires_in"`, 1), ""},
		"as a form":                         {"access_token=at&expires_in=900&refresh_token=rt&token_type=bearer", "rt"},
		"as a form, with a line break":      {"refresh_token=%72t&access_token=at\n", "rt"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, unreadable, ok := reply.Read(tc.body).Tokens(sent, time.Time{}, hesabe)
			if tc.refresh == "" { // it may have been cut off: it is not absent
				assert.Check(t, !ok, "Tokens of %s = %+v", tc.body, got)
				return
			}
			if !ok || got.AccessToken.Reveal() != "at" || got.RefreshToken.Reveal() != tc.refresh || unreadable {
				t.Errorf("Tokens of %s = %+v, %v, %v", tc.body, got, unreadable, ok)
			}
			assert.Check(t, got.AccessExpiresAt.Equal(sent.Add(15*time.Minute)) && len(got.Warnings) != 0,
				"it lives until %s, with %q", got.AccessExpiresAt, got.Warnings)
		})
	}
}

// A damaged token counts as missing.
func TestDamagedTokens(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"cut in it":               `{"access_token":"at`,
		"form without a value":    `access_token=&refresh_token=rt`,
		"form with a line break":  `access_token=a%0at&refresh_token=rt`,
		"twice, in two ways":      `{"access_token":"at","access_token":"other"`,
		"named in a text":         `{"message":"\"access_token\":\"at\" is missing`,
		"another's name":          `{"old_access_token":"at","access_token_type":"x`,
		"bad UTF-8 in it":         "{\"access_token\":\"a\xfft\"}",
		"control character in it": `{"access_token":"a\u0007t"}`,
		"line break in it":        `{"access_token":"a\nt"}`,
		"zero at its end":         `{"access_token":"at\u0000"}`,
		"half a surrogate":        `{"access_token":"at\ud800"}`,
		"blank":                   `{"access_token":" \n"}`,
		"number":                  `{"access_token":7}`,
		"nothing":                 `{}`,
		"empty":                   `{"access_token":""}`,
		"null":                    `{"access_token":null}`,
		"another case":            `{"Access_Token":"x"}`,
		"the other token alone":   `{"refresh_token":"rt","expires_in":900}`,
		"too deep":                `{"a":{"a":{"a":{"a":{"a":{"a":{"access_token":"at"}}}}}}}`,
		"page":                    `<html>{"x":1}</html>`,
	} {
		got, _, ok := reply.Read(body).Tokens(sent, time.Time{}, hesabe)
		assert.Check(t, !ok, "%s: %+v", name, got)
	}
}

// RFC 9700, 4.14.2: the presented token is spent although the new one cannot be read.
func TestUnreadableRefreshToken(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		beside     string // after the access token
		unreadable bool
	}{
		"absent":                       {``, false},
		"null":                         {`,"refresh_token":null`, false},
		"empty":                        {`,"refresh_token":""`, false},
		"blank":                        {`,"refresh_token":" \t"`, false},
		"its lifetime":                 {`,"refresh_expires_in":86400`, false},
		"its lifetime, otherwise":      {`,"refresh_token_expires_in":86400,"refreshTokenExpiresAt":"2026-11-21T12:00:00Z"`, false},
		"its type":                     {`,"refresh_token_type":"urn:ietf:params:oauth:token-type:refresh_token"`, false},
		"its rotation":                 {`,"refresh_token_rotated":true,"refreshTokenReuseInterval":{"seconds":5}`, false},
		"alias without a value":        {`,"refreshToken":null`, false},
		"a flag":                       {`,"refresh":true`, false},
		"number":                       {`,"refresh_token":987654321`, true},
		"zero":                         {`,"refresh_token":0`, true},
		"object":                       {`,"refresh_token":{"token":"x"}`, true},
		"empty object":                 {`,"refresh_token":{}`, true},
		"list":                         {`,"refresh_token":["x"]`, true},
		"boolean":                      {`,"refresh_token":false`, true},
		"control character":            {`,"refresh_token":"a\u0000b"`, true},
		"half a surrogate":             {`,"refresh_token":"a\udc00"`, true},
		"bad UTF-8":                    {",\"refresh_token\":\"a\xe8\"", true},
		"camel case":                   {`,"refreshToken":"x"`, true},
		"camel case, number":           {`,"refreshToken":7`, true},
		"other case":                   {`,"Refresh_Token":"x"`, true},
		"hyphen":                       {`,"refresh-token":"x"`, true},
		"longer name":                  {`,"new_refresh_token":"abcdefgh"`, true},
		"null beside its alias":        {`,"refresh_token":null,"refreshToken":"x"`, true},
		"short name":                   {`,"refresh":"abcdefgh"`, true},
		"another place":                {`},"refresh_token":"x","y":{"z":1`, true},
		"another place, in other case": {`},"meta":{"refreshToken":"x"},"y":{"z":1`, true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := `{"response":{"token":{"access_token":"at","expires_in":900` + tc.beside + `}}}`
			got, unreadable, ok := reply.Read(body).Tokens(sent, time.Time{}, hesabe)
			assert.Check(t, ok && unreadable == tc.unreadable && got.RefreshToken.IsZero() && len(got.Warnings) != 0,
				"Tokens = %+v, %v, %v", got, unreadable, ok)
			// If the provider doesn't rotate, the presented token stays good.
			if got, unreadable, ok := reply.Read(body).Tokens(sent, time.Time{}, reply.Rules{}); !ok || unreadable || tc.unreadable && len(got.Warnings) == 0 {
				t.Errorf("without rotation: %+v, %v, %v", got, unreadable, ok)
			}
		})
	}
	// After damage too.
	for _, body := range []string{`{"a":{"access_token":"at"},"refresh_token":"rt`, `"refreshToken":"x",{"access_token":"at"}`} {
		_, unreadable, ok := reply.Read(body).Tokens(sent, time.Time{}, hesabe)
		assert.Check(t, ok && unreadable, "%s: unreadable %v, ok %v", body, unreadable, ok)
	}
}

func TestHoldsTokens(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		`{"access_token":"abcdefgh"}`:                               true,
		`{"data":{"refreshToken":"abcdefgh"}}`:                      true,
		`{"token":{"value":"abcdefgh"}}`:                            true,
		`{"refresh_token":987654321}`:                               true,
		`{"access_token":"abcdefgh","refresh_token":"ab`:            true,
		`access_token=abcdefgh&token_type=bearer`:                   true,
		`{"message":"The refresh token is invalid."}`:               false,
		`{"errors":{"refreshToken":["The refresh token is old."]}}`: false,
		`{"token_type":"Bearer-Token"}`:                             false,
		`{"token":null,"access_token":""}`:                          false,
		`<html></html>`:                                             false,
		``:                                                          false,
	} {
		got := reply.HoldsTokens(body)
		assert.Check(t, got == want, "HoldsTokens(%s) = %v", body, got)
	}
}
