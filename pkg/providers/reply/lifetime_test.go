package reply_test

import (
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/providers/reply"
)

// No time from outside is trusted without bounds.
func TestLifetimesAreBounded(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	known := reply.Rules{Lifetime: 15 * time.Minute, Longest: 15 * time.Minute}
	cases := map[string]struct {
		token, expiresIn string
		rules            reply.Rules
		date             time.Duration // of the provider's clock before ours
		want             time.Duration
		warning          string
	}{
		"OAuth-Apis/apis #56: milliseconds":           {"at", `900000`, known, 0, 15 * time.Minute, "milliseconds"},
		"milliseconds as text":                        {"at", `"300000"`, known, 0, 5 * time.Minute, "milliseconds"},
		"dropbox/dropbox-sdk-java #322: milliseconds": {"at", `3600000`, known, 0, 15 * time.Minute, "15m0s are assumed"},
		"a day, which is no second's milliseconds":    {"at", `86400`, known, 0, 15 * time.Minute, "15m0s are assumed"},
		"milliseconds of too few seconds":             {"at", `3000`, known, 0, 15 * time.Minute, "15m0s are assumed"},
		"milliseconds where little is known":          {"at", `3600000`, reply.Rules{}, 0, time.Hour, "milliseconds"},
		"a year where little is known":                {"at", `31536000`, reply.Rules{}, 0, 30 * day, "30 days are assumed"},
		"ten hours of milliseconds":                   {"at", `36000000`, reply.Rules{Longest: 10 * time.Hour}, 0, 10 * time.Hour, "milliseconds"},
		"beyond all numbers":                          {"at", `1e18`, known, 0, 15 * time.Minute, "15m0s is assumed"},
		"beyond all floats":                           {"at", `1e400`, known, 0, 15 * time.Minute, "15m0s is assumed"},
		"words":                                       {"at", `"PT15M"`, known, 0, 15 * time.Minute, "15m0s is assumed"},
		"a flag":                                      {"at", `true`, known, 0, 15 * time.Minute, "15m0s is assumed"},
		"zero":                                        {"at", `0`, known, 0, 0, "counts as expired"},
		"less than zero":                              {"at", `"-1"`, known, 0, 0, "counts as expired"},
		"words where nothing is known":                {"at", `"soon"`, reply.Rules{}, 0, 0, "counts as expired"},
		"a point in time that is too far":             {"at", `1995262500`, known, 0, 15 * time.Minute, "15m0s is assumed"},
		"a point in time":                             {"at", `1795263300`, known, 0, 15 * time.Minute, "point in time"},
		"a point in time in milliseconds":             {"at", `1795263300000`, known, 0, 15 * time.Minute, "point in time"},
		"a point in time on another clock":            {"at", `1795259700`, known, time.Hour, 15 * time.Minute, "point in time"},
		"a point in time that is over":                {"at", `1760422323`, known, 0, 0, "counts as expired"},
		"a JWT without iat":                           {jwt(`{"exp":1795262700}`), `900`, known, 0, 5 * time.Minute, "longer than the access token's"},
		"a JWT without iat, on another clock":         {jwt(`{"exp":1795259100}`), `900`, known, time.Hour, 5 * time.Minute, "longer than the access token's"},
		"a JWT without iat that is over":              {jwt(`{"exp":1795262399}`), `900`, known, 0, 15 * time.Minute, ""},
		"a JWT without iat that lives longer":         {jwt(`{"exp":1795270000}`), `900`, known, 0, 15 * time.Minute, ""},
		"a JWT that says it alone":                    {jwt(`{"iat":1,"exp":601}`), `null`, known, 0, 10 * time.Minute, "own claims count"},
		"a JWT that says it beside nonsense":          {jwt(`{"iat":1,"exp":601}`), `"soon"`, known, 0, 10 * time.Minute, "own claims count"},
		"a JWT that says too much":                    {jwt(`{"iat":1,"exp":86401}`), `null`, known, 0, 15 * time.Minute, "15m0s are assumed"},
		"a JWT of years":                              {jwt(`{"iat":1,"exp":99999999}`), `null`, reply.Rules{}, 0, 30 * day, "30 days are assumed"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := `{"access_token":"` + tc.token + `","expires_in":` + tc.expiresIn + `}`
			got, _, ok := reply.Read(body).Tokens(sent, sent.Add(-tc.date), tc.rules)
			life := got.AccessExpiresAt.Sub(sent)
			assert.Check(t, ok && life == tc.want, "it lives for %s, want %s", life, tc.want)
			if all := strings.Join(got.Warnings, "; "); !strings.Contains(all, tc.warning) || tc.warning == "" && all != "" {
				t.Errorf("warnings %q, want %q", all, tc.warning)
			}
		})
	}
}

func TestRefreshTokensLifetime(t *testing.T) {
	t.Parallel()
	for field, want := range map[string]time.Duration{
		`"refresh_expires_in":86400`:                           24 * time.Hour,
		`"refresh_token_expires_in":"86400"`:                   24 * time.Hour,
		`"x_refresh_token_expires_in":8726400`:                 101 * 24 * time.Hour,
		`"refresh_expires_in":0`:                               0,
		`"refresh_expires_in":0,"refresh_token_expires_in":60`: time.Minute,
		`"refresh_expires_in":1760422323`:                      0,
		`"refresh_expires_in":"never"`:                         0,
	} {
		got, _, ok := reply.Read(`{"access_token":"at",`+field+`}`).Tokens(sent, time.Time{}, reply.Rules{})
		if !ok || want == 0 != got.RefreshExpiresAt.IsZero() || want > 0 && !got.RefreshExpiresAt.Equal(sent.Add(want)) {
			t.Errorf("%s: it ends at %s", field, got.RefreshExpiresAt)
		}
	}
}
