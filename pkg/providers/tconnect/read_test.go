package tconnect_test

import (
	"encoding/base64"
	hexadecimal "encoding/hex"
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
		cases := map[string]clienttest.Reading{}
		for name, body := range shapes {
			cases[string(mode)+", "+name] = clienttest.Reading{Body: body, RefreshToken: "planted-reply", Access: 10 * time.Hour, Refresh: 24 * time.Hour}
		}
		client.Reads(t, open(t, "http://127.0.0.1", changes), cases)
	}
}

// What is TConnect's own; package verdict tests what all answers have in common.
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
	client.Answers(t, atBase, map[string]clienttest.Said{
		"good":                {200, flat, ok, ok},
		"good, 201":           {201, flat, ok, ok},
		"good, encrypted":     {200, hex(flat), ok, ok},
		"dead":                {400, keycloak, refused, misconfigured},
		"perhaps dead, 401":   {401, wrapper, maybe, misconfigured},
		"dead, encrypted":     {400, `{"data":"` + hex(keycloak) + `"}`, refused, misconfigured},
		"encrypted otherwise": {400, foreign, away, away},
		"stacklok/toolhive #5169: a firewall's page, 400": {400, clienttest.Page, away, away},
		"dead, in the wrapper":                            {401, `{"code":401,"message":"Token is not active","data":null}`, refused, misconfigured},
		"dead, in the wrapper, 200":                       {200, `{"code":401,"message":"Session not active","data":null}`, refused, misconfigured},
		"dead, in Vietnamese":                             {400, `{"code":"E1","message":"Refresh token đã hết hạn","data":null}`, refused, misconfigured},
		"perhaps dead, in Vietnamese":                     {400, `{"code":"E1","message":"Yêu cầu không hợp lệ","data":null}`, maybe, misconfigured},
		"perhaps dead, encrypted":                         {400, hex(`{"message":"planted-reply"}`), maybe, misconfigured},
		"wrong partner in words":                          {400, `{"code":7,"message":"Invalid partner code","data":null}`, misconfigured, misconfigured},
		"too many, in the wrapper, 200":                   {200, `{"code":429,"message":"planted-reply","data":null}`, limited, limited},
		"error, 200":                                      {200, keycloak, refused, misconfigured},
		"error, 200, encrypted":                           {200, hex(keycloak), refused, misconfigured},
		"error, 200, data encrypted":                      {200, `{"data":"` + hex(keycloak) + `"}`, refused, misconfigured},
		"error with data in words":                        {200, `{"error":"x","data":"planted-reply"}`, unknown, unknown},
		"error within data":                               {200, `{"code":400,"data":` + keycloak + `}`, refused, misconfigured},
		"wrapper, 200":                                    {200, wrapper, unknown, unknown},
		"wrapper, 200, empty data":                        {200, `{"code":"E1","message":"planted-reply","data":{}}`, unknown, unknown},
		"wrapper, 200, encrypted":                         {200, hex(wrapper), unknown, unknown},
		"message is an object":                            {200, `{"message":{"vi":"planted-reply"}}`, unknown, unknown},
		"not allowed":                                     {403, wrapper, away, away},
		"null":                                            {200, "null", unknown, unknown},
		"empty object":                                    {200, "{}", unknown, unknown},
		"cut in its access token":                         {200, flat[:strings.Index(flat, `at","`)], unknown, unknown},
		"cut hex":                                         {200, hex(flat)[:70], unknown, unknown},
		"another key":                                     {200, foreign, unknown, unknown},
		"another key, in data":                            {200, `{"code":0,"message":"Success","data":"` + foreign + `"}`, unknown, unknown},
		"hex of no JSON":                                  {200, hex("planted-reply"), unknown, unknown},
		"hex of bad UTF-8":                                {200, hex(strings.Replace(flat, `"at"`, "\"a\xfft\"", 1)), unknown, unknown},
		"bad UTF-8":                                       {200, strings.Replace(flat, `"at"`, "\"a\xfft\"", 1), unknown, unknown},
		"hex with its prefix":                             {200, `{"data":"0x` + hex(flat) + `"}`, ok, ok},
		"Base64":                                          {200, `{"data":"` + inBase64(t, hex(flat)) + `"}`, ok, ok},
		"in another field":                                {200, `{"result":{"payload":"` + hex(flat) + `"}}`, ok, ok},
		"in data of data":                                 {200, `{"data":{"data":"` + hex(flat) + `"}}`, ok, ok},
		"encrypted twice":                                 {200, hex(`{"data":"` + hex(flat) + `"}`), ok, ok},
		"wrapped twice":                                   {200, `{"data":{"data":` + flat + `}}`, ok, ok},
		"blank token":                                     {200, strings.Replace(flat, `"at"`, `" "`, 1), unknown, unknown},
		// Perhaps tokens by other names: never throw them away.
		"data with other names": {200, `{"code":0,"message":"OK","data":{"accessToken":"planted-reply"}}`, unknown, unknown},
		"data in words":         {200, `{"code":0,"message":"OK","data":"planted-reply"}`, unknown, unknown},
	})
}

// A reply that came under a wrong key is read again when the key is right.
func TestDecodeAfterTheKeyIsCorrected(t *testing.T) {
	t.Parallel()
	body := `{"data":"` + cipher(t, key, aes.Prefix, "").EncryptHex([]byte(flat)) + `"}`
	host := clienttest.New(t, clienttest.Answer{Status: 200, Body: body})
	_, err := open(t, host.URL, map[string]any{"aes_key": otherKey}).Refresh(t.Context(), secret.New("planted-refresh"))
	e := client.Error(t, err, providers.Unknown, "refresh")
	assert.Check(t, strings.Contains(e.Error(), "aes_key"), "no word of the key: %v", &e)
	got, err := open(t, host.URL, nil).Decode(e.Raw, e.Sent)
	assert.Check(t, err == nil && got.RefreshToken.Reveal() == "planted-reply" && got.IssuedAt.Equal(clienttest.Now),
		"Decode = %+v, %v", got, err)
}

func TestLifetimes(t *testing.T) {
	t.Parallel()
	const access, day = 10 * time.Hour, 24 * time.Hour
	without := func(fields ...string) string { return strings.NewReplacer(fields...).Replace(flat) }
	client.Reads(t, open(t, clienttest.DeadHost, nil), map[string]clienttest.Reading{
		"documented":                    {flat, "planted-reply", access, day, ""},
		"no expires_in":                 {without(`"expires_in":36000,`, ""), "planted-reply", 10 * time.Minute, day, "10m0s is assumed"},
		"expires_in is a point in time": {without(`36000`, "1760422323"), "planted-reply", 0, day, "counts as expired"},
		"no refresh_expires_in":         {without(`"refresh_expires_in":86400,`, ""), "planted-reply", access, 0, ""},
		"refresh_expires_in zero":       {without(`86400`, "0"), "planted-reply", access, 0, ""},
		"refresh_expires_in a year":     {without(`86400`, `"31536000"`), "planted-reply", access, 365 * day, ""},
		"no refresh token":              {without(`planted-reply`, ""), "", access, day, "no refresh_token"},
		"token_type of a wrong type":    {without(`"Bearer"`, "7"), "planted-reply", access, day, ""},
	})
}

func inBase64(t *testing.T, text string) string {
	t.Helper()
	sealed, err := hexadecimal.DecodeString(text)
	assert.NilError(t, err)
	return base64.StdEncoding.EncodeToString(sealed)
}
