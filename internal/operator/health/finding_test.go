package health_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/operator/health"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func in(d time.Duration) time.Time { return now.Add(d) }

// well is a credential with a login, refreshed four minutes ago.
func well() health.Credential {
	key := store.Key{Provider: "hesabe", Account: "default"}
	return health.Credential{
		Key: key, Exists: true, CanLogin: true, RefreshToken: true, WrittenBy: "v1",
		Row: store.Row{
			Key: key, Phase: store.Idle, AttemptID: "v1", Fence: 1, State: store.OK,
			CredentialsVersionID: "c1", SeenVersionID: "v1", VersionID: "v1", PublishedVersionID: "v1",
			RefreshAt: in(8 * time.Minute), AccessExpiresAt: in(11 * time.Minute), LastSuccessAt: in(-4 * time.Minute),
			LastOutcome: outcome.Refreshed, Staged: store.Tally("").Add(in(-4 * time.Minute)), Tick: time.Minute,
		},
		Text:        secret.New(`{"refresh_token":"r1","access_token":"a1","access_expires_at":"2026-03-01T12:11:00Z","attempt_id":"v1"}`),
		Credentials: health.Secret{Name: "s/credentials", Version: "c1"},
		Tokens:      health.Secret{Name: "s/tokens", Version: "v1"},
		Access:      health.Secret{Name: "s/access", Version: "v1"},
	}
}

// due is a credential that was due a moment ago.
func due(c *health.Credential) {
	c.Row.RefreshAt, c.Row.AccessExpiresAt = in(-30*time.Second), in(2*time.Minute+30*time.Second)
}

// presented makes a credential without a login, whose token was presented a quarter of an hour ago.
func presented(again providers.Again) func(c *health.Credential) {
	return func(c *health.Credential) {
		c.CanLogin, c.Again, c.Row.State, c.Row.LastError = false, again, store.Uncertain, "timeout"
		c.Row.Spent, c.Row.PresentedAt = []string{secret.New("r1").Fingerprint()}, in(-15*time.Minute)
	}
}

// late makes a credential due since then, for which a run begins each tick.
func late(since, tick time.Duration) func(c *health.Credential) {
	return func(c *health.Credential) {
		c.Row.RefreshAt, c.Row.AccessExpiresAt = in(-since), in(2*time.Hour)
		c.Row.Staged, c.Row.Tick = store.Tally("").Add(in(-2*time.Hour)), tick
	}
}

// seeded makes a credential that was seeded a time ago, and that no run has tried.
func seeded(ago, every time.Duration) func(c *health.Credential) {
	return func(c *health.Credential) {
		fresh(c)
		c.Row.Phase, c.Row.RefreshAt, c.Exists, c.Every = store.Idle, in(-ago), true, every
	}
}

// fresh is a credential that no run has looked at.
func fresh(c *health.Credential) {
	c.Row, c.Exists, c.WrittenBy, c.RefreshToken = store.Row{Key: c.Key}, false, "", false
	c.Tokens, c.Access = empty("s/tokens"), empty("s/access")
}

func empty(name string) health.Secret {
	return health.Secret{Name: name, Fault: health.Empty, Err: store.ErrNoValue}
}

func failed(c *health.Credential, what outcome.Outcome, why string) {
	due(c)
	c.Row.LastOutcome, c.Row.LastError, c.Row.ConsecutiveFailures = what, why, 1
	c.Row.Staged = store.Tally("").Add(in(-20 * time.Second))
}

type credential = health.Credential

// verdict is what a credential in some state must be told about itself.
type verdict struct {
	is        func(c *credential)
	state     health.State
	condition health.Condition
	says      string // parts of cause and mend, separated by |
	commands  []string
}

