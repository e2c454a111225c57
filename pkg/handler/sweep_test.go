package handler_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/brief"
	"tokenrefresh/pkg/event"
	"tokenrefresh/pkg/handler"
	"tokenrefresh/pkg/homes/embedded"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/sweep"
	"tokenrefresh/pkg/telemetry"
)

const (
	planted  = "planted-secret"
	lifetime = time.Hour
)

// berbix stands in for the provider: every refresh token is good except "dead".
type berbix struct{ now func() time.Time }

func (berbix) Name() string { return "berbix" }

func (p berbix) Open(credentials secret.String) (providers.Session, error) {
	switch credentials.Reveal() {
	case "placeholder":
		return nil, providers.ErrNotSeeded
	case "wrong":
		return nil, &providers.Error{Kind: providers.Misconfigured, Provider: "berbix", Op: "open", Hint: `"api_secret" is missing`}
	}
	return session(p), nil
}

type session struct{ now func() time.Time }

func (session) CanLogin() bool { return false }

func (session) Login(context.Context) (providers.Tokens, error) {
	return providers.Tokens{}, providers.ErrNoLogin
}

func (s session) Refresh(_ context.Context, token secret.String) (providers.Tokens, error) {
	if token.Reveal() == "dead" {
		return providers.Tokens{}, &providers.Error{Kind: providers.Refused, Provider: "berbix", Op: "refresh", Status: 400}
	}
	return providers.Tokens{AccessToken: secret.New(planted), IssuedAt: s.now(), AccessExpiresAt: s.now().Add(lifetime)}, nil
}

func (s session) Decode(secret.String, time.Time) (providers.Tokens, error) {
	return providers.Tokens{}, errors.New("not used")
}

// newSweep is a handler over an embedded home, and what it logs.
func newSweep(t *testing.T, credentials string) (*handler.Sweep, *bytes.Buffer) {
	t.Helper()
	home, err := embedded.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"))
	assert.NilError(t, err)
	key := store.Key{Provider: "berbix", Account: "default"}
	assert.NilError(t, home.Secrets().CreateSecret(t.Context(), key, store.Credentials))
	_, err = home.Secrets().PutCurrent(t.Context(), key, store.Credentials, secret.New(credentials))
	assert.NilError(t, err)
	var out bytes.Buffer
	return &handler.Sweep{
		Engine: sweep.Engine{
			Provider: berbix{time.Now}, Secrets: home.Secrets(), Ledger: home.Ledger(), Transactions: home.Transactions(),
			Accounts: []string{"default"},
		}.WithDefaults(),
		Reporter: handler.Reporter{NewRunID: uuid.NewString, Log: telemetry.NewLogger(&out, 0), Namespace: "TokenRefresh"},
	}, &out
}

func record(tokens ...string) []byte {
	var records []map[string]any
	for i, token := range tokens {
		records = append(records, map[string]any{"transaction_id": i + 1, "refresh_token": token})
	}
	event, err := json.Marshal(map[string]any{"record": records})
	if err != nil {
		panic(err)
	}
	return event
}

func invoke(t *testing.T, h *handler.Sweep, payload []byte) handler.Result {
	t.Helper()
	answer, err := h.Invoke(t.Context(), payload)
	assert.NilError(t, err)
	var r handler.Result
	assert.NilError(t, json.Unmarshal(answer, &r))
	assert.Check(t, !strings.Contains(string(answer), planted), "the answer shows a token")
	return r
}

func wantOutcomes(t *testing.T, r handler.Result, want map[outcome.Outcome]int) {
	t.Helper()
	assert.Check(t, is.DeepEqual(r.Outcomes, want), "outcomes")
}

func TestSweepRecordsAndRefreshes(t *testing.T) {
	t.Parallel()
	h, out := newSweep(t, "good")
	wantOutcomes(t, invoke(t, h, record("a", "b", "dead")), map[outcome.Outcome]int{outcome.Recorded: 3})
	r := invoke(t, h, []byte(`{}`))
	wantOutcomes(t, r, map[outcome.Outcome]int{outcome.Refreshed: 2, outcome.Dead: 1})
	assert.Check(t, len(r.Credentials) == 0 && r.BatchItemFailures == nil, "a dead transaction needs no person: %+v", r)
	line := lastLine(t, out)
	if expires, _ := line["AccessTokenExpiresIn"].(float64); expires < lifetime.Seconds()-60 || expires > lifetime.Seconds() {
		t.Errorf("AccessTokenExpiresIn %v", line["AccessTokenExpiresIn"])
	}
	wantOutcomes(t, invoke(t, h, []byte(`{"transaction_id":1,"force":true}`)), map[outcome.Outcome]int{outcome.Refreshed: 1})
	line = lastLine(t, out)
	assert.Check(t, line["_aws"] == nil, "a run for one transaction has metrics: %v", line)
}

