package sandbox_test

import (
	"encoding/json"
	"math"
	"net/http"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/sandbox"
)

func TestBerbixSuccess(t *testing.T) {
	t.Parallel()
	b := start(t, sandbox.Options{})
	tx := b.AddTransaction()
	assert.Check(t, tx.ID > math.MaxUint32, "transaction %d fits into 32 bits", tx.ID)
	got := tokenFields(t, b.refresh(t.Context(), sandbox.Berbix, tx.RefreshToken))
	access, _ := got["access_token"].(string)
	client, _ := got["client_token"].(string)
	assert.Check(t, b.Valid(sandbox.Berbix, access) && client != "" && client != access,
		"access token %q, client token %q", access, client)
	delete(got, "access_token")
	delete(got, "client_token")
	want := map[string]any{
		"entity": "token", "transaction_id": json.Number("1234567890123"), "expires_in": json.Number("3600"), "token_type": "Bearer",
	}
	assert.Check(t, is.DeepEqual(got, want))
}

func TestBerbixRefuses(t *testing.T) {
	t.Parallel()
	b := start(t, sandbox.Options{})
	secret := b.credentials(sandbox.Berbix)["api_secret"]
	good := b.AddTransaction()
	gone := b.AddTransaction()
	assert.Assert(t, b.Revoke(sandbox.Berbix, gone.RefreshToken) && !b.Revoke(sandbox.Berbix, "nobody's"),
		"Revoke doesn't say what it found")
	body := object("refresh_token", good.RefreshToken, "grant_type", "refresh_token")
	unauthorized := `{"status":401,"reason":"unauthorized","message":"The API secret is not valid."}`
	cases := []struct {
		name, user, password, body string
		status                     int
		want                       string
	}{
		{"wrong secret", "secret_test_x", "", body, 401, unauthorized},
		{"a password", secret, "x", body, 401, unauthorized},
		{
			"no grant type", secret, "", object("refresh_token", good.RefreshToken), 400,
			`{"status":400,"reason":"invalid_grant_type","message":"grant_type must be refresh_token."}`,
		},
		{
			"another grant type", secret, "", object("refresh_token", good.RefreshToken, "grant_type", "authorization_code"), 400,
			`{"status":400,"reason":"invalid_grant_type","message":"grant_type must be refresh_token."}`,
		},
		{
			"not JSON", secret, "", "refresh_token=x", 400,
			`{"status":400,"reason":"invalid_json","message":"The body must be a JSON object."}`,
		},
		{
			"unknown token", secret, "", object("refresh_token", "x", "grant_type", "refresh_token"), 400,
			`{"status":400,"reason":"invalid_refresh_token","message":"The refresh token is not valid."}`,
		},
		{
			"deleted transaction", secret, "", object("refresh_token", gone.RefreshToken, "grant_type", "refresh_token"), 410,
			`{"status":410,"reason":"gone","message":"The transaction was deleted."}`,
		},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := b.berbix(t.Context(), tc.user, tc.password, tc.body)
			assert.Check(t, got.err == nil && got.status == tc.status && got.body == tc.want,
				"%d %s, error %v; want %d %s", got.status, got.body, got.err, tc.status, tc.want)
		})
	}
	t.Run("bearer", func(t *testing.T) {
		t.Parallel()
		got := b.ask(t.Context(), http.MethodPost, b.URL(sandbox.Berbix)+"/v0/tokens", body, "Authorization", "Bearer "+secret)
		assert.Check(t, got.status == http.StatusUnauthorized && got.body == unauthorized,
			"%d %s", got.status, got.body)
	})
}

func TestBerbixTokenIsReusable(t *testing.T) {
	t.Parallel()
	b := start(t, sandbox.Options{})
	tx := b.AddTransaction()
	first := tokens(t, b.refresh(t.Context(), sandbox.Berbix, tx.RefreshToken))
	second := tokens(t, b.refresh(t.Context(), sandbox.Berbix, tx.RefreshToken))
	assert.Check(t, first.AccessToken != second.AccessToken && b.Valid(sandbox.Berbix, first.AccessToken),
		"the second refresh took the first one's token back, or gave it again")
	if got := b.Stats(sandbox.Berbix); got.Replays != 0 || got.Repeated != 1 {
		t.Errorf("%d replays, %d repeated; want 0, 1", got.Replays, got.Repeated)
	}

	b.Inject(sandbox.Berbix, sandbox.Refresh, 1, sandbox.NewRefreshToken())
	third := tokens(t, b.refresh(t.Context(), sandbox.Berbix, tx.RefreshToken))
	assert.Assert(t, third.RefreshToken != "" && third.RefreshToken != tx.RefreshToken,
		"refresh token %q in the reply", third.RefreshToken)
	for _, token := range []string{tx.RefreshToken, third.RefreshToken} {
		fields := tokenFields(t, b.refresh(t.Context(), sandbox.Berbix, token))
		_, ok := fields["refresh_token"]
		assert.Check(t, !ok && fields["transaction_id"] == json.Number("1234567890123"), "fields %v", fields)
	}
}

func TestBerbixExpiry(t *testing.T) {
	t.Parallel()
	c := newClock()
	b := start(t, sandbox.Options{Now: c.Now, Lifetimes: map[sandbox.Provider]sandbox.Lifetime{
		sandbox.Berbix: {Refresh: 2 * time.Hour},
	}})
	tx := b.AddTransaction()
	pair := tokens(t, b.refresh(t.Context(), sandbox.Berbix, tx.RefreshToken))
	c.add(time.Hour)
	assert.Check(t, !b.Valid(sandbox.Berbix, pair.AccessToken), "the access token is valid after its end")
	tokens(t, b.refresh(t.Context(), sandbox.Berbix, tx.RefreshToken))
	c.add(time.Hour)
	got := b.refresh(t.Context(), sandbox.Berbix, tx.RefreshToken)
	assert.Check(t, got.status == http.StatusBadRequest, "an expired refresh token got %d", got.status)
}

func TestManyTransactions(t *testing.T) {
	t.Parallel()
	b := start(t, sandbox.Options{})
	ids, refresh := map[int64]bool{}, map[string]bool{}
	for range 10_000 {
		tx := b.AddTransaction()
		ids[tx.ID], refresh[tx.RefreshToken] = true, true
	}
	assert.Check(t, len(ids) == 10_000 && len(refresh) == 10_000, "%d ids, %d refresh tokens", len(ids), len(refresh))
}
