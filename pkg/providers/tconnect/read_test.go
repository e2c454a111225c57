package tconnect_test

import (
	"encoding/base64"
	hexadecimal "encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/aes"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/internal/clienttest"
	"tokenrefresh/pkg/secret"
)

const (
	flat = `{"access_token":"at","expires_in":36000,"refresh_token":"planted-reply",` +
		`"refresh_expires_in":86400,"token_type":"Bearer"}`
	keycloak = `{"error":"invalid_grant","error_description":"planted-reply is not active"}`
	wrapper  = `{"code":401,"message":"planted-reply","data":null}`
	page     = clienttest.Page
)

// Every form that a reply may have.
func TestShapesOfTokens(t *testing.T) {
	t.Parallel()
	for _, mode := range []aes.Mode{aes.Prefix, aes.Fixed, aes.Zero, aes.FromKey} {
		ivText, changes := "", map[string]any{"aes_iv_mode": string(mode)}
		if mode == aes.Fixed {
			ivText = iv
			changes["aes_iv"] = iv
		}
		hex := func(plain string) string { return cipher(t, key, mode, ivText).EncryptHex([]byte(plain)) }
		shapes := map[string]string{
			"flat":                     flat,
			"wrapped":                  `{"code":0,"message":"Success","data":` + flat + `}`,
			"wrapped otherwise":        `{"success":true,"result":` + flat + `}`,
			"token and empty error":    `{"error":null,"data":` + flat + `}`,
			"data in hex":              `{"data":"` + hex(flat) + `"}`,
			"data in capitals":         `{"data":"` + strings.ToUpper(hex(flat)) + `"}`,
			"data in hex with a code":  `{"code":200,"message":"OK","data":"` + hex(flat) + `"}`,
			"data in hex, wrapped":     `{"data":"` + hex(`{"data":`+flat+`}`) + `"}`,
			"bare hex":                 hex(flat),
			"bare hex with a line end": hex(flat) + "\r\n",
			"quoted hex":               `"` + hex(flat) + `"`,
			"hex, wrapped":             hex(`{"code":0,"data":` + flat + `}`),
		}
		session := open(t, "http://127.0.0.1", changes)
		for name, body := range shapes {
			got, err := session.Decode(secret.New(body), clienttest.Now)
			if err != nil {
				t.Errorf("%s, %s: %v", mode, name, err)
				continue
			}
			if got.AccessToken.Reveal() != "at" || got.RefreshToken.Reveal() != "planted-reply" || got.TokenType != "Bearer" ||
				!got.IssuedAt.Equal(clienttest.Now) || !got.AccessExpiresAt.Equal(clienttest.Now.Add(10*time.Hour)) ||
				!got.RefreshExpiresAt.Equal(clienttest.Now.Add(24*time.Hour)) || len(got.Warnings) != 0 {
				t.Errorf("%s, %s: %+v", mode, name, got)
			}
		}
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	const (
		ok            = clienttest.Tokens
		unknown       = providers.Unknown
		refused       = providers.Refused
		maybe         = providers.MaybeRefused
		misconfigured = providers.Misconfigured
		away          = providers.TurnedAway
		limited       = providers.RateLimited
	)
	hex := func(plain string) string { return cipher(t, key, aes.Prefix, "").EncryptHex([]byte(plain)) }
	foreign := cipher(t, otherKey, aes.Prefix, "").EncryptHex([]byte(flat))
	atBase := func(tb testing.TB, base string) providers.Session {
		tb.Helper()
		return open(tb, base, nil)
	}
	cases := map[string]struct {
		Status int
		Body   string
		// its kind for a refresh and for a login
		Refresh, Login providers.Kind
	}{
		"good":                                   {200, flat, ok, ok},
		"good, 201":                              {201, flat, ok, ok},
		"good, encrypted":                        {200, hex(flat), ok, ok},
		"dead":                                   {400, keycloak, refused, misconfigured},
		"perhaps dead, 401":                      {401, wrapper, maybe, misconfigured},
		"dead, encrypted":                        {400, `{"data":"` + hex(keycloak) + `"}`, refused, misconfigured},
		"encrypted otherwise":                    {400, foreign, away, away},
		"without a word":                         {400, "", away, away},
		"toolhive #5169: a firewall's page, 400": {400, page, away, away},
		"its page, 401":                          {401, page, away, away},
		"its page, 403":                          {403, page, away, away},
		"its page, 406":                          {406, page, away, away},
		"its text":                               {400, "Bad Request", away, away},
		"its JSON, 400":                          {400, `{"message":"Bad Request"}`, away, away},
		"Spring's JSON, 404":                     {404, `{"timestamp":1,"status":404,"error":"Not Found","path":"/planted-reply"}`, away, away},
		"dead, in the wrapper":                   {401, `{"code":401,"message":"Token is not active","data":null}`, refused, misconfigured},
		"dead, in the wrapper, 200":              {200, `{"code":401,"message":"Session not active","data":null}`, refused, misconfigured},
		"dead, in Vietnamese":                    {400, `{"code":"E1","message":"Refresh token đã hết hạn","data":null}`, refused, misconfigured},
		"perhaps dead, in Vietnamese":            {400, `{"code":"E1","message":"Yêu cầu không hợp lệ","data":null}`, maybe, misconfigured},
		"perhaps dead, encrypted":                {400, hex(`{"message":"planted-reply"}`), maybe, misconfigured},
		"wrong client":                           {401, `{"error":"invalid_client","error_description":"planted-reply"}`, misconfigured, misconfigured},
		"wrong partner in words":                 {400, `{"code":7,"message":"Invalid partner code","data":null}`, misconfigured, misconfigured},
		"Keycloak: wrong password":               {401, `{"error":"invalid_grant","error_description":"Invalid user credentials"}`, maybe, misconfigured},
		"too many, in the wrapper, 200":          {200, `{"code":429,"message":"planted-reply","data":null}`, limited, limited},
		"dead, 422":                              {422, keycloak, refused, misconfigured},
		"error, 200":                             {200, keycloak, refused, misconfigured},
		"error, 200, encrypted":                  {200, hex(keycloak), refused, misconfigured},
		"error, 200, data encrypted":             {200, `{"data":"` + hex(keycloak) + `"}`, refused, misconfigured},
		"error with data in words":               {200, `{"error":"x","data":"planted-reply"}`, unknown, unknown},
		"error within data":                      {200, `{"code":400,"data":` + keycloak + `}`, refused, misconfigured},
		"wrapper, 200":                           {200, wrapper, unknown, unknown},
		"wrapper, 200, empty data":               {200, `{"code":"E1","message":"planted-reply","data":{}}`, unknown, unknown},
		"wrapper, 200, encrypted":                {200, hex(wrapper), unknown, unknown},
		"message is an object":                   {200, `{"message":{"vi":"planted-reply"}}`, unknown, unknown},
		"wrong path":                             {404, page, away, away},
		"not allowed":                            {403, wrapper, away, away},
		"wrong method":                           {405, wrapper, away, away},
		"redirect":                               {308, "", away, away},
		"see other":                              {303, "", unknown, unknown},
		"conflict":                               {409, keycloak, unknown, unknown},
		"too many":                               {429, wrapper, limited, limited},
		"timeout":                                {408, wrapper, unknown, unknown},
		"broken":                                 {500, keycloak, unknown, unknown},
		"gateway":                                {504, page, unknown, unknown},
		"page, 200":                              {200, page, unknown, unknown},
		"nothing, 200":                           {200, "", unknown, unknown},
		"null":                                   {200, "null", unknown, unknown},
		"empty object":                           {200, "{}", unknown, unknown},
		"cut in its access token":                {200, flat[:strings.Index(flat, `at","`)], unknown, unknown},
		"cut hex":                                {200, hex(flat)[:70], unknown, unknown},
		"another key":                            {200, foreign, unknown, unknown},
		"another key, in data":                   {200, `{"code":0,"message":"Success","data":"` + foreign + `"}`, unknown, unknown},
		"hex of no JSON":                         {200, hex("planted-reply"), unknown, unknown},
		"hex of bad UTF-8":                       {200, hex(strings.Replace(flat, `"at"`, "\"a\xfft\"", 1)), unknown, unknown},
		"bad UTF-8":                              {200, strings.Replace(flat, `"at"`, "\"a\xfft\"", 1), unknown, unknown},
		"hex with its prefix":                    {200, `{"data":"0x` + hex(flat) + `"}`, ok, ok},
		"Base64":                                 {200, `{"data":"` + inBase64(t, hex(flat)) + `"}`, ok, ok},
		"in another field":                       {200, `{"result":{"payload":"` + hex(flat) + `"}}`, ok, ok},
		"in data of data":                        {200, `{"data":{"data":"` + hex(flat) + `"}}`, ok, ok},
		"encrypted twice":                        {200, hex(`{"data":"` + hex(flat) + `"}`), ok, ok},
		"wrapped twice":                          {200, `{"data":{"data":` + flat + `}}`, ok, ok},
		"blank token":                            {200, strings.Replace(flat, `"at"`, `" "`, 1), unknown, unknown},
		// Perhaps tokens by other names: never throw them away.
		"data with other names": {200, `{"code":0,"message":"OK","data":{"accessToken":"planted-reply"}}`, unknown, unknown},
		"data in words":         {200, `{"code":0,"message":"OK","data":"planted-reply"}`, unknown, unknown},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client.Answers(t, atBase, tc)
		})
	}
}

