package health_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"gotest.tools/v3/assert"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/health"
	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/refresh"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/sweep"
)

// life is a home that the engines work on, against the providers' sandbox.
type life struct {
	world
	sandbox *sandbox.Sandbox
	full    *fullSecrets
	key     store.Key
	chain   *refresh.Engine
	sweeps  *sweep.Engine
	passed  atomic.Int64 // of time, since now
}

// fullSecrets is a store that refuses new versions of a document.
type fullSecrets struct {
	store.Secrets
	doc store.Document
	err error
}

func (s *fullSecrets) Stage(ctx context.Context, key store.Key, doc store.Document, v store.Version) (bool, error) {
	if doc == s.doc && s.err != nil {
		return false, s.err
	}
	return s.Secrets.Stage(ctx, key, doc, v)
}

func newLife(t *testing.T, provider string) *life {
	t.Helper()
	l := &life{world: newWorld(t), key: store.Key{Provider: provider, Account: "default"}}
	var err error
	l.sandbox, err = sandbox.Start(sandbox.Options{Now: l.now})
	assert.NilError(t, err)
	t.Cleanup(l.sandbox.Close)
	entry, err := catalog.Find(provider)
	assert.NilError(t, err)
	client := entry.New(exchange.New(exchange.Options{Now: l.now}), "sandbox")
	l.full = &fullSecrets{Secrets: l.Secrets}
	accounts := []string{l.key.Account}
	l.chain = refresh.Engine{
		Provider: client, Secrets: l.full, Ledger: l.Ledger, Accounts: accounts, NewID: uuid.NewString, Now: l.now,
	}.WithDefaults()
	l.sweeps = sweep.Engine{
		Provider: client, Secrets: l.Secrets, Ledger: l.Ledger, Transactions: l.Transactions(provider), Accounts: accounts, Now: l.now,
	}.WithDefaults()
	for _, doc := range []store.Document{store.Credentials, store.TokensDoc, store.AccessDoc} {
		assert.NilError(t, l.Editor.CreateSecret(t.Context(), l.key, doc))
	}
	return l
}

func (l *life) now() time.Time { return in(time.Duration(l.passed.Load())) }

func (l *life) pass(d time.Duration) { l.passed.Add(int64(d)) }

// tick runs the engine after a time.
func (l *life) tick(after time.Duration, force bool) {
	l.t.Helper()
	l.pass(after)
	if l.key.Provider == "berbix" {
		l.sweeps.Run(l.t.Context(), sweep.Request{RunID: "run", Force: force})
		return
	}
	l.chain.Run(l.t.Context(), refresh.Request{RunID: "run", Force: force})
}

// edit writes a secret as a person does.
func (l *life) edit(doc store.Document, text string) {
	l.t.Helper()
	_, err := l.Editor.PutCurrent(l.t.Context(), l.key, doc, secret.New(text))
	assert.NilError(l.t, err)
}

// seed begins a chain by hand.
func (l *life) seed() {
	l.t.Helper()
	l.edit(store.TokensDoc, `{"refresh_token":"`+l.sandbox.Issue(sandbox.Provider(l.key.Provider)).RefreshToken+`"}`)
}

func (l *life) credentials() string { return l.sandbox.Credentials(sandbox.Provider(l.key.Provider)) }

// without are the credentials without some fields.
func (l *life) without(fields ...string) string {
	all := map[string]string{}
	assert.NilError(l.t, json.Unmarshal([]byte(l.credentials()), &all))
	for _, field := range fields {
		delete(all, field)
	}
	text, err := json.Marshal(all)
	assert.NilError(l.t, err)
	return string(text)
}

func (l *life) fault(op sandbox.Op, faults ...sandbox.Fault) {
	l.sandbox.Inject(sandbox.Provider(l.key.Provider), op, 0, faults...)
}

func (l *life) revoke() {
	v, err := l.Secrets.Current(l.t.Context(), l.key, store.TokensDoc)
	assert.NilError(l.t, err)
	held, err := refresh.ParseTokens(v.Value)
	assert.Assert(l.t, err == nil && l.sandbox.Revoke(sandbox.Provider(l.key.Provider), held.RefreshToken.Reveal()),
		"nothing to revoke: %v", err)
}

