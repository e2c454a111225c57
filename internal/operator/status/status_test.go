package status_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/operator/health"
	"tokenrefresh/internal/operator/status"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 987654321, time.UTC)

func in(d time.Duration) time.Time { return now.Add(d) }

func secretOf(name, version string) health.Secret { return health.Secret{Name: name, Version: version} }

// some are a credential that is well, one that is dead, and transactions.
func some() []health.Credential {
	hesabe := store.Key{Provider: "hesabe", Account: "default"}
	well := health.Credential{
		Key: hesabe, Exists: true, CanLogin: true, RefreshToken: true,
		Row: store.Row{
			Key: hesabe, Phase: store.Idle, State: store.OK, CredentialsVersionID: "c", SeenVersionID: "v", VersionID: "v",
			PublishedVersionID: "v", RefreshAt: in(8 * time.Minute), AccessExpiresAt: in(11*time.Minute + 30*time.Second),
			LastSuccessAt: in(-4 * time.Minute), LastOutcome: outcome.Refreshed, Tick: time.Minute,
		},
		Credentials: secretOf("token-refresh/hesabe/default/credentials", "c"),
		Tokens:      secretOf("token-refresh/hesabe/default/tokens", "v"), Access: secretOf("token-refresh/hesabe/default/access", "v"),
	}
	dead := well
	dead.Key = store.Key{Provider: "tconnect", Account: "shop-2"}
	dead.CanLogin = false
	dead.Row.State, dead.Row.LastOutcome, dead.Row.LastError = store.Dead, outcome.Dead, "tconnect refresh: refused (HTTP 401)"
	dead.Row.AccessExpiresAt, dead.Row.RefreshExpiresAt = in(-3*time.Minute), in(9*time.Hour+48*time.Minute)
	dead.Row.LastSuccessAt, dead.Row.ConsecutiveFailures = in(-10*time.Hour), 2
	dead.Credentials.Name, dead.Tokens.Name = "token-refresh/tconnect/shop-2/credentials", "token-refresh/tconnect/shop-2/tokens"
	berbix := store.Key{Provider: "berbix", Account: "default"}
	transactions := health.Credential{
		Key: berbix, Sweep: true, Exists: true, Credentials: secretOf("token-refresh/berbix/default/credentials", "c"),
		Row: store.Row{
			Key: berbix, Paused: true, LastSuccessAt: in(-30 * time.Second), LastOutcome: outcome.Refreshed, Tick: time.Minute, CredentialsVersionID: "c",
		},
		Transactions: health.Transactions{
			Due: health.Count{N: 12}, OldestDue: in(-20 * time.Second), Next: in(-20 * time.Second), NextExpiry: in(12 * time.Minute),
		},
	}
	return []health.Credential{well, dead, transactions}
}

const table = `
PROVIDER  ACCOUNT  OUTCOME    ACCESS          REFRESH  SUCCESS  NEXT
tconnect  shop-2   dead       expired 3m ago  9h48m    10h ago  -
  act   the refresh token is refused, and there is no login: tconnect refresh:
        refused (HTTP 401); the access token ended 3m ago
  do    put login credentials into the secret
        token-refresh/tconnect/shop-2/credentials, or a new refresh token, as
        {"refresh_token":"…"}, into token-refresh/tconnect/shop-2/tokens:
        tokenctl seed credentials --provider tconnect --account shop-2
        tokenctl seed tokens --provider tconnect --account shop-2
berbix    default  refreshed  12m             -        30s ago  -, 12 due
  warn  a person has paused the calls to the provider
  do    let them go on:
        tokenctl resume --provider berbix
hesabe    default  refreshed  11m             -        4m ago   8m
`

func TestTable(t *testing.T) {
	t.Parallel()
	report := status.New(some(), now)
	got := report.Table(status.Style{Width: 80})
	assert.Check(t, is.DeepEqual(got, table[1:]))
	wide := report.Table(status.Style{Width: 120})
	assert.Check(t, strings.Contains(wide, "login: tconnect refresh: refused (HTTP 401); the access token\n"),
		"the width is not used:\n%s", wide)
}

// Colours change nothing but colours.
func TestTableInColour(t *testing.T) {
	t.Parallel()
	got := status.New(some(), now).Table(status.Style{Width: 80, Colour: true})
	for _, part := range []string{"\x1b[32mrefreshed\x1b[0m", "\x1b[31mdead\x1b[0m       expired", "\x1b[33m  warn  \x1b[0m"} {
		assert.Check(t, strings.Contains(got, part), "it lacks %q", part)
	}
	plain := strings.NewReplacer("\x1b[31m", "", "\x1b[32m", "", "\x1b[33m", "", "\x1b[0m", "").Replace(got)
	assert.Check(t, is.DeepEqual(plain, table[1:]))
}

