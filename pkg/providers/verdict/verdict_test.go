package verdict_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/providers/reply"
	"tokenrefresh/pkg/providers/verdict"
	"tokenrefresh/pkg/secret"
)

var sent = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// acme rotates, and calls its errors problems.
var acme = verdict.Rules{
	Tokens: reply.Rules{Lifetime: time.Hour, Rotates: true},
	Words: verdict.Words{
		Own:         func(root reply.Object) bool { return root.Says("problem") },
		Refused:     []string{"fresh out of tokens"},
		Credentials: []string{"who are you"},
	},
	Secrets: "password",
}

const (
	unknown       = providers.Unknown
	refused       = providers.Refused
	maybe         = providers.MaybeRefused
	misconfigured = providers.Misconfigured
	limited       = providers.RateLimited
	away          = providers.TurnedAway
)

func answer(op string, status int, body string) exchange.Reply {
	return exchange.Reply{
		Provider: "acme", Op: op, Status: status, Body: secret.New(body), Sent: sent, Date: sent.Add(time.Second),
	}
}

func failure(t *testing.T, rules verdict.Rules, a exchange.Reply) *providers.Error {
	t.Helper()
	got, err := rules.Read(a)
	var e *providers.Error
	assert.Assert(t, errors.As(err, &e), "%d %s: %+v, %v", a.Status, a.Body.Reveal(), got, err)
	if e.Provider != "acme" || e.Op != a.Op || e.Status != a.Status || !e.Sent.Equal(sent) || e.Hint == "" {
		t.Errorf("an error of another answer, or one that says nothing: %+v", e)
	}
	return e
}

