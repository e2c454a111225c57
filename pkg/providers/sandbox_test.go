package providers_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/aes"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/secret"
)

// open starts a sandbox over TLS and opens each provider's session in it.
func open(t *testing.T) (*sandbox.Sandbox, map[sandbox.Provider]providers.Session) {
	t.Helper()
	box, err := sandbox.Start(sandbox.Options{TLS: true})
	assert.NilError(t, err)
	t.Cleanup(box.Close)
	client := exchange.New(exchange.Options{RootCAs: box.RootCAs()})
	sessions := map[sandbox.Provider]providers.Session{}
	for _, entry := range catalog.All() {
		if !sandbox.Plays(entry.Name) {
			continue
		}
		name := sandbox.Provider(entry.Name)
		sessions[name], err = entry.New(client, "").Open(secret.New(box.Credentials(name)))
		assert.NilError(t, err)
	}
	return box, sessions
}

func TestClientsInTheSandbox(t *testing.T) {
	t.Parallel()
	box, sessions := open(t)
	for name, session := range sessions {
		refreshToken := box.Issue(name).RefreshToken
		if session.CanLogin() {
			tokens, err := session.Login(t.Context())
			assert.Assert(t, err == nil && box.Valid(name, tokens.AccessToken.Reveal()),
				"%s: Login = %+v, %v", name, tokens, err)
			refreshToken = tokens.RefreshToken.Reveal()
		}
		for range 2 {
			tokens, err := session.Refresh(t.Context(), secret.New(refreshToken))
			assert.Assert(t, err == nil && box.Valid(name, tokens.AccessToken.Reveal()) && len(tokens.Warnings) == 0,
				"%s: Refresh = %+v, %v", name, tokens, err)
			if left := time.Until(tokens.AccessExpiresAt); left < 10*time.Minute || left > 10*time.Hour {
				t.Errorf("%s: the access token lives for %s", name, left)
			}
			if rotates := name != sandbox.Berbix; rotates == tokens.RefreshToken.IsZero() {
				t.Errorf("%s: a new refresh token came: %v", name, !rotates)
			} else if rotates {
				refreshToken = tokens.RefreshToken.Reveal()
			}
		}
		box.Revoke(name, refreshToken)
		_, err := session.Refresh(t.Context(), secret.New(refreshToken))
		assert.Check(t, providers.KindOf(err) == providers.Refused, "%s: a revoked token: %v", name, err)
		stats := box.Stats(name)
		assert.Check(t, stats.Connections == 1 && stats.Replays == 0, "%s: %+v", name, stats)
	}
}

func TestClientsAndFaults(t *testing.T) {
	t.Parallel()
	box, sessions := open(t)
	const (
		unknown = providers.Unknown
		limited = providers.RateLimited
		address = providers.TurnedAway
	)
	faults := map[string]struct {
		fault sandbox.Fault
		kind  providers.Kind
	}{
		"drop":       {sandbox.Drop(), unknown},
		"lose":       {sandbox.LoseReply(), unknown},
		"500":        {sandbox.Status(500), unknown},
		"503":        {sandbox.Status(503), unknown},
		"408":        {sandbox.Status(408), unknown},
		"page":       {sandbox.HTML(200), unknown},
		"gateway":    {sandbox.HTML(502), unknown},
		"other path": {sandbox.HTML(404), address},
		"limit":      {sandbox.RateLimit("5"), limited},
		"redirect":   {sandbox.Redirect(box.URL(sandbox.Berbix)), address},
		"cut":        {sandbox.Truncate(), unknown},
		"garbage":    {sandbox.Garbage(), unknown},
		"bomb":       {sandbox.GzipBomb(), unknown},
		"bad UTF-8":  {sandbox.InvalidUTF8(), unknown},
		"no token":   {sandbox.Field("access_token", ""), unknown},
	}
	for name, session := range sessions {
		for what, tc := range faults {
			box.Inject(name, sandbox.Refresh, 1, tc.fault)
			before := box.Stats(name).Refreshes
			_, err := session.Refresh(t.Context(), secret.New(box.Issue(name).RefreshToken))
			var e *providers.Error
			assert.Check(t, errors.As(err, &e) && e.Kind == tc.kind, "%s, %s: %v, want %s", name, what, err, tc.kind)
			calls := box.Stats(name).Refreshes - before
			assert.Check(t, calls == 1, "%s, %s: %d calls", name, what, calls)
			for _, value := range box.Secrets() {
				assert.Check(t, !strings.Contains(fmt.Sprintf("%v %+v", err, err), value),
					"%s, %s: the error shows a secret", name, what)
			}
		}
	}
}