const asJSON = `{
  "at": "2026-03-01T12:00:00Z",
  "state": "act",
  "credentials": [
    {
      "provider": "hesabe",
      "account": "default",
      "state": "ok",
      "condition": "healthy",
      "outcome": "refreshed",
      "paused": false,
      "access_expires_at": "2026-03-01T12:11:30Z",
      "access_expires_in": 690,
      "last_success_at": "2026-03-01T11:56:00Z",
      "last_success_in": -240,
      "next_attempt_at": "2026-03-01T12:08:00Z",
      "next_attempt_in": 480,
      "attempts_left": 4,
      "consecutive_failures": 0,
      "findings": []
    },
    {
      "provider": "tconnect",
      "account": "shop-2",
      "state": "act",
      "condition": "dead",
      "outcome": "dead",
      "paused": false,
      "access_expires_at": "2026-03-01T11:57:00Z",
      "access_expires_in": -180,
      "refresh_expires_at": "2026-03-01T21:48:00Z",
      "refresh_expires_in": 35280,
      "last_success_at": "2026-03-01T02:00:00Z",
      "last_success_in": -36000,
      "attempts_left": 0,
      "consecutive_failures": 2,
      "findings": [
        {
          "state": "act",
          "condition": "dead",
          "cause": "the refresh token is refused, and there is no login: tconnect refresh: refused (HTTP 401); the access token ended 3m ago",
          "mend": "put login credentials into the secret token-refresh/tconnect/shop-2/credentials, or a new refresh token, as {\"refresh_token\":\"…\"}, into token-refresh/tconnect/shop-2/tokens",
          "commands": [
            "tokenctl seed credentials --provider tconnect --account shop-2",
            "tokenctl seed tokens --provider tconnect --account shop-2"
          ]
        }
      ]
    },
    {
      "provider": "berbix",
      "account": "default",
      "state": "warn",
      "condition": "paused",
      "outcome": "refreshed",
      "paused": true,
      "access_expires_at": "2026-03-01T12:12:00Z",
      "access_expires_in": 720,
      "last_success_at": "2026-03-01T11:59:30Z",
      "last_success_in": -30,
      "attempts_left": 4,
      "consecutive_failures": 0,
      "transactions": {
        "due": 12,
        "more": false,
        "oldest_due_at": "2026-03-01T11:59:40Z",
        "oldest_due_in": -20,
        "dead": 0,
        "more_dead": false
      },
      "findings": [
        {
          "state": "warn",
          "condition": "paused",
          "cause": "a person has paused the calls to the provider",
          "mend": "let them go on",
          "commands": [
            "tokenctl resume --provider berbix"
          ]
        }
      ]
    }
  ]
}`

func TestJSON(t *testing.T) {
	t.Parallel()
	got, err := json.MarshalIndent(status.New(some(), now), "", "  ")
	assert.NilError(t, err)
	assert.Check(t, is.DeepEqual(string(got), asJSON))
}

func TestNoCredentials(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(status.New(nil, now))
	assert.Check(t, err == nil && string(got) == `{"at":"2026-03-01T12:00:00Z","state":"ok","credentials":[]}`,
		"%s, %v", got, err)
}

func TestLine(t *testing.T) {
	t.Parallel()
	got, want := status.New(some(), now).Line(), "2026-03-01T12:00:00Z act tconnect/shop-2=dead berbix/default=paused"
	assert.Check(t, got == want, "%q, want %q", got, want)
}

// A new account shows what it lacks, although no run has written an outcome yet.
func TestTableOfANewAccount(t *testing.T) {
	t.Parallel()
	missing := health.Secret{Name: "hesabe/default/credentials", Fault: health.Missing, Err: store.ErrNoSecret}
	c := health.Credential{
		Key: store.Key{Provider: "hesabe", Account: "default"}, Credentials: missing, Tokens: missing, Access: missing,
	}
	const want = `
PROVIDER  ACCOUNT  OUTCOME     ACCESS  REFRESH  SUCCESS  NEXT
hesabe    default  not_seeded  -       -        never    -
  act   nobody has filled in the secret hesabe/default/credentials
  do    put the provider's credentials in:
        tokenctl seed credentials --provider hesabe
`
	assert.Check(t, is.DeepEqual(status.New([]health.Credential{c}, now).Table(status.Style{Width: 80}), want[1:]))
}