// What an answer means. Each case names where it was seen.
func TestAnswers(t *testing.T) {
	t.Parallel()
	league := `{"error":"invalid_request","error_description":"The refresh token is invalid.","hint":"Token has been revoked","message":"The refresh token is invalid."}`
	for reason, tc := range map[string]struct {
		status int
		body   string
		kind   providers.Kind
	}{
		// The provider's own words: this refresh token is invalid.
		"RFC 6749, 5.2":                       {400, `{"error":"invalid_grant"}`, refused},
		"Atlassian: with 403":                 {403, `{"error":"invalid_grant"}`, refused},
		"laravel/passport #1605: league's":    {401, league, refused},
		"the same as a success":               {200, league, refused},
		"HubSpot: its code in status":         {400, `{"status":"BAD_REFRESH_TOKEN","message":"x"}`, refused},
		"GitHub: its code in a success":       {200, `{"error":"bad_refresh_token"}`, refused},
		"Slack: its code in a success":        {200, `{"ok":false,"error":"invalid_refresh_token"}`, refused},
		"OAuth 2 library's sentence":          {400, `{"message":"The provided authorization grant (e.g., authorization code, resource owner credentials) or refresh token is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client."}`, refused},
		"in an object":                        {400, `{"error":{"code":1,"message":"Refresh token has already been used"}}`, refused},
		"in a list":                           {400, `{"problems":[{"detail":"refresh_token expired"}]}`, refused},
		"in two languages":                    {400, `{"message":{"ar":"x","en":"Refresh token not found."}}`, refused},
		"with advice":                         {401, `{"message":"Your refreshToken is expired. Please log in again."}`, refused},
		"does not exist":                      {404, `{"message":"Refresh token does not exist"}`, refused},
		"in its own words":                    {404, `{"problem":1,"message":"Fresh out of tokens!"}`, refused},
		"in its own words, as a success":      {200, `{"problem":1,"message":"Fresh out of tokens!"}`, refused},
		"Content-Type of nothing, and a mark": {400, "\ufeff" + `{"error":"invalid_grant"}`, refused},
		"bytes behind it":                     {400, `{"error":"invalid_grant"}` + "\r\n0\r\n", refused},

		// Perhaps about the token.
		"laravel/passport #1424: unauthenticated": {401, `{"message":"Unauthenticated."}`, maybe},
		"any 401 in JSON":                         {401, `{"message":"x"}`, maybe},
		"Laravel: a list of mistakes":             {422, `{"message":"The given data was invalid.","errors":{"refresh_token":["The refresh token is invalid."]}}`, maybe},
		"a list of mistakes, 400":                 {400, `{"errors":{"refresh_token":["The refresh token is invalid."]}}`, maybe},
		"another 422":                             {422, `{"detail":[{"loc":["body"],"msg":"x"}]}`, maybe},
		"RFC 6750":                                {403, `{"error":"invalid_token"}`, maybe},
		"some token has expired":                  {400, `{"message":"Token has expired"}`, maybe},
		"its own problem":                         {400, `{"problem":7}`, maybe},
		"its own problem, 404":                    {404, `{"problem":7}`, maybe},
		"the token and the client are wrong":      {400, `{"error":"invalid_grant","error_description":"Invalid user credentials"}`, maybe},
		"missing or invalid":                      {400, `{"message":"Refresh token is missing or invalid"}`, away},

		// Wrong client, secret or password.
		"Keycloak: wrong secret":      {401, `{"error":"unauthorized_client","error_description":"Invalid client or Invalid client credentials"}`, misconfigured},
		"RFC 6749: wrong client":      {401, `{"error":"invalid_client"}`, misconfigured},
		"wrong client as a success":   {200, `{"error":"invalid_client"}`, misconfigured},
		"league: wrong client":        {401, `{"message":"Client authentication failed"}`, misconfigured},
		"Laravel: wrong password":     {422, `{"message":"These credentials do not match our records."}`, misconfigured},
		"a key":                       {403, `{"message":"Invalid API key"}`, misconfigured},
		"credentials in its own word": {400, `{"problem":"Who are you?"}`, misconfigured},

		// Rate limits.
		"429":                      {429, ``, limited},
		"429 with a page":          {429, `<html></html>`, limited},
		"425":                      {425, `x`, limited},
		"RFC 8628":                 {400, `{"error":"slow_down"}`, limited},
		"Zoho: too many requests":  {400, `{"error":"Access Denied","error_description":"You have made too many requests continuously."}`, limited},
		"AWS":                      {400, `{"__type":"x","message":"Rate limit exceeded"}`, limited},
		"Laravel, in a success":    {200, `{"message":"Too Many Attempts."}`, limited},
		"a code in a success":      {200, `{"code":429}`, limited},
		"a limit and a dead token": {400, `{"error":"invalid_grant","message":"rate limit"}`, limited},
		"an address of a limit":    {400, `{"message":"x","documentation_url":"https://x.example/rate limit"}`, away},

		// Gateways, firewalls, pages, codes that nobody knows.
		"traefik/traefik #621":         {404, "404 page not found\n", away},
		"traefik/traefik #9289: empty": {404, "", away},
		"Kong/kong #10483":             {404, `{"message":"no Route matched with those values"}`, away},
		"Kong/kong #11250":             {400, `{"message":"Bad request","request_id":"x"}`, away},
		"stacklok/toolhive #5169: WAF": {400, `<html><title>Request Rejected</title>Your support ID is: 1</html>`, away},
		"the same with 401":            {401, `<html>invalid_grant</html>`, away},
		"stacklok/toolhive #5170":      {400, "Bad Request", away},
		"its words as text":            {400, "invalid_grant", away},
		"its words in a string":        {400, `"invalid_grant"`, away},
		"owncloud/client #9380":        {421, "", away},
		"API gateway":                  {403, `{"message":"Missing Authentication Token"}`, away},
		"Spring":                       {404, `{"timestamp":1,"status":404,"error":"Not Found","path":"/refresh-token"}`, away},
		"an echo":                      {400, `{"message":"x","body":{"grant_type":"refresh_token"}}`, away},
		"RFC 6749: a wrong scope":      {400, `{"error":"invalid_scope"}`, away},
		"RFC 6749: a wrong request":    {400, `{"error":"invalid_request","error_description":"refresh token is required"}`, away},
		"a wrong grant":                {400, `{"error":"unsupported_grant_type"}`, away},
		"a wrong grant in words":       {400, `{"message":"refresh_token is not a valid grant type"}`, away},
		"a wrong scope in words":       {403, `{"error":"access_denied","message":"The refresh token is not valid for this scope"}`, maybe},
		"a wrong client in words":      {400, `{"error":"invalid_client","message":"The refresh token is unknown to this client"}`, misconfigured},
		"a service that is down":       {400, `{"message":"Refresh token service is temporarily unavailable: invalid response"}`, away},
		"words of another one":         {404, `{"message":"Fresh out of tokens!"}`, away},
		"402":                          {402, `{"message":"x"}`, away},
		"405":                          {405, "Method Not Allowed", away},
		"407":                          {407, "proxy authentication required", away},
		"413":                          {413, `<html></html>`, away},
		"451":                          {451, "blocked", away},
		"460":                          {460, "", away},
		"301":                          {301, `<html></html>`, away},
		"308 with its words":           {308, `{"problem":7}`, away},

		// May be spent.
		"303":                          {303, ``, unknown},
		"408":                          {408, `{"error":"invalid_grant"}`, unknown},
		"409":                          {409, `{"error":"invalid_grant"}`, unknown},
		"500":                          {500, `{"error":"invalid_grant"}`, unknown},
		"Hydra: 500":                   {500, `{"error":"server_error"}`, unknown},
		"503 with a limit":             {503, `{"error":"slow_down"}`, unknown},
		"101":                          {101, ``, unknown},
		"a success without a word":     {200, ``, unknown},
		"a success in other words":     {200, `{"status":false,"message":"Service is under maintenance"}`, unknown},
		"a success of 401":             {200, `{"message":"Unauthenticated."}`, unknown},
		"a success that is a page":     {200, `<html>invalid_grant</html>`, unknown},
		"a success that is text":       {200, `invalid_grant`, unknown},
		"a success without its tokens": {200, `{"access_token":null,"refresh_token":"abcdefgh"}`, unknown},
		"a success of other names":     {200, `{"accessToken":"abcdefgh"}`, unknown},
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			e := failure(t, acme, answer("refresh", tc.status, tc.body))
			assert.Check(t, e.Kind == tc.kind && e.Partial == nil, "kind %s, want %s: %v", e.Kind, tc.kind, e)
			// A login presents no token: a refusal is about the credentials.
			want := tc.kind
			if want == refused || want == maybe {
				want = misconfigured
			}
			e = failure(t, acme, answer("login", tc.status, tc.body))
			assert.Check(t, e.Kind == want, "a login: kind %s, want %s", e.Kind, want)
			// If the answer is cut off, a status only shows that the provider asks to wait, unless
			// the JSON was complete.
			cut := answer("refresh", tc.status, tc.body)
			cut.Cut = cut.Fail(unknown, "cut")
			want = unknown
			if tc.status == 429 || tc.status == 425 || reply.Read(tc.body).Whole {
				want = tc.kind
			}
			e = failure(t, acme, cut)
			assert.Check(t, e.Kind == want, "cut: kind %s, want %s", e.Kind, want)
		})
	}
}

