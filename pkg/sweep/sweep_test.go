package sweep_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/sweep"
)

// A tick with nothing due costs one query a shard and one of the ledger, in the
// time of one.
func TestQuietTick(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		now := stored(time.Now())
		w.add(1, dueLater, func(r *store.Transaction) { r.AccessExpiresAt = now.Add(time.Hour) })
		w.add(2, dueLater, func(r *store.Transaction) { r.AccessExpiresAt = now.Add(time.Minute) })
		w.Latency = map[string]time.Duration{opDue: time.Second, opRows: time.Second}
		began := time.Now()

		report := w.run(t, sweep.Request{})
		equal(t, "time", time.Since(began), time.Second)
		equal(t, "calls", w.counted(), map[string]int{opDue: store.Shards, opRows: 1})
		equal(t, "report", report, sweep.Report{
			Outcomes: one(outcome.NotDue),
			Accounts: []sweep.Account{{Account: account, Outcomes: one(outcome.NotDue), NextExpiry: now.Add(time.Minute)}},
		})
		equal(t, "ledger", w.ledgerRow(account), store.Row{})
	})
}

// A transaction that never got a token must not look healthy.
func TestTransactionsWithoutATokenAreNoHealth(t *testing.T) {
	t.Parallel()
	never := func(r *store.Transaction) { r.AccessToken, r.AccessExpiresAt = secret.String{}, time.Time{} }
	for name, tt := range map[string]struct {
		set  func(w *world)
		want func(now time.Time) time.Time
	}{
		"it backs off": {
			func(w *world) { w.add(1, never, dueLater) },
			func(now time.Time) time.Time { return now },
		},
		"nobody has put credentials in": {
			func(w *world) { w.add(1, never); w.setSecret("v1", "placeholder") },
			func(now time.Time) time.Time { return now.Add(-time.Minute) },
		},
		"the provider is down": {
			func(w *world) { w.add(1, never); w.Reply = always(providers.Unknown) },
			func(now time.Time) time.Time { return now.Add(-time.Minute) },
		},
	} {
		inOwnWorld(t, name, func(t *testing.T, w *world) {
			now := stored(time.Now())
			tt.set(w)
			equal(t, "next expiry", w.run(t, sweep.Request{}).Accounts[0].NextExpiry, tt.want(now))
		})
	}
}

// Without a transaction, the first report is that nobody has put credentials in. With transactions
// and none due, the credentials are not even read.
func TestNothingRecordedYet(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.setSecret("v1", "placeholder")
		report := w.run(t, sweep.Request{})
		wantOutcomes(t, report, one(outcome.NotSeeded))
		equal(t, "listed", needed(report), []outcome.Outcome{outcome.NotSeeded})
		equal(t, "blind", report.Accounts[0].Blind, true)
		equal(t, "ledger", w.ledgerRow(account), store.Row{})
		w.setSecret("v2", "good")
		report = w.run(t, sweep.Request{})
		wantOutcomes(t, report, one(outcome.NotDue))
		equal(t, "blind", report.Accounts[0].Blind, false)
	})
}

// A ledger that can't be read is reported even if nothing is due: accounts and pauses are not
// known.
func TestQuietTickWithoutLedger(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.Before = failing(opRows, store.ErrForbidden)
		report := w.run(t, sweep.Request{})
		wantOutcomes(t, report, one(outcome.Misconfigured))
		equal(t, "listed", needed(report), []outcome.Outcome{outcome.Misconfigured})
	})
}

// One due row costs, one after the other: index and ledger, credentials, claim, row,
// provider, row, release and history.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.add(1)
		for _, op := range []string{opDue, opRows, opSecret, opWrite, opMany, opSend, opUpdate} {
			w.Latency[op] = time.Second
		}
		began := time.Now()
		wantOutcomes(t, w.run(t, sweep.Request{}), one(outcome.Refreshed))
		equal(t, "time", time.Since(began), 7*time.Second)
		equal(t, "calls", w.counted(), map[string]int{
			opDue: store.Shards, opRows: 1, opSecret: 1, opWrite: 3, opMany: 1, opSend: 1, opUpdate: 1,
		})
	})
}

