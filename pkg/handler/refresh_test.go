package handler_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/handler"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/telemetry"
)

// newRefresh is a handler over a model world, and what it logs.
func newRefresh(world *refreshtest.World) (*handler.Refresh, *bytes.Buffer) {
	var out bytes.Buffer
	return &handler.Refresh{
		Engine:   world.Engine(nil),
		Reporter: handler.Reporter{NewRunID: uuid.NewString, Log: telemetry.NewLogger(&out, 0), Namespace: "TokenRefresh"},
	}, &out
}

func TestRefreshAnswersByTheContract(t *testing.T) {
	t.Parallel()
	world := refreshtest.New()
	h, out := newRefresh(world)
	answer, err := h.Invoke(t.Context(), []byte(`{}`))
	assert.NilError(t, err)
	var got map[string]any
	assert.NilError(t, json.Unmarshal(answer, &got))
	assert.Check(t, got["provider"] == refreshtest.Name && got["run_id"] != "", "provider and run: %s", answer)
	assert.Check(t, is.DeepEqual(got["outcomes"], map[string]any{"logged_in": 1.0}), "outcomes")
	row := world.Ledger.Get(refreshtest.Default)
	want := []any{map[string]any{
		"account": "default", "outcome": "logged_in", "source": "login",
		"access_expires_at": row.AccessExpiresAt.Format("2006-01-02T15:04:05Z"), "version_id": row.VersionID,
	}}
	assert.Check(t, is.DeepEqual(got["credentials"], want), "credentials")
	_, ok := got["batchItemFailures"]
	assert.Check(t, !ok, "batchItemFailures without a batch")

	lines := linesOf(t, out)
	assert.Assert(t, len(lines) == 2, "want a line of the account, and a summary:\n%v", lines)
	line, summary := lines[0], lines[1]
	if line["attempt_id"] != row.AttemptID || line["run_id"] != got["run_id"] || line["outcome"] != "logged_in" ||
		line["reason"] != "a login replaces the refresh" || line["_aws"] != nil {
		t.Errorf("the line does not name attempt, run, outcome and reason: %v", line)
	}
	if summary["AccessTokenExpiresIn"] != row.AccessExpiresAt.Sub(world.Now()).Seconds() || summary["_aws"] == nil ||
		summary["run_id"] != got["run_id"] {
		t.Errorf("the summary is no metric: %v", summary)
	}
}

func TestRefreshLogsTheExpiryOfEveryRun(t *testing.T) {
	t.Parallel()
	world := refreshtest.New()
	h, out := newRefresh(world)
	for range 2 { // the second is not due
		_, err := h.Invoke(t.Context(), nil)
		assert.NilError(t, err)
	}
	lines := linesOf(t, out)
	line := lines[len(lines)-1]
	if len(lines) != 3 || line["AccessTokenExpiresIn"] == nil || !cmp.Equal(line["outcomes"], map[string]any{"not_due": 1.0}) {
		t.Errorf("a tick with nothing due says more or less than when the token ends: %v", lines)
	}
}

// Without the ledger nobody knows how long the token lives. The run fails, and the metric is
// missing, so that its alarm rings.
func TestRefreshWithoutLedgerSaysNothingOfTheToken(t *testing.T) {
	t.Parallel()
	world := refreshtest.New()
	h, out := newRefresh(world)
	_, err := h.Invoke(t.Context(), nil)
	assert.NilError(t, err)
	h.Engine = world.Engine(func(c refreshtest.Call) refreshtest.Fault {
		if c.Op == refreshtest.Rows {
			return refreshtest.FailBefore
		}
		return refreshtest.None
	})
	if _, err := h.Invoke(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "read the ledger") {
		t.Errorf("a run without the ledger has failed: %v", err)
	}
	if line := lastLine(t, out); !cmp.Equal(line["outcomes"], map[string]any{"transient": 1.0}) || line["AccessTokenExpiresIn"] != nil {
		t.Errorf("the line: %v", line)
	}
}

// skewed is a provider whose clock goes wrong.
type skewed struct {
	providers.Provider
	by time.Duration
}

func (p skewed) Open(credentials secret.String) (providers.Session, error) {
	s, err := p.Provider.Open(credentials)
	return skewedSession{s, p.by}, err
}

type skewedSession struct {
	providers.Session
	by time.Duration
}

func (s skewedSession) Login(ctx context.Context) (providers.Tokens, error) {
	t, err := s.Session.Login(ctx)
	t.ServerDate = t.IssuedAt.Add(s.by)
	return t, err
}

// A clock that is wrong and a refresh token that ends are seen before they do harm;
// neither changes how long the access token is believed to live.
func TestRefreshMeasuresClockAndRefreshToken(t *testing.T) {
	t.Parallel()
	for by, want := range map[time.Duration]any{-90 * time.Second: -90.0, time.Hour: 3600.0, 900 * time.Millisecond: 0.0} {
		world := refreshtest.New()
		world.Provider.RefreshLifetime = 24 * time.Hour
		h, out := newRefresh(world)
		h.Engine.Provider = skewed{h.Engine.Provider, by}
		_, err := h.Invoke(t.Context(), nil)
		assert.NilError(t, err)
		line := lastLine(t, out)
		if line["ClockSkew"] != want || line["RefreshTokenExpiresIn"] != 86400.0 || line["AccessTokenExpiresIn"] != 900.0 {
			t.Errorf("skewed by %s: skew %v, the refresh token ends in %v, the access token in %v",
				by, line["ClockSkew"], line["RefreshTokenExpiresIn"], line["AccessTokenExpiresIn"])
		}
	}
}