// The hint says who has probably answered, and names the field of the credentials to look at.
func TestHints(t *testing.T) {
	t.Parallel()
	elsewhere := acme
	elsewhere.Setting = "token_url"
	for status, want := range map[int]string{301: "correct token_url", 403: "does not allow this address", 404: "token_url is wrong", 407: "a proxy"} {
		e := failure(t, elsewhere, answer("refresh", status, ""))
		assert.Check(t, strings.Contains(e.Hint, want), "%d: %q, want %q", status, e.Hint, want)
	}
}

// If credentials go with each call, the provider's own 401 is about them.
func TestCredentialsWithEachCall(t *testing.T) {
	t.Parallel()
	each := acme
	each.Words.Each = true
	for body, want := range map[string]providers.Kind{
		`{"problem":"x"}`:             misconfigured,
		`{"problem":"token expired"}`: maybe,
		`{"message":"x"}`:             maybe,
		`x`:                           away,
	} {
		e := failure(t, each, answer("refresh", 401, body))
		assert.Check(t, e.Kind == want, "%s: kind %s, want %s", body, e.Kind, want)
	}
}

const (
	token = `{"access_token":"access-1","refresh_token":"refresh-2","expires_in":60}`
	other = `{"access_token":"access-1","refreshToken":"refresh-2","expires_in":60}`
)

// Tokens count whatever their status, if they are complete.
func TestTokens(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer  exchange.Reply
		warning string
	}{
		"200":                       {answer("refresh", 200, token), ""},
		"201":                       {answer("refresh", 201, token), ""},
		"203":                       {answer("login", 203, token), ""},
		"an error that has them":    {answer("refresh", 500, token), "HTTP status 500"},
		"a redirect that has them":  {answer("refresh", 302, token), "HTTP status 302"},
		"429 that has them":         {answer("refresh", 429, token), "HTTP status 429"},
		"beside a dead one's words": {answer("refresh", 200, `{"error":"invalid_grant","data":`+token+`}`), ""},
	} {
		got, err := acme.Read(tc.answer)
		if err != nil || got.AccessToken.Reveal() != "access-1" || got.RefreshToken.Reveal() != "refresh-2" ||
			!got.AccessExpiresAt.Equal(sent.Add(time.Minute)) || !got.ServerDate.Equal(sent.Add(time.Second)) || !got.Raw.IsZero() {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if all := strings.Join(got.Warnings, "; "); !strings.Contains(all, tc.warning) || (tc.warning == "") != (all == "") {
			t.Errorf("%s: warnings %q", name, all)
		}
	}
	cut := answer("refresh", 200, token)
	cut.Cut, cut.Odd = cut.Fail(unknown, "cut"), []string{"odd"}
	if got, err := acme.Read(cut); err != nil || strings.Join(got.Warnings, "; ") != "odd; the reply was cut off after its tokens" {
		t.Errorf("cut behind them: %+v, %v", got, err)
	}
	// An error with only the access token may be an echo.
	for _, body := range []string{`{"access_token":"access-1"}`, other} {
		e := failure(t, acme, answer("refresh", 500, body))
		assert.Check(t, e.Kind == unknown && e.Partial == nil && e.Raw.Reveal() == body, "%s: %+v", body, e)
	}
}

