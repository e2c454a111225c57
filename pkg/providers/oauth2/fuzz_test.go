package oauth2_test

import (
	"testing"

	"tokenrefresh/internal/plant"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/providers/internal/fuzz"
	"tokenrefresh/pkg/providers/oauth2"
)

func FuzzRead(f *testing.F) {
	fuzz.Read(f, "oauth2", true, oauth2.Read,
		good, `{"access_token":"at","instance_url":"https://x.example"}`, "access_token=at&expires_in=28800&refresh_token=rt",
		"error=bad_refresh_token&error_description=x", `{"ok":false,"error":"token_expired"}`, `{"error":"server_error"}`,
		`{"error":{"code":"invalid_grant"}}`, `{"error":"invalid_code"}`, `{"status":"BAD_REFRESH_TOKEN","message":"x"}`,
		`{"error":"x","refresh_token":"long-enough"}`, `{"error":"invalid_token"}`, "", "null", "<html>",
	)
}

func FuzzOpen(f *testing.F) {
	fuzz.Open(f, oauth2.New(exchange.New(exchange.Options{}), ""),
		everything,
		`{"token_url":"https://x.example/token?tenant=1","client_id":"i"}`,
		`{"token_url":"https://x.example/`+plant.Marker+`#x","client_id":7,"publish":[""]}`,
		`{"token_url":"https://x.example","client_id":"i","client_secret":"&+/ %:","login_params":{"grant_type":"client_credentials"}}`,
		`{"token_url":"https://x.example","client_id":"i","refresh_params":{"a":[],"b":true,"c":1.5},"refresh_token_reuse":"7"}`,
	)
}