// record records a transaction that is due at once.
func (l *life) record() {
	l.t.Helper()
	one := l.sandbox.AddTransaction()
	r := l.sweeps.Record(l.t.Context(), []sweep.Record{{TransactionID: one.ID, RefreshToken: secret.New(one.RefreshToken), Status: store.StatusActive}})
	if r[0].Err != nil {
		l.t.Fatal(r[0].Err)
	}
}

func (l *life) verdict() health.Finding {
	l.t.Helper()
	all, err := health.Reader{Home: l.Home, Providers: only(l.key.Provider)}.Read(l.t.Context(), l.now())
	assert.NilError(l.t, err)
	return all[0].Verdict(l.now())
}

// Each state that the engines leave is reported truly, and the advice mends it.
func TestEnginesAreUnderstood(t *testing.T) {
	t.Parallel()
	const due = 13 * time.Minute // for a refresh of Hesabe
	loginFields := []string{"username", "password"}
	withLogin := func(l *life) {
		l.edit(store.Credentials, l.credentials())
		l.tick(0, false)
	}
	withoutLogin := func(l *life) {
		l.edit(store.Credentials, l.without(loginFields...))
		l.seed()
		l.tick(0, false)
	}
	heal := func(l *life) { l.sandbox.Clear(sandbox.Provider(l.key.Provider)) }
	next := func(l *life) { l.tick(time.Minute, false) }
	correct := func(l *life) {
		l.edit(store.Credentials, l.credentials())
		next(l)
	}
	reseed := func(l *life) {
		l.seed()
		next(l)
	}
	healed := func(l *life) {
		heal(l)
		l.tick(2*time.Minute, false)
	}
	for name, tt := range map[string]struct {
		provider  string
		begins    func(*life)
		breaks    func(*life)
		state     health.State
		condition health.Condition
		says      string
		mends     func(*life)
	}{
		"nobody has put credentials in": {
			"hesabe", func(*life) {}, func(l *life) { l.tick(0, false) },
			health.Act, health.NotSeeded, "hesabe/default/credentials", withLogin,
		},
		"credentials without a run": {
			"hesabe", func(*life) {}, func(l *life) { l.edit(store.Credentials, l.credentials()) },
			health.Warn, health.New, "", next,
		},
		"no run for an hour": {
			"hesabe", withLogin, func(l *life) { l.pass(time.Hour) },
			health.Act, health.Silent, "the access token ended 45m ago", next,
		},
		"a wrong password": {
			"hesabe", withLogin, func(l *life) {
				l.revoke()
				l.edit(store.Credentials, strings.Replace(l.credentials(), `"password":"`, `"password":"x`, 1))
				l.tick(due, false)
				next(l)
			},
			health.Act, health.Misconfigured, "hesabe login: misconfigured (HTTP 401)", correct,
		},
		"a wrong address": {
			"hesabe", withLogin, func(l *life) {
				l.fault(sandbox.Any, sandbox.Redirect("http://127.0.0.1:1"))
				l.tick(due, false)
			},
			health.Act, health.Misconfigured, "hesabe refresh: turned away (HTTP 307)", func(l *life) {
				heal(l)
				l.tick(time.Minute, true)
			},
		},
		"credentials that are cut off, before a run": {
			"hesabe", withLogin, func(l *life) { l.edit(store.Credentials, `{"username":"u`) },
			health.Act, health.SecretAtFault, "secret hesabe/default/credentials:", withLogin,
		},
		"credentials that are cut off, after a run": {
			"hesabe", withLogin, func(l *life) {
				l.edit(store.Credentials, `{"username":"u`)
				l.tick(due, false)
			},
			health.Act, health.Misconfigured, "secret hesabe/default/credentials:", correct,
		},
		"a provider in trouble": {
			"hesabe", withLogin, func(l *life) {
				l.fault(sandbox.Any, sandbox.Status(http.StatusInternalServerError))
				l.tick(due, false)
			},
			health.Act, health.Failing, "hesabe login: unknown (HTTP 500)", healed,
		},
		"a rate limit": {
			"hesabe", withLogin, func(l *life) {
				l.fault(sandbox.Any, sandbox.RateLimit("45"))
				l.tick(12*time.Minute, false)
			},
			health.Warn, health.RateLimited, "no call for another 45s", func(l *life) {
				heal(l)
				next(l)
			},
		},
		"a dead refresh token": {
			"hesabe", withoutLogin, func(l *life) {
				l.revoke()
				l.tick(due, false)
				next(l)
			},
			health.Act, health.Dead, "hesabe refresh: refused", reseed,
		},
		"a reply that was lost": {
			"hesabe", withoutLogin, func(l *life) {
				l.fault(sandbox.Any, sandbox.LoseReply())
				l.tick(due, false)
				heal(l)
				next(l)
			},
			health.Act, health.Uncertain, "no reply is stored", withLogin,
		},
		"a reply that cannot be read": {
			"hesabe", withoutLogin, func(l *life) {
				l.fault(sandbox.Any, sandbox.Garbage())
				l.tick(due, false)
				heal(l)
			},
			health.Act, health.Uncertain, "could not be read", reseed,
		},
		"a chain that was emptied": {
			"hesabe", withoutLogin, func(l *life) {
				l.edit(store.TokensDoc, `{}`)
				l.tick(due, false)
			},
			health.Act, health.Dead, "hesabe/default/tokens", reseed,
		},
		"a pause": {
			"hesabe", withLogin, func(l *life) {
				assert.NilError(l.t, l.Ledger.SetPaused(l.t.Context(), l.key, true))
				l.tick(due, false)
			},
			health.Act, health.Paused, "attempts left until then: 1", func(l *life) {
				assert.NilError(l.t, l.Ledger.SetPaused(l.t.Context(), l.key, false))
				next(l)
			},
		},
		"tokens at their quota": {
			"hesabe", withLogin, func(l *life) {
				l.full.doc, l.full.err = store.TokensDoc, store.ErrQuota
				l.tick(due, false)
			},
			health.Act, health.Unstored, store.ErrQuota.Error(), func(l *life) {
				l.full.err = nil
				next(l)
			},
		},
		"access that may not be written": {
			"hesabe", withLogin, func(l *life) {
				l.full.doc, l.full.err = store.AccessDoc, store.ErrForbidden
				l.tick(due, false)
			},
			health.Act, health.Unpublished, store.ErrForbidden.Error(), func(l *life) {
				l.full.err = nil
				next(l)
			},
		},
		"access that somebody has edited": {
			"hesabe", withLogin, func(l *life) {
				l.edit(store.AccessDoc, `{}`)
				l.pass(2 * time.Minute)
			},
			health.Act, health.AccessEdited, "hesabe/default/access", func(l *life) { l.tick(0, true) },
		},
		"a wrong API secret": {
			"berbix", withLogin, func(l *life) {
				l.edit(store.Credentials, strings.Replace(l.credentials(), `"api_secret":"`, `"api_secret":"x`, 1))
				l.record()
				l.tick(0, false)
			},
			health.Act, health.Misconfigured, "berbix refresh: misconfigured", correct,
		},
		"transactions that no sweep comes to": {
			"berbix", withLogin, func(l *life) {
				l.record()
				l.pass(6 * time.Minute)
			},
			health.Act, health.Silent, "transactions due: 1, the oldest for 6m", next,
		},
		"a provider that refreshes no transaction": {
			"berbix", withLogin, func(l *life) {
				l.record()
				l.fault(sandbox.Any, sandbox.Status(http.StatusInternalServerError))
				l.tick(0, false)
			},
			health.Warn, health.Failing, "(HTTP 500)", healed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLife(t, tt.provider)
			tt.begins(l)
			tt.breaks(l)
			got := l.verdict()
			if got.State != tt.state || got.Condition != tt.condition || !strings.Contains(got.Cause, tt.says) {
				t.Errorf("%+v, want %s %s that says %q", got, tt.state, tt.condition, tt.says)
			}
			assert.Check(t, got.Mend != "", "nothing to do")
			tt.mends(l)
			got = l.verdict()
			assert.Check(t, got.Condition == health.Healthy, "after it was mended: %+v", got)
		})
	}
}