// TestBarred: reasons that keep a whole account from calls.
func TestBarred(t *testing.T) {
	t.Parallel()
	limited := func(w *world) {
		w.setLedger(account, store.Row{Fence: 3, NotBefore: time.Now().Add(time.Minute)})
	}
	for name, tt := range map[string]struct {
		set   func(w *world)
		force bool
		want  outcome.Outcome
		says  string // in the error or warning
	}{
		"paused":                     {set: func(w *world) { w.setLedger(account, store.Row{Paused: true}) }, want: outcome.Paused},
		"paused, forced":             {set: func(w *world) { w.setLedger(account, store.Row{Paused: true}) }, force: true, want: outcome.Paused},
		"rate limited before":        {set: limited, want: outcome.RateLimited, says: "wants no call before"},
		"rate limited before, force": {set: limited, force: true, want: outcome.Refreshed},
		"rate limit over": {
			set: func(w *world) { w.setLedger(account, store.Row{NotBefore: time.Now()}) }, want: outcome.Refreshed,
		},
		"placeholder": {
			set: func(w *world) { w.setSecret("v1", "placeholder") }, want: outcome.NotSeeded, says: "secret model/default/credentials",
		},
		"no version": {
			set: func(w *world) { w.Before = failing(opSecret, store.ErrNoValue) }, want: outcome.NotSeeded, says: "secret model/default/credentials",
		},
		"malformed JSON": {set: func(w *world) { w.setSecret("v1", "{") }, want: outcome.Misconfigured, says: "secret model/default/credentials"},
		"no text":        {set: func(w *world) { w.Before = failing(opSecret, store.ErrMalformed) }, want: outcome.Misconfigured, says: "as JSON"},
		"no secret":      {set: func(w *world) { w.secrets = nil }, want: outcome.Misconfigured, says: "create it"},
		"secret forbidden": {
			set: func(w *world) { w.Before = failing(opSecret, store.ErrForbidden) }, want: outcome.Misconfigured, says: "allow to read it",
		},
		"secret unreadable for now": {set: func(w *world) { w.Before = failing(opSecret, errPassing) }, want: outcome.Transient, says: "credentials"},
		"ledger unreadable":         {set: func(w *world) { w.Before = failing(opRows, errPassing) }, want: outcome.Transient, says: "ledger"},
		"ledger forbidden":          {set: func(w *world) { w.Before = failing(opRows, store.ErrForbidden) }, want: outcome.Misconfigured, says: "ledger"},
		"claim fails":               {set: func(w *world) { w.Before = failing(opWrite, errPassing) }, want: outcome.Transient, says: "claim shard"},
		"claim forbidden":           {set: func(w *world) { w.Before = failing(opWrite, store.ErrForbidden) }, want: outcome.Misconfigured, says: "claim shard"},
	} {
		inOwnWorld(t, name, func(t *testing.T, w *world) {
			w.add(1)
			w.add(2, func(r *store.Transaction) { r.RefreshAt = r.RefreshAt.Add(-time.Minute) })
			w.add(3, dueLater)
			tt.set(w)
			report := w.run(t, sweep.Request{Account: account, Force: tt.force})
			n := 2
			if tt.force {
				n = 3
			}
			wantOutcomes(t, report, map[outcome.Outcome]int{tt.want: n})
			got := report.Accounts[0]
			said := strings.Join(got.Warnings, "\n")
			if tt.want.NeedsPerson() || tt.want == outcome.NotSeeded {
				equal(t, "listed", needed(report), []outcome.Outcome{tt.want})
				said = report.Credentials[0].Err.Error()
			} else {
				wantNobody(t, report)
			}
			assert.Check(t, strings.Contains(said, tt.says), "it says %q, and not %q", said, tt.says)
			if tt.want == outcome.Refreshed {
				return
			}
			equal(t, "sent", len(w.sentNow()), 0)
			if want := stored(time.Now().Add(-2 * time.Minute)); got.Backlog != 2 || got.OldestDue.Before(want.Add(-time.Second)) || got.OldestDue.After(want) {
				t.Errorf("backlog %d since %v, want 2 since %v", got.Backlog, got.OldestDue, want)
			}
		})
	}
}