// A reply that came under a wrong key is read again when the key is right.
func TestDecodeAfterTheKeyIsCorrected(t *testing.T) {
	t.Parallel()
	body := `{"data":"` + cipher(t, key, aes.Prefix, "").EncryptHex([]byte(flat)) + `"}`
	host := clienttest.New(t, clienttest.Answer{Status: 200, Body: body})
	_, err := open(t, host.URL, map[string]any{"aes_key": otherKey}).Refresh(t.Context(), secret.New("planted-refresh"))
	e := client.Error(t, err, providers.Unknown, "refresh")
	if !strings.Contains(e.Error(), "aes_key") {
		t.Errorf("no word of the key: %v", &e)
	}
	got, err := open(t, host.URL, nil).Decode(e.Raw, e.Sent)
	if err != nil || got.RefreshToken.Reveal() != "planted-reply" || !got.IssuedAt.Equal(clienttest.Now) {
		t.Errorf("Decode = %+v, %v", got, err)
	}
}

func TestLifetimes(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change  func(map[string]any)
		access  time.Duration
		refresh time.Duration // 0: unknown
		warning string
	}{
		"documented": {func(map[string]any) {}, 10 * time.Hour, 24 * time.Hour, ""},
		"no expires_in": {
			func(r map[string]any) { delete(r, "expires_in") }, 10 * time.Minute, 24 * time.Hour,
			"10m0s is assumed",
		},
		"expires_in is a point in time": {
			func(r map[string]any) { r["expires_in"] = 1760422323 }, 0, 24 * time.Hour,
			"counts as expired",
		},
		"no refresh_expires_in":      {func(r map[string]any) { delete(r, "refresh_expires_in") }, 10 * time.Hour, 0, ""},
		"refresh_expires_in zero":    {func(r map[string]any) { r["refresh_expires_in"] = 0 }, 10 * time.Hour, 0, ""},
		"refresh_expires_in broken":  {func(r map[string]any) { r["refresh_expires_in"] = []any{} }, 10 * time.Hour, 0, ""},
		"refresh_expires_in a year":  {func(r map[string]any) { r["refresh_expires_in"] = "31536000" }, 10 * time.Hour, 365 * 24 * time.Hour, ""},
		"refresh_expires_in an era":  {func(r map[string]any) { r["refresh_expires_in"] = 1760422323 }, 10 * time.Hour, 0, ""},
		"no refresh token":           {func(r map[string]any) { r["refresh_token"] = "" }, 10 * time.Hour, 24 * time.Hour, "no refresh_token"},
		"token_type of a wrong type": {func(r map[string]any) { r["token_type"] = 7 }, 10 * time.Hour, 24 * time.Hour, ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var reply map[string]any
			assert.NilError(t, json.Unmarshal([]byte(flat), &reply))
			tc.change(reply)
			body, err := json.Marshal(reply)
			assert.NilError(t, err)
			got, err := open(t, "http://127.0.0.1", nil).Decode(secret.New(string(body)), clienttest.Now)
			if err != nil || !got.AccessExpiresAt.Equal(clienttest.Now.Add(tc.access)) || got.TokenType != "Bearer" {
				t.Fatalf("Decode = %+v, %v", got, err)
			}
			if (tc.refresh == 0) != got.RefreshExpiresAt.IsZero() ||
				tc.refresh != 0 && !got.RefreshExpiresAt.Equal(clienttest.Now.Add(tc.refresh)) {
				t.Errorf("the refresh token expires at %s", got.RefreshExpiresAt)
			}
			warnings := strings.Join(got.Warnings, " ")
			if !strings.Contains(warnings, tc.warning) || (tc.warning == "") != (warnings == "") {
				t.Errorf("warnings %q, want %q", warnings, tc.warning)
			}
		})
	}
}

func inBase64(t *testing.T, text string) string {
	t.Helper()
	sealed, err := hexadecimal.DecodeString(text)
	assert.NilError(t, err)
	return base64.StdEncoding.EncodeToString(sealed)
}
