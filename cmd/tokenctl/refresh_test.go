package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/handler"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
)

// results are the functions' answers that a command has printed.
func (s said) results(t *testing.T) map[string]handler.Result {
	t.Helper()
	all := map[string]handler.Result{}
	for line := range strings.Lines(s.out) {
		var r handler.Result
		err := json.Unmarshal([]byte(line), &r)
		assert.Assert(t, err == nil, "not a result: %q", line)
		all[r.Provider] = r
	}
	return all
}

func TestRefresh(t *testing.T) {
	inHomes(t, func(t *testing.T, w *world) {
		s := w.provision(t, sandbox.Hesabe, sandbox.TConnect, sandbox.Berbix)
		transaction := s.AddTransaction()
		id := strconv.FormatInt(transaction.ID, 10)
		s.run(t, transaction.RefreshToken, "record", "--transaction-id", id).want(t, exitDone)

		s.run(t, "", "refresh", "--dry-run").want(t, exitDone,
			"hesabe/default: would_login\n  because: a login replaces the refresh\n",
			"tconnect/default: would_login\n", "berbix: would_refresh 1\n")
		calls := s.Stats(sandbox.Hesabe).Logins + s.Stats(sandbox.TConnect).Logins + s.Stats(sandbox.Berbix).Refreshes
		assert.Check(t, calls <= 0, "a dry run makes %d calls", calls)
		first := s.run(t, "", "refresh", "--json")
		first.want(t, exitDone)
		got := first.results(t)
		for provider, want := range map[string]outcome.Outcome{
			"hesabe": outcome.LoggedIn, "tconnect": outcome.LoggedIn, "berbix": outcome.Refreshed,
		} {
			assert.Check(t, is.DeepEqual(got[provider].Outcomes, map[outcome.Outcome]int{want: 1}), "%s", provider)
		}
		at := got["hesabe"].Credentials[0].AccessExpiresAt
		assert.Check(t, at != "", "the answer lacks when the access token expires")

		s.run(t, "", "refresh", "--provider", "hesabe", "--account", "default").want(t, exitDone,
			"hesabe/default: not_due, the access token expires in 14m", "--force")
		s.run(t, "", "refresh", "--provider", "hesabe", "--force").want(t, exitDone, "hesabe/default: refreshed")
		s.run(t, "", "refresh", "--provider", "berbix", "--transaction", id, "--force").want(t, exitDone,
			"berbix transaction "+id+": refreshed 1\n")
		s.run(t, "", "refresh", "--provider", "berbix", "--transaction", "7").want(t, exitDone,
			"berbix transaction 7: not_due 1\n  warning: transaction 7 is not recorded")
		s.published(t, sandbox.Hesabe)
		s.published(t, sandbox.TConnect)
	})
}

// A person can report what a reader's callback reports.
func TestRefreshRejected(t *testing.T) {
	inHomes(t, func(t *testing.T, w *world) {
		s := w.provision(t, sandbox.Hesabe)
		s.run(t, "", "refresh", "--provider", "hesabe").want(t, exitDone, "logged_in")
		var token printed
		err := json.Unmarshal([]byte(w.run(t, "", "token", "--provider", "hesabe", "--json").out), &token)
		assert.Assert(t, err == nil && token.AttemptID != "", "%+v, %v", token, err)
		rejected := []string{"refresh", "--provider", "hesabe", "--rejected", token.AttemptID}
		s.run(t, "", rejected...).want(t, exitNothing, "not_due", "is too new")
		row, _ := s.row(t, "hesabe", "default")
		row.LastSuccessAt = row.LastSuccessAt.Add(-time.Minute)
		row.Fence++
		err = s.Ledger.Write(t.Context(), row, store.Guard{Fence: row.Fence - 1, AttemptID: row.AttemptID, Phase: row.Phase})
		assert.NilError(t, err)
		s.run(t, "", "refresh", "--provider", "hesabe", "--rejected", "another").want(t, exitNothing, "not the published one")
		s.run(t, "", rejected...).want(t, exitDone, "hesabe/default: refreshed")
		s.run(t, "", rejected...).want(t, exitNothing, "not the published one")
		for _, more := range [][]string{{"--force"}, {"--dry-run"}, {"--provider", "berbix"}, {"--rejected", ""}} {
			s.run(t, "", append(rejected, more...)...).want(t, exitUsage)
		}
		s.run(t, "", "refresh", "--rejected", "x").want(t, exitUsage, "needs a --provider")
	})
}