// A credential that needs a person fails a run for that account, after its work. It fails
// neither a scheduled run nor what readers report of it.
func TestRefreshFailsForANamedAccount(t *testing.T) {
	t.Parallel()
	world := refreshtest.New()
	other := store.Key{Provider: refreshtest.Name, Account: "zulu"}
	world.Add(other)
	world.Accounts = []string{"default", "zulu"}
	world.Secrets.Delete(refreshtest.Default, store.Credentials)
	h, out := newRefresh(world)
	for _, event := range []string{
		`{}`, ``, `{"force":true}`, `{"dry_run":true}`, `{"source":"aws.scheduler","detail-type":"Scheduled Event"}`,
		`{"account":"zulu"}`, `{"account":"default","rejected":"a77e3970-0000-4000-8000-000000000004"}`,
	} {
		_, err := h.Invoke(t.Context(), []byte(event))
		assert.Check(t, err == nil, "%s: %v", event, err)
	}
	assert.Check(t, world.Secrets.Get(other, store.AccessDoc).ID != "", "the other account was not served")
	for account, want := range map[string]float64{"default": 1, "zulu": 3} { // zulu: a login, and what was forced
		lines := 0.0
		for _, line := range linesOf(t, bytes.NewReader(out.Bytes())) {
			if line["account"] == account {
				lines++
			}
		}
		assert.Check(t, lines <= want && lines >= 1, "%g lines of %s", lines, account)
	}

	_, err := h.Invoke(t.Context(), []byte(`{"account":"default"}`))
	var needs *handler.NeedsPersonError
	assert.Assert(t, errors.As(err, &needs), "error %v", err)
	assert.Check(t, strings.Contains(err.Error(), "default: misconfigured"),
		"the error does not name the one at fault: %v", err)
	assert.Check(t, is.DeepEqual(needs.Result.Outcomes, map[outcome.Outcome]int{outcome.Misconfigured: 1}), "outcomes")
}

func TestRefreshFailsOnAPanic(t *testing.T) {
	t.Parallel()
	world := refreshtest.New()
	const planted = "planted-secret"
	world.Provider.OnCall = func(refreshtest.Op) { panic(planted) }
	h, out := newRefresh(world)
	_, err := h.Invoke(t.Context(), []byte(`{}`))
	assert.Assert(t, err != nil, "no error")
	assert.Check(t, !strings.Contains(err.Error()+out.String(), planted), "the panic's value is shown")
}

func TestRefreshRefusesAMalformedEvent(t *testing.T) {
	t.Parallel()
	world := refreshtest.New()
	h, _ := newRefresh(world)
	_, err := h.Invoke(t.Context(), []byte(`{"forse":true,"forze":true}`))
	if refused, ok := err.(*handler.EventError); !ok || !strings.Contains(refused.Error(), `"forse"`) { //nolint:errorlint // its type is what callers see
		t.Errorf("%T does not name the field: %v", err, err)
	}
	calls := world.Trace()
	assert.Check(t, len(calls) == 0, "it was acted upon: %v", calls)
}

// No answer, error or line ever shows a secret.
func TestRefreshShowsNoSecret(t *testing.T) {
	t.Parallel()
	for _, kind := range []providers.Kind{
		providers.Unknown, providers.NotSent, providers.Refused, providers.Misconfigured, providers.RateLimited,
	} {
		world := refreshtest.New()
		h, out := newRefresh(world)
		var said []string
		say := func(answer []byte, err error) {
			said = append(said, string(answer))
			if err != nil {
				said = append(said, err.Error())
			}
		}
		say(h.Invoke(t.Context(), []byte(`{}`)))
		first := world.Secrets.Get(refreshtest.Default, store.TokensDoc)
		world.Provider.Answer = refreshtest.Fail(refreshtest.Refresh, kind, true)
		say(h.Invoke(t.Context(), []byte(`{"force":true}`)))
		last := world.Secrets.Get(refreshtest.Default, store.TokensDoc)

		text := strings.Join(said, "\n") + out.String()
		for _, hidden := range slices.Concat(tokensOf(t, first), tokensOf(t, last), []string{world.Provider.Password}) {
			if hidden != "" && strings.Contains(text, hidden) {
				t.Errorf("%s: %q is shown", kind, hidden)
			}
		}
	}
}

func tokensOf(t *testing.T, v store.Version) []string {
	t.Helper()
	var doc struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
	}
	assert.NilError(t, json.Unmarshal([]byte(v.Value.Reveal()), &doc))
	assert.Assert(t, doc.AccessToken != "" && doc.RefreshToken != "", "no tokens to look for")
	return []string{doc.AccessToken, doc.RefreshToken}
}

// linesOf are the lines that were logged, as JSON.
func linesOf(t *testing.T, out io.Reader) []map[string]any {
	t.Helper()
	var lines []map[string]any
	for decoder := json.NewDecoder(out); ; {
		var line map[string]any
		err := decoder.Decode(&line)
		if errors.Is(err, io.EOF) {
			return lines
		}
		assert.NilError(t, err)
		lines = append(lines, line)
	}
}

// lastLine is the last line logged, as JSON.
func lastLine(t *testing.T, out io.Reader) map[string]any {
	t.Helper()
	lines := linesOf(t, out)
	assert.Assert(t, len(lines) != 0, "nothing was logged")
	return lines[len(lines)-1]
}