// Oddities of a reply cost none of its tokens.
func TestClientsAndOddReplies(t *testing.T) {
	t.Parallel()
	box, sessions := open(t)
	for name, session := range sessions {
		refreshToken := box.Issue(name).RefreshToken
		for what, fault := range sandbox.OddReplies() {
			box.Inject(name, sandbox.Refresh, 1, fault)
			tokens, err := session.Refresh(t.Context(), secret.New(refreshToken))
			assert.Assert(t, err == nil && box.Valid(name, tokens.AccessToken.Reveal()),
				"%s, %s: %+v, %v", name, what, tokens, err)
			if !tokens.RefreshToken.IsZero() {
				refreshToken = tokens.RefreshToken.Reveal()
			}
			for _, value := range box.Secrets() {
				assert.Check(t, !strings.Contains(strings.Join(tokens.Warnings, " "), value),
					"%s, %s: a warning shows a secret", name, what)
			}
		}
		stats := box.Stats(name)
		assert.Check(t, stats.Replays == 0, "%s: %d replays", name, stats.Replays)
	}
}

// The answer of a gateway says nothing about a token.
func TestClientsAndGateways(t *testing.T) {
	t.Parallel()
	box, sessions := open(t)
	for name, session := range sessions {
		refreshToken := secret.New(box.Issue(name).RefreshToken)
		for what, fault := range sandbox.Gateways() {
			box.Inject(name, sandbox.Any, 2, fault)
			_, err := session.Refresh(t.Context(), refreshToken)
			assert.Check(t, providers.KindOf(err) == providers.TurnedAway, "%s, %s: %v", name, what, err)
			if session.CanLogin() {
				_, err := session.Login(t.Context())
				assert.Check(t, providers.KindOf(err) == providers.TurnedAway, "%s, %s: a login: %v", name, what, err)
			}
			box.Clear(name)
		}
		_, err := session.Refresh(t.Context(), refreshToken)
		assert.Check(t, err == nil, "%s: the token is not alive after all: %v", name, err)
	}
}

// The presented token is spent although the new one cannot be read.
func TestClientsAndUnreadableRefreshTokens(t *testing.T) {
	t.Parallel()
	box, sessions := open(t)
	for name, session := range sessions {
		for what, fault := range sandbox.UnreadableRefreshTokens() {
			box.Inject(name, sandbox.Refresh, 1, fault, sandbox.NewRefreshToken())
			tokens, err := session.Refresh(t.Context(), secret.New(box.Issue(name).RefreshToken))
			var e *providers.Error
			switch {
			case name == sandbox.Berbix: // its tokens don't rotate
				assert.Check(t, err == nil && tokens.RefreshToken.IsZero() && len(tokens.Warnings) != 0,
					"%s, %s: %+v, %v", name, what, tokens, err)
			case !errors.As(err, &e) || e.Kind != providers.Unknown || e.Partial == nil || e.Raw.IsZero():
				t.Errorf("%s, %s: %+v, %v", name, what, tokens, err)
			case !box.Valid(name, e.Partial.AccessToken.Reveal()) || !e.Partial.RefreshToken.IsZero():
				t.Errorf("%s, %s: partial %+v", name, what, e.Partial)
			}
		}
	}
}

func TestTConnectInAllItsShapes(t *testing.T) {
	t.Parallel()
	box, sessions := open(t)
	session := sessions[sandbox.TConnect]
	for shape := sandbox.Plain; shape <= sandbox.QuotedHex; shape++ {
		box.Inject(sandbox.TConnect, sandbox.Any, 2, sandbox.ReplyAs(shape))
		tokens, err := session.Login(t.Context())
		if err == nil {
			tokens, err = session.Refresh(t.Context(), tokens.RefreshToken)
		}
		assert.Check(t, err == nil && box.Valid(sandbox.TConnect, tokens.AccessToken.Reveal()),
			"shape %d: %+v, %v", shape, tokens, err)
	}
	for shape := sandbox.Keycloak; shape <= sandbox.EncryptedError; shape++ {
		box.Inject(sandbox.TConnect, sandbox.Any, 1, sandbox.ErrorAs(shape))
		_, err := session.Refresh(t.Context(), secret.New("never issued"))
		assert.Check(t, providers.KindOf(err) == providers.Refused, "error shape %d: %v", shape, err)
	}
	for _, mode := range []aes.Mode{aes.Zero, aes.FromKey} {
		box.Inject(sandbox.TConnect, sandbox.Any, 1, sandbox.IVMode(mode), sandbox.ReplyAs(sandbox.BareHex))
		_, err := session.Login(t.Context())
		assert.Check(t, err != nil, "mode %s of the provider goes unnoticed", mode)
	}
	box.Inject(sandbox.TConnect, sandbox.Any, 1, sandbox.WrongKey())
	_, err := session.Login(t.Context())
	var e *providers.Error
	assert.Check(t, errors.As(err, &e) && e.Kind == providers.Unknown && !e.Raw.IsZero(), "wrong key: %v", err)
}