// RFC 9700, 4.14.2: present but unreadable is not absent.
func TestUnreadableRefreshToken(t *testing.T) {
	t.Parallel()
	e := failure(t, acme, answer("refresh", 200, other))
	if e.Kind != unknown || e.Raw.Reveal() != other || e.Partial == nil || e.Partial.AccessToken.Reveal() != "access-1" ||
		!e.Partial.RefreshToken.IsZero() || !e.Partial.AccessExpiresAt.Equal(sent.Add(time.Minute)) || len(e.Partial.Warnings) == 0 {
		t.Errorf("%+v with %+v", e, e.Partial)
	}
	got, err := acme.Read(answer("login", 200, other))
	assert.Check(t, err == nil && got.RefreshToken.IsZero() && got.Raw.Reveal() == other && len(got.Warnings) != 0,
		"a login: %+v, %v", got, err)
	steady := acme
	steady.Tokens.Rotates = false
	if got, err := steady.Read(answer("refresh", 200, other)); err != nil || !got.RefreshToken.IsZero() || !got.Raw.IsZero() || len(got.Warnings) == 0 {
		t.Errorf("without rotation: %+v, %v", got, err)
	}
}

// An answer that may hold the only copy of a token is kept, but never a page, and nothing large.
func TestWhatIsKept(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", providers.MaxRaw+1)
	for name, tc := range map[string]struct {
		status int
		body   string
		kept   bool
	}{
		"a success that nobody can read":     {200, `sealed`, true},
		"a success without a known word":     {200, `{"a":1}`, true},
		"a success that says no":             {200, `{"error":"invalid_grant"}`, false},
		"a success that says no beside some": {200, `{"error":"invalid_grant","data":{"token":"abcdefgh"}}`, true},
		"a success that is a page":           {200, " \n<html>access_token</html>", false},
		"the most":                           {200, large[1:], true},
		"more":                               {200, large, false},
		"an error":                           {500, `{"message":"x"}`, false},
		"an error with something like one":   {500, `{"access_token":"abcdefgh"}`, true},
		"a cut one":                          {502, `{"access_token":"abcdefgh","refresh_tok`, true},
		"a no with something like one":       {400, `{"data":{"refreshToken":"abcdefgh"}}`, true},
		"a no that speaks of one":            {400, `{"message":"The refresh_token is invalid."}`, false},
		"a page that speaks of one":          {502, `<html>access_token=abcdefgh</html>`, false},
		"an error of more":                   {500, `{"access_token":"abcdefgh","x":"` + large + `"}`, false},
	} {
		e := failure(t, acme, answer("refresh", tc.status, tc.body))
		if kept := e.Raw.Reveal() == tc.body; kept != tc.kept || !kept && !e.Raw.IsZero() {
			t.Errorf("%s: %d bytes are kept of %d: %v", name, len(e.Raw.Reveal()), len(tc.body), e)
		}
		told := strings.Contains(e.Hint, "too long to keep")
		assert.Check(t, told == (name == "more" || name == "an error of more"), "%s: %s", name, e.Hint)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		header time.Duration
		body   string
		want   time.Duration
	}{
		"none":           {0, `{}`, 0},
		"header":         {time.Minute, `{}`, time.Minute},
		"body":           {0, `{"retry_after":"2.5"}`, 3 * time.Second},
		"both":           {time.Minute, `{"retry_after":5}`, time.Minute},
		"more than most": {0, `{"retry_after":86400}`, time.Hour},
	} {
		a := answer("refresh", 429, tc.body)
		a.RetryAfter = tc.header
		e := failure(t, acme, a)
		assert.Check(t, e.RetryAfter == tc.want, "%s: %s, want %s", name, e.RetryAfter, tc.want)
	}
}