func TestRefreshOfAnEmptyHome(t *testing.T) {
	t.Parallel()
	w := embeddedWorld(t)
	w.run(t, "", "refresh").want(t, exitFailed, "nothing to refresh in embedded /", "tokenctl seed")
	w.run(t, "", "refresh", "--provider", "hesabe").want(t, exitFailed, "nothing to refresh")
	w.run(t, "", "refresh", "--provider", "hesabe", "--account", "typo").want(t, exitFailed, "there is no such account typo")
	w.hasRow(t, "hesabe", "typo", false)
}

// The exit code shows scripts whether to wait or to call somebody; the output shows people why, and
// what to do.
func TestRefreshThatFails(t *testing.T) {
	t.Parallel()
	forced := []string{"--provider", "hesabe", "--force"}
	pauses := func(t *testing.T, s *scene) { s.run(t, "", "pause", "--provider", "hesabe").want(t, exitDone) }
	recordsDead := func(t *testing.T, s *scene) {
		s.run(t, s.Credentials(sandbox.Berbix), "seed", "credentials", "--provider", "berbix").want(t, exitDone)
		s.record(t, sandbox.Transaction{ID: 7, RefreshToken: "unknown"})
	}
	for name, tt := range map[string]struct {
		arrange func(t *testing.T, s *scene)
		args    []string
		code    int
		says    []string
	}{
		"rate limited": {func(_ *testing.T, s *scene) {
			s.Inject(sandbox.Hesabe, sandbox.Any, 0, sandbox.RateLimit("30"))
		}, forced, exitFailed, []string{"hesabe/default: rate_limited", "a later run tries again"}},
		"transient": {func(_ *testing.T, s *scene) {
			s.Inject(sandbox.Hesabe, sandbox.Any, 0, sandbox.Status(http.StatusInternalServerError))
		}, forced, exitFailed, []string{"hesabe/default: transient"}},
		"dead": {func(t *testing.T, s *scene) {
			s.run(t, fmt.Sprintf(`{"base_url":%q}`, s.URL(sandbox.Hesabe)), "seed", "credentials", "--provider", "hesabe").want(t, exitDone)
			s.Inject(sandbox.Hesabe, sandbox.Refresh, 0, sandbox.Status(http.StatusNotFound))
		}, forced, exitPerson, []string{"hesabe/default: dead", "put login credentials into the secret", "a person must act: hesabe/default is dead"}},
		"misconfigured beside transient": {func(t *testing.T, s *scene) {
			s.Inject(sandbox.Hesabe, sandbox.Any, 0, sandbox.Status(http.StatusInternalServerError))
			key := store.Key{Provider: "berbix", Account: "default"}
			assert.NilError(t, s.Editor.CreateSecret(t.Context(), key, store.Credentials))
			s.put(t, key, store.Credentials, `{"api_secret":7}`)
			s.record(t, s.AddTransaction())
		}, []string{"--force"}, exitPerson, []string{"hesabe/default: transient", "berbix: misconfigured 1\nberbix/default: misconfigured", "api_secret is not a text"}},
		"paused":                 {pauses, forced, exitNothing, []string{"hesabe/default: paused", "tokenctl resume --provider hesabe --home"}},
		"paused, in a plain run": {pauses, nil, exitDone, []string{"hesabe/default: paused"}},
		"paused, in a dry run":   {pauses, []string{"--force", "--dry-run"}, exitDone, []string{"hesabe/default: paused"}},
		"one of two paused": {func(t *testing.T, s *scene) {
			s.run(t, s.Credentials(sandbox.TConnect), "seed", "credentials", "--provider", "tconnect").want(t, exitDone)
			s.run(t, "", "pause", "--provider", "hesabe").want(t, exitDone)
		}, []string{"--force"}, exitDone, []string{"hesabe/default: paused", "tconnect/default: logged_in"}},
		"an account without credentials": {func(t *testing.T, s *scene) {
			s.put(t, store.Key{Provider: "hesabe", Account: "shop-2"}, store.Credentials, "")
		}, []string{"--provider", "hesabe", "--account", "shop-2"}, exitNothing, []string{"nothing was done: hesabe is not_seeded"}},
		"an account with credentials alone": {func(t *testing.T, s *scene) {
			s.run(t, `{"base_url":"https://h.example"}`, "seed", "credentials", "--provider", "hesabe", "--account", "shop-2").want(t, exitDone)
		}, []string{"--provider", "hesabe", "--account", "shop-2"}, exitNothing, []string{
			"warning: there is neither a login in the secret", "put in what is missing: tokenctl seed credentials", " or tokenctl seed tokens",
		}},
		"an account that there is not": {
			func(*testing.T, *scene) {},
			[]string{"--provider", "hesabe", "--account", "shop-3"},
			exitFailed,
			[]string{"there is no such account shop-3: there are hesabe/default"},
		},
		"busy": {func(t *testing.T, s *scene) {
			row, _ := s.row(t, "hesabe", "default")
			next := row
			next.Phase, next.ClaimedUntil = store.Sending, time.Now().Add(time.Minute)
			assert.NilError(t, s.Ledger.Write(t.Context(), next, store.Guard{Fence: row.Fence}))
		}, forced, exitNothing, []string{"hesabe/default: busy", "its claim ends by itself"}},
		"a dead transaction":              {recordsDead, []string{"--provider", "berbix", "--transaction", "7"}, exitPerson, []string{"berbix transaction 7: dead 1", "record it again"}},
		"a dead transaction among others": {recordsDead, []string{"--provider", "berbix"}, exitDone, []string{"berbix: dead 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := embeddedWorld(t).provision(t, sandbox.Hesabe)
			s.run(t, "", "refresh").want(t, exitDone, "logged_in")
			tt.arrange(t, s)
			s.run(t, "", append([]string{"refresh"}, tt.args...)...).want(t, tt.code, tt.says...)
		})
	}
}

