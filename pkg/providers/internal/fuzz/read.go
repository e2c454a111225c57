// Package fuzz holds what the fuzz targets of all clients check: the contract of
// package providers, for any answer and any credentials secret.
package fuzz

import (
	"errors"
	"testing"
	"time"

	"tokenrefresh/internal/plant"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/secret"
)

const (
	longestAccess  = 30 * 24 * time.Hour
	longestRefresh = 1e9 * time.Second // the longest that counts as a lifetime
)

// Read fuzzes how a client reads answers: those of refreshes and logins, with any status
// that exchange.Client leaves to its caller.
func Read(
	f *testing.F, provider string, hasLogin bool, read func(exchange.Reply) (providers.Tokens, error), bodies ...string,
) {
	f.Helper()
	for _, body := range bodies {
		f.Add(false, false, uint8(0), body)
		f.Add(true, true, uint8(1), body)
	}
	for status := range uint8(30) { // 400 to 429
		f.Add(true, false, status, bodies[int(status)%len(bodies)])
	}
	sent := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, rejected, login bool, status uint8, body string) {
		answer := exchange.Reply{Provider: provider, Op: "refresh", Status: 200, Sent: sent, Date: sent.Add(time.Second)}
		if rejected {
			answer.Status = 400
		}
		answer.Status += int(status) % 100
		if login && hasLogin {
			answer.Op = "login"
		}
		for _, text := range []string{body, plant.Values(body)} {
			answer.Body = secret.New(text)
			got, err := read(answer)
			if err != nil {
				checkError(t, answer, err)
			} else {
				checkTokens(t, answer, got)
			}
		}
	})
}

// checkTokens: nothing lives for ever, and no warning quotes the answer.
func checkTokens(t *testing.T, answer exchange.Reply, got providers.Tokens) {
	t.Helper()
	access, refresh := got.AccessExpiresAt.Sub(answer.Sent), got.RefreshExpiresAt.Sub(answer.Sent)
	switch {
	case !answer.Success():
		t.Errorf("tokens of status %d", answer.Status)
	case got.AccessToken.Blank() || got.TokenType == "":
		t.Errorf("no token, or one of no type")
	case got.RefreshToken.Blank() && !got.RefreshToken.IsZero():
		t.Errorf("a blank refresh token")
	case !got.IssuedAt.Equal(answer.Sent) || !got.ServerDate.Equal(answer.Date) || got.TransactionID < 0:
		t.Errorf("issued at %s, Date %s, transaction %d", got.IssuedAt, got.ServerDate, got.TransactionID)
	case access < 0 || access > longestAccess:
		t.Errorf("the access token lives for %s", access)
	case access == 0 && len(got.Warnings) == 0:
		t.Error("expired without a warning")
	case !got.RefreshExpiresAt.IsZero() && (refresh <= 0 || refresh > longestRefresh):
		t.Errorf("the refresh token lives for %s", refresh)
	case plant.Shown(got.Warnings):
		t.Errorf("a warning shows the answer: %q", got.Warnings)
	}
}

// checkError: it keeps what may be the only copy of a token, and shows nothing of it.
func checkError(t *testing.T, answer exchange.Reply, err error) {
	t.Helper()
	var e *providers.Error
	if !errors.As(err, &e) {
		t.Fatalf("%T: %v", err, err)
	}
	var kept secret.String
	if e.Kind == providers.Unknown {
		kept = answer.Body
	}
	switch {
	case e.Provider != answer.Provider || e.Op != answer.Op || e.Status != answer.Status || !e.Sent.Equal(answer.Sent):
		t.Errorf("an error of another answer: %v", err)
	case e.Raw != kept:
		t.Errorf("%d bytes are kept of %d: %v", len(e.Raw.Reveal()), len(answer.Body.Reveal()), err)
	case e.Kind == providers.Misconfigured && answer.Success() && answer.Op != "login",
		e.Kind == providers.Refused && answer.Op == "login",
		e.Kind == providers.Unknown && !answer.Success(),
		e.Kind == providers.NotSent, e.Kind == providers.RateLimited:
		t.Errorf("kind %s of a %s: %v", e.Kind, answer.Op, err)
	case plant.Shown(err):
		t.Errorf("the error shows the answer: %v", err)
	}
}