// A wrong API secret costs one call until a person edits the secret, or forces one
// more.
func TestMisconfiguredUntilEdited(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.setSecret("v1", "bad")
		w.addDue(9)
		w.Workers = 1
		run := func(force bool, want outcome.Outcome, calls int) {
			t.Helper()
			time.Sleep(time.Minute)
			report := w.run(t, sweep.Request{Force: force})
			wantOutcomes(t, report, map[outcome.Outcome]int{want: 9})
			equal(t, "calls", len(w.sentNow()), calls)
			if want.NeedsPerson() {
				equal(t, "listed", needed(report), []outcome.Outcome{want})
			}
		}
		run(false, outcome.Misconfigured, 1)
		row := w.ledgerRow(account)
		equal(t, "state", row.State, store.Misconfigured)
		equal(t, "credentials version", row.CredentialsVersionID, "v1")
		run(false, outcome.Misconfigured, 0)
		w.Workers = 32
		run(true, outcome.Misconfigured, 1) // however many workers: one call shows it
		run(false, outcome.Misconfigured, 0)

		// A temporary failure after the edit does not make the new version a wrong one.
		w.setSecret("v2", "good")
		w.Before = failing(opMany, errPassing)
		w.Workers = 1
		report := w.run(t, sweep.Request{})
		wantOutcomes(t, report, map[outcome.Outcome]int{outcome.Transient: 9})
		w.Before = nil
		run(false, outcome.Refreshed, 9)
		equal(t, "state", w.ledgerRow(account).State, store.OK)
	})
}

// Credentials that can't be opened are recorded once, and read in each tick.
func TestMalformedCredentials(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.setSecret("v1", "{")
		w.add(1)
		for _, writes := range []int{1, 0} {
			wantOutcomes(t, w.run(t, sweep.Request{}), one(outcome.Misconfigured))
			equal(t, "writes", w.counted()[opWrite], writes)
		}
		row := w.ledgerRow(account)
		equal(t, "state", row.State, store.Misconfigured)
		equal(t, "last outcome", row.LastOutcome, outcome.Misconfigured)
		assert.Check(t, strings.Contains(row.LastError, "secret model/default/credentials: "),
			"last error %q", row.LastError)
		w.setSecret("v2", "good")
		wantOutcomes(t, w.run(t, sweep.Request{}), one(outcome.Refreshed))
		equal(t, "last error", w.ledgerRow(account).LastError, "")
	})
}

// TestIndexFails: shards that can't be read are reported, and the others are swept.
func TestIndexFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err  error
		want outcome.Outcome
	}{
		"in passing": {errPassing, outcome.Transient},
		"forbidden":  {store.ErrForbidden, outcome.Misconfigured},
	} {
		inOwnWorld(t, name, func(t *testing.T, w *world) {
			w.addDue(100)
			w.Before = failingOnce(opDue, tt.err)
			report := w.run(t, sweep.Request{})
			equal(t, "shards told of", report.Outcomes[tt.want], 1)
			equal(t, "blind", report.Accounts[0].Blind, true)
			between(t, "refreshed of the other shards", report.Outcomes[outcome.Refreshed], 60, 99)
		})
	}
}

// A row whose index entry can't be read is reported. The others of its shard are refreshed, or one
// damaged row would stop an eighth of all for ever.
func TestUnreadableIndexEntry(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.addDue(100)
		w.After = failingOnce(opDue, errPassing) // the model returns the others beside it
		report := w.run(t, sweep.Request{})
		wantOutcomes(t, report, map[outcome.Outcome]int{outcome.Refreshed: 100, outcome.Transient: 1})
		equal(t, "blind", report.Accounts[0].Blind, true)
		wantWarning(t, report, "due index")
	})
}