// testVerdicts changes a credential in which all is well, and looks at its worst finding.
func testVerdicts(t *testing.T, well func() credential, cases map[string]verdict) {
	t.Helper()
	documentation, err := os.ReadFile("../../../docs/status.md")
	assert.NilError(t, err)
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := well()
			tt.is(&c)
			got := c.Verdict(now)
			assert.Check(t, is.Contains(string(documentation), "| `"+string(got.Condition)+"` |"))
			assert.Check(t, got.State == tt.state && got.Condition == tt.condition,
				"%s %s, want %s %s: %+v", got.State, got.Condition, tt.state, tt.condition, got)
			for part := range strings.SplitSeq(tt.says, "|") {
				assert.Check(t, is.Contains(got.Cause+"\n"+got.Mend, part))
			}
			assert.Check(t, is.DeepEqual(got.Commands, tt.commands), "commands")
			assert.Check(t, (got.State == health.OK) == (got.Mend == ""), "advice %q", got.Mend)
		})
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	const (
		seedCredentials = "tokenctl seed credentials --provider hesabe"
		seedTokens      = "tokenctl seed tokens --provider hesabe"
		login           = "tokenctl login --provider hesabe"
		doctor          = "tokenctl doctor"
		once            = "tokenctl refresh --provider hesabe"
		force           = "tokenctl refresh --force --provider hesabe"
		accept          = "tokenctl resolve accept --provider hesabe"
		discard         = "tokenctl resolve discard --provider hesabe"
	)
	testVerdicts(t, well, map[string]verdict{
		"well":             {func(*credential) {}, health.OK, health.Healthy, "", nil},
		"due a moment ago": {due, health.OK, health.Healthy, "", nil},
		"a run is at work": {func(c *credential) {
			due(c)
			c.Row.Phase, c.Row.ClaimedUntil = store.Sending, in(70*time.Second)
		}, health.OK, health.Busy, "for 1m10s more", nil},

		"nobody has put credentials in": {func(c *credential) {
			fresh(c)
			c.Credentials, c.CanLogin = empty("s/credentials"), false
		}, health.Act, health.NotSeeded, "nobody has filled in the secret s/credentials", []string{seedCredentials}},
		"an account of which nothing is there": {func(c *credential) {
			fresh(c)
			for _, s := range []*health.Secret{&c.Credentials, &c.Tokens, &c.Access} {
				*s = health.Secret{Name: s.Name, Fault: health.Missing, Err: store.ErrNoSecret}
			}
		}, health.Act, health.NotSeeded, "s/credentials", []string{seedCredentials}},
		"somebody has emptied the credentials": {func(c *credential) {
			c.Credentials, c.CanLogin = empty("s/credentials"), false
		}, health.Act, health.NotSeeded, "nobody has filled in the secret s/credentials; the access token ends in 11m", []string{seedCredentials}},
		"neither login nor refresh token": {func(c *credential) {
			fresh(c)
			c.CanLogin = false
		}, health.Act, health.NotSeeded, "neither a login in the secret s/credentials nor a refresh token in s/tokens", []string{seedCredentials, seedTokens}},
		"neither login nor refresh token in what is there": {func(c *credential) {
			fresh(c)
			c.CanLogin, c.Tokens = false, health.Secret{Name: "s/tokens", Version: "v1"}
		}, health.Act, health.NotSeeded, "nor a refresh token in s/tokens", []string{seedCredentials, seedTokens}},
		"credentials that were seeded":                                  {seeded(10*time.Second, 0), health.Warn, health.New, "no run has looked at it yet|the next tick does", []string{once}},
		"credentials that were seeded for nobody":                       {seeded(10*time.Minute, time.Minute), health.Act, health.Silent, "no run has begun one for 10m", []string{doctor, once}},
		"credentials that were seeded, and nobody knows when runs come": {seeded(10*time.Minute, 0), health.Warn, health.New, "no run has looked at it yet", []string{once}},
		// A schedule of 5 minutes may come to a credential as late as that.
		"due for 12 minutes, with a run each 5": {late(12*time.Minute, 5*time.Minute), health.OK, health.Healthy, "", nil},
		"due for 16 minutes, with a run each 5": {late(16*time.Minute, 5*time.Minute), health.Act, health.Silent, "no run has begun one for 16m", []string{doctor, once}},
		"due for 12 minutes, with a schedule of an hour": {func(c *credential) {
			late(12*time.Minute, time.Minute)(c)
			c.Every = time.Hour
		}, health.OK, health.Healthy, "", nil},
		"due for 12 minutes, by a row that does not tell the tick": {late(12*time.Minute, 0), health.OK, health.Healthy, "", nil},
		"died over an attempt 10 minutes ago, with a run each 5": {func(c *credential) {
			due(c)
			c.Row.Phase, c.Row.ClaimedUntil, c.Row.Tick = store.Sending, in(-10*time.Minute), 5*time.Minute
			c.Row.AccessExpiresAt = in(2 * time.Hour)
		}, health.Warn, health.Died, "the next tick finishes it", nil},
		// A seed has nothing to publish: a refresh follows, and is reported as such.
		"a seed whose first refresh fails": {func(c *credential) {
			failed(c, outcome.RateLimited, "429")
			c.Text, c.WrittenBy = secret.New(`{"refresh_token":"r1"}`), ""
			c.Tokens.Version, c.Row.VersionID, c.Row.SeenVersionID = "theirs", "theirs", "theirs"
			c.Row.NotBefore = in(time.Minute)
		}, health.Warn, health.RateLimited, "429", nil},
		"a row that is older than the secrets": {func(c *credential) {
			c.Text = secret.New(`{"refresh_token":"r9","access_token":"a9","attempt_id":"v9","fence":9}`)
			c.Tokens.Version, c.WrittenBy = "v9", "v9"
		}, health.Warn, health.RowLost, "restored from a backup", []string{once}},
		"credentials without a run": {fresh, health.Warn, health.New, "no run has looked at it yet|Accounts", []string{once}},
		"a row that was lost": {func(c *credential) {
			c.Row, c.Exists = store.Row{Key: c.Key}, false
		}, health.Warn, health.RowLost, "s/tokens may be spent", []string{once}},

		"paused": {
			func(c *credential) { c.Row.Paused = true }, health.Warn, health.Paused,
			"paused the calls|ends in 11m, attempts left until then: 3",
			[]string{"tokenctl resume --provider hesabe"},
		},
		"paused until the token had ended": {func(c *credential) {
			c.Row.Paused = true
			c.Row.RefreshAt, c.Row.AccessExpiresAt = in(-10*time.Minute), in(-7*time.Minute)
		}, health.Act, health.Paused, "the access token ended 7m ago", []string{"tokenctl resume --provider hesabe"}},

		"rate-limited": {func(c *credential) {
			failed(c, outcome.RateLimited, "hesabe refresh: rate limited (HTTP 429)")
			c.Row.NotBefore, c.Row.AccessExpiresAt = in(40*time.Second), in(5*time.Minute)
		}, health.Warn, health.RateLimited, "no call for another 40s: hesabe refresh: rate limited (HTTP 429)|attempts left until then: 3", nil},
		"rate-limited for too long": {func(c *credential) {
			failed(c, outcome.RateLimited, "")
			c.Row.NotBefore = in(time.Hour)
		}, health.Act, health.RateLimited, "another 1h;|attempts left until then: 0", nil},
		"the provider cannot be reached": {func(c *credential) {
			failed(c, outcome.Transient, "hesabe refresh: not sent: no such host")
			c.Row.AccessExpiresAt = in(10 * time.Minute)
		}, health.Warn, health.Failing, "failed in a row: 1; the next tick tries again: hesabe refresh: not sent: no such host", []string{doctor}},
		"attempts run out": {func(c *credential) {
			failed(c, outcome.Transient, "")
			c.Row.AccessExpiresAt = in(100 * time.Second)
		}, health.Act, health.Failing, "the access token ends in 1m40s, attempts left until then: 1", []string{doctor}},
		"logins fail": {func(c *credential) {
			failed(c, outcome.Transient, "timeout")
			c.Row.LoginFailures, c.Row.NotBefore, c.Row.AccessExpiresAt = 3, in(4*time.Minute), in(time.Hour)
		}, health.Warn, health.Failing, "the next is in 4m: timeout", []string{doctor}},
		"the token has ended while runs fail": {func(c *credential) {
			failed(c, outcome.Transient, "")
			c.Row.AccessExpiresAt = in(-3 * time.Minute)
		}, health.Act, health.Failing, "the access token ended 3m ago", []string{doctor}},
		"access cannot be looked at": {func(c *credential) {
			failed(c, outcome.Misconfigured, "secret s/access: access is denied")
		}, health.Act, health.Misconfigured, "s/access: access is denied", []string{doctor}},

		"no run comes": {func(c *credential) {
			c.Row.RefreshAt, c.Row.AccessExpiresAt = in(-3*time.Minute), in(time.Second)
		}, health.Act, health.Silent, "no run has begun one for 3m|schedule", []string{doctor, once}},
		"runs try for long": {func(c *credential) {
			failed(c, outcome.Transient, "")
			c.Row.RefreshAt, c.Row.AccessExpiresAt = in(-time.Hour), in(time.Hour)
		}, health.Warn, health.Failing, "", []string{doctor}},
		"runs tried until some minutes ago": {func(c *credential) {
			failed(c, outcome.Transient, "")
			c.Row.RefreshAt, c.Row.Staged = in(-time.Hour), store.Tally("").Add(in(-4*time.Minute))
		}, health.Act, health.Silent, "no run has begun one for 4m", []string{doctor, once}},
		"the token has ended just when it is due": {func(c *credential) {
			c.Row.RefreshAt, c.Row.AccessExpiresAt = in(-30*time.Second), in(-10*time.Second)
		}, health.Act, health.Expired, "ended 10s ago", []string{once}},

		"a run died": {func(c *credential) {
			due(c)
			c.Row.Phase, c.Row.ClaimedUntil, c.Row.AccessExpiresAt = store.Sending, in(-10*time.Second), in(time.Hour)
		}, health.Warn, health.Died, "a run died over an attempt; the access token ends in 1h|the next tick finishes it", nil},
		"a run died and no other comes": {func(c *credential) {
			c.Row.Phase, c.Row.ClaimedUntil = store.Sending, in(-10*time.Minute)
		}, health.Act, health.Silent, "no other has come for 10m", []string{doctor, once}},

		"a reply in the escrow": {func(c *credential) {
			c.Row.Escrow = store.Escrow{AttemptID: "v2"}
			c.Row.LastError = "the secret is at its quota of versions"
		}, health.Act, health.Unstored, "s/tokens did not take them: the secret is at its quota of versions|nothing is lost", []string{doctor}},
		"access lags":           {func(c *credential) { c.Row.PublishedVersionID = "v0" }, health.Act, health.Unpublished, "s/access lacks", []string{doctor}},
		"access was edited":     {func(c *credential) { c.Access.Version = "theirs" }, health.Act, health.AccessEdited, "no run has published the value of the secret s/access", []string{force}},
		"access is empty again": {func(c *credential) { c.Access = empty("s/access") }, health.Act, health.AccessEdited, "the value of the secret s/access", []string{force}},
		"access may be read too early": {func(c *credential) {
			c.Access.Version, c.Row.LastSuccessAt = "before", in(-30*time.Second)
		}, health.OK, health.Healthy, "", nil},
		"access is rotated by AWS": {func(c *credential) {
			c.Access = health.Secret{Name: "s/access", Fault: health.Rotating, Err: errors.New("rotation is on")}
			c.Flags = "--region eu-west-1 --secret-prefix s --profile 'my own'"
		}, health.Act, health.SecretAtFault, "AWS's own rotation is on for the secret s/access|switch it off", []string{
			"aws secretsmanager cancel-rotate-secret --secret-id s/access --region eu-west-1 --profile 'my own'",
		}},
		"tokens are scheduled for deletion": {func(c *credential) {
			c.Tokens = health.Secret{Name: "s/tokens", Fault: health.Deleted, Err: errors.New("deleted")}
		}, health.Act, health.SecretAtFault, "the secret s/tokens is scheduled for deletion|bring it back", []string{
			"aws secretsmanager restore-secret --secret-id s/tokens",
		}},

		"the refresh token is dead": {
			func(c *credential) {
				c.CanLogin, c.Row.State, c.Row.LastError = false, store.Dead, "hesabe refresh: refused (HTTP 401)"
				c.Row.AccessExpiresAt = in(-3 * time.Minute)
			}, health.Act, health.Dead, "there is no login: hesabe refresh: refused (HTTP 401); the access token ended 3m ago|login credentials into the secret s/credentials",
			[]string{seedCredentials, seedTokens},
		},
		"dead, where a person gets a token by a browser": {func(c *credential) {
			c.Begins, c.CanLogin, c.Row.State, c.Row.LastError = "login", false, store.Dead, "refused"
		}, health.Act, health.Dead, "secret s/credentials, or log in with a browser", []string{seedCredentials, login}},
		"dead and then edited": {func(c *credential) {
			c.Row.State, c.Tokens.Version = store.Dead, "theirs"
			c.Row.AccessExpiresAt = in(-3 * time.Minute)
		}, health.Warn, health.Dead, "it was dead, and a secret was edited since", []string{doctor}},
		"uncertain": {func(c *credential) {
			c.CanLogin, c.Row.State, c.Row.LastError = false, store.Uncertain, "timeout"
		}, health.Act, health.Uncertain, "may be spent, and there is no login: timeout; no reply is stored", []string{seedCredentials, seedTokens}},
		"uncertain, where a person gets a token by a browser": {func(c *credential) {
			c.Begins, c.CanLogin, c.Row.State, c.Row.LastError = "login", false, store.Uncertain, "timeout"
		}, health.Act, health.Uncertain, "or log in with a browser", []string{seedCredentials, login}},
		"uncertain and a login": {
			func(c *credential) { c.Row.State = store.Uncertain }, health.Act, health.Uncertain, "no reply is stored|log in once",
			[]string{"tokenctl resolve relogin --provider hesabe"},
		},
		"uncertain, and always taken again": {func(c *credential) {
			presented(providers.Again{Reuse: providers.Always})(c)
			c.Row.NotBefore = in(2 * time.Minute)
		}, health.Warn, health.Uncertain, "may be spent|in 2m a run asks its issuer or presents it again", []string{doctor}},
		"uncertain, and taken again no longer":      {presented(providers.Again{Reuse: 10 * time.Minute}), health.Act, health.Uncertain, "no reply is stored", []string{seedCredentials, seedTokens}},
		"uncertain, and its issuer gives no answer": {presented(providers.Again{Asks: true}), health.Warn, health.Uncertain, "at the next tick a run asks its issuer", []string{doctor}},
		"uncertain, and its issuer has acted": {func(c *credential) {
			presented(providers.Again{Asks: true, LastResort: true})(c)
			c.Row.Fate = store.ActedOn
		}, health.Act, health.Uncertain, "no reply is stored", []string{seedCredentials, seedTokens}},
		"uncertain until the last resort": {presented(providers.Again{LastResort: true}), health.Warn, health.Uncertain, "in 11m a run asks its issuer or presents it again", []string{doctor}},
		"uncertain after the last resort": {func(c *credential) {
			presented(providers.Again{LastResort: true})(c)
			c.Row.Fate = store.Retried
		}, health.Act, health.Uncertain, "no reply is stored", []string{seedCredentials, seedTokens}},
		"uncertain with a reply that cannot be read": {func(c *credential) {
			c.Row.State, c.Row.Escrow = store.Uncertain, store.Escrow{AttemptID: "v1", Raw: true}
		}, health.Act, health.Uncertain, "could not be read|correct the secret s/credentials", []string{seedCredentials, seedTokens}},
		"uncertain and the reply turned up": {func(c *credential) {
			c.Row.State, c.Staged = store.Uncertain, true
		}, health.Warn, health.Uncertain, "is in the secret s/tokens|the next tick finishes", []string{doctor}},
		"uncertain and the reply was passed": {func(c *credential) {
			c.Row.State, c.Staged, c.Tokens.Version, c.Row.SeenVersionID = store.Uncertain, true, "theirs", "theirs"
		}, health.Act, health.Uncertain, "another version is current", []string{accept, discard}},

		"the login is refused": {func(c *credential) {
			failed(c, outcome.Misconfigured, "hesabe login: refused (HTTP 401): correct the password")
			c.Row.State = store.Misconfigured
		}, health.Act, health.Misconfigured, "correct the password|correct the secret s/credentials", []string{seedCredentials, force}},
		"the function may not read": {func(c *credential) {
			failed(c, outcome.Misconfigured, "the role needs secretsmanager:GetSecretValue")
			c.Row.State, c.Row.CredentialsVersionID = store.Misconfigured, ""
		}, health.Act, health.Misconfigured, "secretsmanager:GetSecretValue|sam deploy puts its role right", []string{doctor}},
		"the credentials are broken, which a run has said": {func(c *credential) {
			failed(c, outcome.Misconfigured, "old")
			c.Row.State, c.Row.CredentialsVersionID = store.Misconfigured, ""
			c.Credentials.Fault, c.Credentials.Err = health.Broken, errors.New("no JSON object")
		}, health.Act, health.Misconfigured, "secret s/credentials: no JSON object|correct its text", []string{seedCredentials}},
		"the credentials are broken, which no run has met": {func(c *credential) {
			c.Credentials.Fault, c.Credentials.Err = health.Broken, errors.New("no JSON object")
		}, health.Act, health.SecretAtFault, "secret s/credentials: no JSON object; the access token ends in 11m", []string{seedCredentials}},
		"the tokens are broken": {func(c *credential) {
			c.Tokens.Fault, c.Tokens.Err = health.Broken, errors.New("no JSON object")
		}, health.Act, health.SecretAtFault, "secret s/tokens: no JSON object", []string{seedTokens}},
		"a secret is gone": {func(c *credential) {
			c.Access = health.Secret{Name: "s/access", Fault: health.Missing, Err: store.ErrNoSecret}
		}, health.Act, health.SecretAtFault, "secret s/access: the secret does not exist", []string{seedCredentials}},
		"whoever looks may not read": {func(c *credential) {
			c.Credentials = health.Secret{Name: "s/credentials", Fault: health.Unread, Err: store.ErrForbidden}
			c.CanLogin = false
		}, health.Warn, health.Unchecked, "secret s/credentials: access is denied|proves nothing about the function", nil},

		"the refresh token ends before it is used": {func(c *credential) {
			c.CanLogin, c.Row.RefreshExpiresAt = false, in(5*time.Minute)
		}, health.Act, health.ChainEnds, "ends in 5m, before it would be used", []string{seedCredentials, seedTokens}},
		"the refresh token has ended": {func(c *credential) {
			c.CanLogin, c.Row.RefreshExpiresAt = false, in(-time.Minute)
		}, health.Act, health.ChainEnds, "has ended, and there is no login", []string{seedCredentials, seedTokens}},
		"the refresh token ends, but there is a login": {func(c *credential) { c.Row.RefreshExpiresAt = in(time.Minute) }, health.OK, health.Healthy, "", nil},

		"the row cannot be read": {func(c *credential) {
			c.Row = store.Row{Key: c.Key, Unreadable: errors.New(`refresh_at must be a time of RFC 3339`)}
		}, health.Act, health.RowUnreadable, "refresh_at must be a time|correct what the cause names", nil},
	})
}