// With nothing to keep fresh the metric still has to be there.
func TestSweepOfNothingIsHealthy(t *testing.T) {
	t.Parallel()
	h, out := newSweep(t, "good")
	wantOutcomes(t, invoke(t, h, nil), map[outcome.Outcome]int{outcome.NotDue: 1})
	if line := lastLine(t, out); line["AccessTokenExpiresIn"] != 86400.0 {
		t.Errorf("AccessTokenExpiresIn %v", line["AccessTokenExpiresIn"])
	}
}

// A new deployment is no error; but until somebody puts credentials in there is no token,
// and that rings.
func TestSweepThatIsNotSeeded(t *testing.T) {
	t.Parallel()
	h, out := newSweep(t, "placeholder")
	r := invoke(t, h, nil)
	wantOutcomes(t, r, map[outcome.Outcome]int{outcome.NotSeeded: 1})
	if len(r.Credentials) != 1 || r.Credentials[0].Error != "" || !strings.Contains(strings.Join(r.Credentials[0].Warnings, ""), "credentials") {
		t.Errorf("credentials %+v", r.Credentials)
	}
	if line := lastLine(t, out); line["AccessTokenExpiresIn"] != 0.0 || line["AttemptsLeft"] != nil {
		t.Errorf("AccessTokenExpiresIn %v, AttemptsLeft %v", line["AccessTokenExpiresIn"], line["AttemptsLeft"])
	}
}

// The answer has the backlog of a sweep, with its age.
func TestSweepTellsItsBacklog(t *testing.T) {
	t.Parallel()
	h, out := newSweep(t, "placeholder")
	invoke(t, h, record("a", "b"))
	invoke(t, h, nil)
	line := lastLine(t, out)
	text, _ := line["oldest_due"].(string)
	since, err := time.Parse(time.RFC3339, text)
	age, aged := line["SweepBacklogAge"].(float64)
	if !aged || age < 0 || age > 60 {
		t.Errorf("SweepBacklogAge %v", line["SweepBacklogAge"])
	}
	if line["SweepBacklog"] != 2.0 || line["backlog"] != 2.0 || err != nil || time.Since(since) > time.Minute {
		t.Errorf("backlog %v and %v since %q", line["SweepBacklog"], line["backlog"], text)
	}
}

// blindIndex cannot be read.
type blindIndex struct{ store.Transactions }

func (blindIndex) Due(context.Context, string, int, int, time.Time) ([]store.Due, error) {
	return nil, errors.New("throttled")
}

// The answer has the same reasons as the log. An index that was not read must not look healthy.
func TestSweepWarnsInItsAnswer(t *testing.T) {
	t.Parallel()
	h, out := newSweep(t, "good")
	r := invoke(t, h, []byte(`{"transaction_id":7}`))
	assert.Check(t, len(r.Warnings) == 1 && strings.HasPrefix(r.Warnings[0], "transaction 7 is not recorded"), "%q", r.Warnings)
	h.Engine.Transactions = blindIndex{h.Engine.Transactions}
	assert.Check(t, is.DeepEqual(invoke(t, h, nil).Warnings, []string{"default: query the due index: throttled"}))
	assert.Check(t, lastLine(t, out)["AccessTokenExpiresIn"] == nil, "an index that was not read has metrics")
}

// Refused credentials fail a run for that account, and no scheduled one.
func TestSweepNeedsAPerson(t *testing.T) {
	t.Parallel()
	h, _ := newSweep(t, "wrong")
	invoke(t, h, record("a"))
	wantOutcomes(t, invoke(t, h, nil), map[outcome.Outcome]int{outcome.Misconfigured: 1})
	for _, event := range []string{`{"account":"default"}`, `{"transaction_id":1}`} {
		_, err := h.Invoke(t.Context(), []byte(event))
		var needs *handler.NeedsPersonError
		assert.Assert(t, errors.As(err, &needs) && strings.Contains(err.Error(), "api_secret"),
			"%s: error %v", event, err)
		if len(needs.Result.Credentials) != 1 || needs.Result.Credentials[0].Outcome != outcome.Misconfigured {
			t.Errorf("credentials %+v", needs.Result.Credentials)
		}
	}
}

// noLedger cannot be read.
type noLedger struct{ sweep.Ledger }

func (noLedger) RowsAndShardClaims(context.Context, string) ([]store.Row, []store.ShardClaim, error) {
	return nil, nil, errors.New("no answer")
}

// A run without the ledger has done nothing. Of a batch each message fails.
func TestSweepWithoutLedger(t *testing.T) {
	t.Parallel()
	h, _ := newSweep(t, "good")
	invoke(t, h, record("a"))
	h.Engine.Ledger = noLedger{h.Engine.Ledger}
	_, err := h.Invoke(t.Context(), nil)
	assert.Check(t, err != nil && strings.Contains(err.Error(), "read the ledger: no answer"), "error %v", err)
	wantFailed(t, invoke(t, h, batch(`{"transaction_id":1}`)), "m-0")
}