// failingOnce is a hook that fails the first call of op.
func failingOnce(op string, err error) func(string, string) error {
	var failed atomic.Bool
	return func(called, _ string) error {
		if called == op && failed.CompareAndSwap(false, true) {
			return err
		}
		return nil
	}
}

// Accounts are those of the configuration and those that have a row in the ledger; one's trouble
// does not affect others.
func TestAccounts(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		of := func(account string) func(*store.Transaction) {
			return func(r *store.Transaction) { r.Account = account }
		}
		w.add(1)
		w.add(2, of("known"))
		w.add(3, of("unknown"))
		w.add(4, of("broken"))
		w.setLedger("known", store.Row{Phase: store.Idle})
		w.setLedger("broken", store.Row{Phase: store.Idle})
		w.secrets["known"] = w.secrets[account]

		report := w.run(t, sweep.Request{})
		wantOutcomes(t, report, map[outcome.Outcome]int{outcome.Refreshed: 2, outcome.Misconfigured: 1})
		var names []string
		for _, a := range report.Accounts {
			names = append(names, a.Account)
		}
		equal(t, "accounts", names, []string{"broken", account, "known"})
		equal(t, "listed", report.Credentials[0].Account, "broken")

		report = w.run(t, sweep.Request{Account: "unknown"}) // named by a person
		wantOutcomes(t, report, one(outcome.Misconfigured))
		equal(t, "credentials", w.row(3).AccessToken, secret.New("old"))
	})
}

func TestHistory(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.add(1, func(r *store.Transaction) { r.Failures = 1 })
		w.add(2, dueLater)
		w.Reply = always(providers.Unknown)
		for want := 1; want <= 2; want++ {
			equal(t, "failures", w.run(t, sweep.Request{}).Accounts[0].Failures, want)
			time.Sleep(time.Hour)
			w.add(1)
			w.add(2, dueLater)
		}
		equal(t, "last outcome", w.ledgerRow(account).LastOutcome, outcome.Transient)
		equal(t, "last success", w.ledgerRow(account).LastSuccessAt, time.Time{})

		w.Reply = nil
		w.setLedgerPaused(t, false)
		report := w.run(t, sweep.Request{})
		equal(t, "failures", report.Accounts[0].Failures, 0)
		row := w.ledgerRow(account)
		equal(t, "row", row, store.Row{
			Key: row.Key, Phase: store.Idle, Fence: 3, State: store.OK, CredentialsVersionID: "v1",
			LastOutcome: outcome.Refreshed, LastSuccessAt: time.Now().UTC().Truncate(time.Millisecond), AccessExpiresAt: w.row(2).AccessExpiresAt,
			Tick: time.Minute,
		})
	})
}

// A pause that is set while a sweep runs stays, and so does what another sweep wrote.
func TestHistoryRaces(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.add(1)
		w.setLedger(account, store.Row{Phase: store.Idle, Fence: 8})
		w.Reply = func(string) (providers.Tokens, error) {
			w.setLedger(account, store.Row{Phase: store.Idle, Fence: 9, NotBefore: time.Now().Add(time.Hour).UTC()})
			w.setLedgerPaused(t, true)
			return fresh(), nil
		}
		wantOutcomes(t, w.run(t, sweep.Request{}), one(outcome.Refreshed))
		row := w.ledgerRow(account)
		if !row.Paused || row.Fence != 10 || row.NotBefore.IsZero() || row.LastOutcome != outcome.Refreshed {
			t.Errorf("row: %+v", row)
		}
	})
}

func (w *world) setLedgerPaused(t *testing.T, paused bool) {
	t.Helper()
	assert.NilError(t, (model{w}).SetPaused(t.Context(), store.Key{Provider: provider, Account: account}, paused))
}