// An interrupted refresh stores the reply of its call first.
func TestRefreshIsInterruptedAmidASend(t *testing.T) {
	t.Parallel()
	s := embeddedWorld(t).provision(t, sandbox.Hesabe)
	s.run(t, "", "refresh").want(t, exitDone, "logged_in")
	gate := sandbox.NewGate()
	s.Inject(sandbox.Hesabe, sandbox.Refresh, 1, sandbox.Hold(gate).AfterActing())
	p := s.start(t, nil, "refresh", "--force")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := gate.Await(ctx, 1)
	assert.Assert(t, err == nil, "%v:\n%s", err, p.said.text())
	p.signal(t, os.Interrupt)
	p.await(t, "ending when the run is done")
	gate.Release()
	p.ended(t, exitDone, 0)
	p.await(t, "hesabe/default: refreshed")
	s.published(t, sandbox.Hesabe)
	s.quiet(t, p.said.text())
}

// record records a transaction.
func (s *scene) record(t *testing.T, one sandbox.Transaction) {
	t.Helper()
	s.run(t, one.RefreshToken, "record", "--transaction-id", strconv.FormatInt(one.ID, 10)).want(t, exitDone)
}

// With --function the deployed function does it, and its answer is shown as it is.
func TestRefreshByTheDeployedFunction(t *testing.T) {
	var asked []string
	var answer func(w http.ResponseWriter)
	onAWS(t, answering(t, func(w http.ResponseWriter, r *http.Request) {
		var event json.RawMessage
		assert.Check(t, json.NewDecoder(r.Body).Decode(&event))
		asked = append(asked, r.Method+" "+r.URL.Path+" "+string(event))
		answer(w)
	}))
	fails := func(status int, kind string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("X-Amzn-Errortype", kind)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"Message":"no"}`))
		}
	}
	says := func(fault, payload string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			if fault != "" {
				w.Header().Set("X-Amz-Function-Error", fault)
			}
			_, _ = w.Write([]byte(payload))
		}
	}
	const refreshed = `{"provider":"hesabe","run_id":"r","outcomes":{"refreshed":1},"credentials":[{"account":"shop-2","outcome":"refreshed"}]}`
	const function = "token-refresh-refresh-hesabe"
	for name, tt := range map[string]struct {
		args   []string
		event  string
		answer func(http.ResponseWriter)
		code   int
		says   []string
	}{
		"done": {nil, `{}`, says("", refreshed), exitDone, []string{"hesabe/shop-2: refreshed\n"}},
		"all flags": {
			[]string{"--account", "shop-2", "--force", "--dry-run", "--json"},
			`{"account":"shop-2","force":true,"dry_run":true}`,
			says("", refreshed), exitDone,
			[]string{refreshed + "\n"},
		},
		"a transaction": {
			[]string{"--transaction", "7"},
			`{"transaction_id":7}`,
			says("", `{"provider":"berbix","run_id":"r","outcomes":{"transient":1},"credentials":[],"warnings":["default: throttled"]}`),
			exitFailed,
			[]string{"berbix transaction 7: transient 1\n  warning: default: throttled", "a later run tries again"},
		},
		"a person must act": {
			nil, `{}`, says("Unhandled", `{"errorMessage":"hesabe, run r: default: dead: put a new one in","errorType":"NeedsPersonError"}`),
			exitPerson,
			[]string{"a person must act: hesabe, run r: default: dead: put a new one in"},
		},
		"in JSON": {
			[]string{"--json"},
			`{}`, says("Unhandled", `{"errorMessage":"dead","errorType":"NeedsPersonError","stackTrace":[]}`),
			exitPerson,
			[]string{`{"errorType":"NeedsPersonError","errorMessage":"dead"}` + "\n"},
		},
		"it dies": {
			nil, `{}`, says("Unhandled", `{"errorMessage":"Task timed out after 40.00 seconds","errorType":"Sandbox.Timedout"}`),
			exitFailed,
			[]string{"Task timed out"},
		},
		"it says no JSON": {nil, `{}`, says("Unhandled", `?`), exitFailed, []string{function + " failed: Unhandled"}},
		"another function": {
			nil, `{}`, says("", `"hello"`), exitFailed, []string{"does not answer as a function of token-refresh"},
		},
		"a function of others": {nil, `{}`, says("", `{"status":"ok"}`), exitFailed, []string{"does not answer as a function of token-refresh"}},
		"no such function": {
			nil, `{}`, fails(http.StatusNotFound, "ResourceNotFoundException"), exitFailed, []string{function, "none of that name in this region"},
		},
		"not allowed": {nil, `{}`, fails(http.StatusForbidden, "AccessDeniedException"), exitFailed, []string{"lambda:InvokeFunction"}},
	} {
		t.Run(name, func(t *testing.T) {
			asked, answer = nil, tt.answer
			tokenctl(t, "", append([]string{"refresh", "--function", function}, tt.args...)...).want(t, tt.code, tt.says...)
			want := []string{"POST /2015-03-31/functions/" + function + "/invocations " + tt.event}
			assert.Check(t, is.DeepEqual(asked, want), "Lambda is asked")
		})
	}
}

// The engine does not know on which home a person has called it.
func TestAdvisedLoginNamesTheHome(t *testing.T) {
	t.Parallel()
	const flags = "--home embedded --state s.db"
	for name, tt := range map[string]struct {
		provider, flags string
		what            outcome.Outcome
		want            bool
	}{
		"uncertain":                 {"oauth2", flags, outcome.Uncertain, true},
		"dead":                      {"oauth2", flags, outcome.Dead, true},
		"the usual home":            {"oauth2", "", outcome.Dead, false},
		"no person":                 {"oauth2", flags, outcome.Transient, false},
		"a login without a browser": {"hesabe", flags, outcome.Dead, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := handler.Credential{Account: "xero", Outcome: tt.what, Error: "why"}
			said := strings.Join(credentialEnded(tt.provider, c, tt.flags, time.Now()), "\n")
			got := strings.Contains(said, "tokenctl login --provider oauth2 --account xero "+flags)
			assert.Check(t, got == tt.want, "the login is advised: %t, want %t:\n%s", got, tt.want, said)
		})
	}
}