// firebase/FirebaseUI-Android #855: a clock that is years ahead must not win for years.
func TestRecordFromAClockThatIsAhead(t *testing.T) {
	t.Parallel()
	h, _ := newSweep(t, "good")
	for range 2 {
		wantOutcomes(t, invoke(t, h, []byte(`{"record":[{"transaction_id":1,"refresh_token":"old","recorded_at":"2099-01-01T00:00:00Z"}]}`)),
			map[outcome.Outcome]int{outcome.Recorded: 1})
		wantOutcomes(t, invoke(t, h, record("new")), map[outcome.Outcome]int{outcome.Recorded: 1})
	}
	got, _, err := h.Engine.Transactions.Get(t.Context(), 1)
	assert.Check(t, err == nil && got.RefreshToken == secret.New("new") && time.Until(got.RecordedAt) <= 0,
		"%+v, %v", got, err)
}

// A record that is not stored is an error: its refresh token must not get lost.
func TestRecordThatIsNotStored(t *testing.T) {
	t.Parallel()
	h, _ := newSweep(t, "good")
	event := `{"record":[{"transaction_id":1,"refresh_token":"` + planted + `"},{"transaction_id":2,"refresh_token":"b","ttl":1}]}`
	_, err := h.Invoke(t.Context(), []byte(event))
	if err == nil || !strings.Contains(err.Error(), "transaction 2") || strings.Contains(err.Error(), planted) {
		t.Fatalf("error %v", err)
	}
	wantOutcomes(t, invoke(t, h, nil), map[outcome.Outcome]int{outcome.Refreshed: 1})
}

// verbose is a store that refuses each record in many words.
type verbose struct{ store.Transactions }

func (verbose) Put(context.Context, store.Transaction, time.Time) (bool, error) {
	return false, errors.New(strings.Repeat("AccessDeniedException: not authorized. ", 1000) + "deploy the stack again")
}

// The error of a failed run lies beside its event in the queue of dead letters: it must not
// grow with the records. Of a batch the answer must not either.
func TestErrorOfManyRecordsIsBounded(t *testing.T) {
	t.Parallel()
	h, _ := newSweep(t, "good")
	h.Engine.Transactions = verbose{h.Engine.Transactions}
	var records []string
	for id := range event.MaxRecords {
		records = append(records, fmt.Sprintf(`{"transaction_id":%d,"refresh_token":"t"}`, id+1))
	}
	payload := `{"record":[` + strings.Join(records, ",") + `]}`
	_, err := h.Invoke(t.Context(), []byte(payload))
	assert.Assert(t, err != nil && len(err.Error()) <= brief.MaxError, "%.5000v", err)
	for want, times := range map[string]int{
		"(transient:1000): ": 1, "record transaction ": brief.Causes, "deploy the stack again": brief.Causes, "and 995 more": 1,
	} {
		got := strings.Count(err.Error(), want)
		assert.Check(t, got == times, "says %q %d times:\n%v", want, got, err)
	}
	r := invoke(t, h, batch(payload, payload))
	wantOutcomes(t, r, map[outcome.Outcome]int{outcome.Transient: 2 * event.MaxRecords})
	if text, err := json.Marshal(r); err != nil || len(r.Credentials) != 2*brief.Causes || len(text) > 20<<10 {
		t.Errorf("%d of a batch in %d bytes, %v", len(r.Credentials), len(text), err)
	}
}

func TestSweepOfAnSQSBatch(t *testing.T) {
	t.Parallel()
	h, _ := newSweep(t, "good")
	r := invoke(t, h, batch(string(record("a")), `{"transaction_id":"poison"}`, `{"transaction_id":1}`))
	wantOutcomes(t, r, map[outcome.Outcome]int{outcome.Recorded: 1, outcome.Refreshed: 1})
	wantFailed(t, r, "m-1")
	// All well is an empty list: without one Lambda takes the whole batch for failed.
	answer, err := h.Invoke(t.Context(), batch(string(record("a"))))
	assert.Check(t, err == nil && strings.Contains(string(answer), `"batchItemFailures":[]`),
		"answer %s, error %v", answer, err)
}

// A person's mistake fails the messages, never the function: SQS would take all of
// the batch for failed.
func TestSweepOfAnSQSBatchThatNeedsAPerson(t *testing.T) {
	t.Parallel()
	h, _ := newSweep(t, "wrong")
	invoke(t, h, record("a"))
	r := invoke(t, h, []byte(`{"Records":[{"messageId":"m","eventSource":"aws:sqs","body":"{\"transaction_id\":1}"}]}`))
	assert.Check(t, r.BatchItemFailures != nil && len(*r.BatchItemFailures) == 1 && len(r.Credentials) == 1,
		"result %+v", r)
}
