package refresh_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/refresh"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// The possible content of the secrets before the first attempt.
func TestFirstTick(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		setup func(w *rt.World)
		want  outcome.Outcome
		says  string // in the error
	}{
		"login":            {func(*rt.World) {}, outcome.LoggedIn, ""},
		"login and a seed": {func(w *rt.World) { w.Seed(rt.Default) }, outcome.Refreshed, ""},
		"a seed alone":     {func(w *rt.World) { loginOff(w); w.Seed(rt.Default) }, outcome.Refreshed, ""},
		"a row that a pause has made, and a seed": {
			func(w *rt.World) {
				w.Seed(rt.Default)
				w.Ledger.Pause(rt.Default, false)
			}, outcome.Refreshed, "",
		},
		"placeholder":            {credentials(`{"placeholder":"","password":""}`), outcome.NotSeeded, "model/default/credentials"},
		"empty credentials":      {credentials(" \n"), outcome.NotSeeded, "model/default/credentials"},
		"empty JSON":             {credentials(`{}`), outcome.NotSeeded, "model/default/credentials"},
		"placeholder in tokens":  {tokens(`{}`), outcome.LoggedIn, ""},
		"neither login nor seed": {loginOff, outcome.NotSeeded, "model/default"},
		"neither login nor seed, and a row": {
			func(w *rt.World) { loginOff(w); w.Ledger.Pause(rt.Default, false) }, outcome.NotSeeded, "model/default",
		},
		"credentials without a value": {
			func(w *rt.World) { w.Secrets.Create(rt.Default, store.Credentials) }, outcome.NotSeeded, "credentials",
		},
		"malformed credentials": {credentials(`{"password":`), outcome.Misconfigured, "open"},
		"damaged tokens":        {tokens(`{"refresh_token":"rt-\ud800"}`), outcome.Misconfigured, `"refresh_token" is damaged`},
		"a time nobody writes": {
			tokens(`{"refresh_token":"rt-1-1","refresh_expires_at":"9999-12-31T23:59:59-01:00"}`), outcome.Misconfigured,
			`"refresh_expires_at" is not an RFC 3339 time`,
		},
		"malformed tokens":       {tokens(`{"refresh_token":"rt-1-1"`), outcome.Misconfigured, "secret model/default/tokens: the text is not a JSON object"},
		"tokens of a wrong type": {tokens(`{"refresh_token":1,"issued_at":"yesterday"}`), outcome.Misconfigured, `"issued_at"`},
		"tokens not in UTF-8":    {tokens("{\"refresh_token\":\"rt\xff\"}"), outcome.Misconfigured, "UTF-8"},
		"no credentials secret": {
			func(w *rt.World) { w.Secrets.Delete(rt.Default, store.Credentials) }, outcome.Misconfigured, "secret model/default/credentials",
		},
		"no tokens secret": {
			func(w *rt.World) { w.Secrets.Delete(rt.Default, store.TokensDoc) }, outcome.Misconfigured, "secret model/default/tokens",
		},
		"no access secret": {
			func(w *rt.World) { w.Secrets.Delete(rt.Default, store.AccessDoc) }, outcome.Misconfigured, "secret model/default/access",
		},
		"access denied": {
			func(w *rt.World) { w.Secrets.Break(rt.Default, store.TokensDoc, store.ErrForbidden) },
			outcome.Misconfigured, "secret model/default/tokens",
		},
		"binary tokens": {
			func(w *rt.World) { w.Secrets.Break(rt.Default, store.TokensDoc, store.ErrMalformed) },
			outcome.Misconfigured, "secret model/default/tokens",
		},
		"passing trouble": {
			func(w *rt.World) { w.Secrets.Break(rt.Default, store.AccessDoc, errPassing) }, outcome.Transient, "secret model/default/access",
		},
	} {
		inBubble(t, name, func(t *testing.T) {
			w := rt.New()
			tt.setup(w)
			before := snapshot(w)
			for range 3 {
				got := wantTick(t, w, nil, tt.want)
				if tt.says == "" {
					wantHealthy(t, w)
					return
				}
				// A new deployment is no error: what to do is a warning then.
				said := strings.Join(got.Warnings, "\n")
				if tt.want != outcome.NotSeeded {
					said = fmt.Sprint(got.Err)
				}
				if !strings.Contains(said, tt.says) || strings.Contains(said, "rt-1-1") || (got.Err == nil) != (tt.want == outcome.NotSeeded) {
					t.Errorf("error %v, warnings %v, want one that says %q", got.Err, got.Warnings, tt.says)
				}
				assert.Equal(t, w.Provider.Calls(rt.Login)+w.Provider.Calls(rt.Refresh), 0, "the provider was called")
				assert.DeepEqual(t, before, snapshot(w))
				w.Advance(time.Minute)
			}
		})
	}
}

func credentials(text string) func(w *rt.World) {
	return func(w *rt.World) { w.Secrets.Put(rt.Default, store.Credentials, secret.New(text)) }
}

func tokens(text string) func(w *rt.World) {
	return func(w *rt.World) { w.Secrets.Put(rt.Default, store.TokensDoc, secret.New(text)) }
}

// snapshot is the content of a credential's secrets.
func snapshot(w *rt.World) map[string]string {
	all := map[string]string{}
	for _, doc := range []store.Document{store.Credentials, store.TokensDoc, store.AccessDoc} {
		v := w.Secrets.Get(rt.Default, doc)
		all[string(doc)] = v.ID + " " + v.Value.Reveal()
	}
	return all
}

// A secret that could not be read is tried again in each tick: a restored permission or a created
// secret makes no new version to wait for.
func TestReadableAgain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		harm, mend func(w *rt.World)
		then       outcome.Outcome // if there was a chain
	}{
		"access denied": {
			func(w *rt.World) { w.Secrets.Break(rt.Default, store.AccessDoc, store.ErrForbidden) },
			func(w *rt.World) { w.Secrets.Break(rt.Default, store.AccessDoc, nil) },
			outcome.Refreshed,
		},
		"tokens secret missing": {
			func(w *rt.World) { w.Secrets.Delete(rt.Default, store.TokensDoc) },
			func(w *rt.World) { w.Secrets.Create(rt.Default, store.TokensDoc) },
			outcome.LoggedIn,
		},
		"key of the credentials disabled": {
			func(w *rt.World) { w.Secrets.Break(rt.Default, store.Credentials, store.ErrForbidden) },
			func(w *rt.World) { w.Secrets.Break(rt.Default, store.Credentials, nil) },
			outcome.Refreshed,
		},
	} {
		for _, fresh := range []bool{true, false} {
			inBubble(t, fmt.Sprintf("%s, fresh %t", name, fresh), func(t *testing.T) {
				w := rt.New()
				if !fresh {
					w = live(t)
				}
				tt.harm(w)
				wantTicks(t, w, 2, outcome.Misconfigured)
				tt.mend(w)
				got := tick(w, nil)
				assert.Check(t, fresh || got.Outcome == tt.then, "then %s, want %s: %v", got.Outcome, tt.then, got.Err)
				wantHealthy(t, w)
			})
		}
	}
}

// A mistake in the secrets is written into the row once, and removed with the mistake.
func TestMisconfiguredUntilEdited(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := live(t)
		good := w.Secrets.Get(rt.Default, store.Credentials).Value
		credentials(`{`)(w)
		tick(w, nil)
		noted := row(w)
		assert.Equal(t, noted.State, store.Misconfigured)
		assert.Equal(t, noted.ConsecutiveFailures, 1)
		wantAfter(t, w, time.Minute, outcome.Misconfigured)
		assert.Equal(t, row(w).ConsecutiveFailures, 1, "written again")
		w.Secrets.Put(rt.Default, store.Credentials, good)
		wantTick(t, w, nil, outcome.Refreshed)
		wantHealthy(t, w)
	})
}

// A mistyped account must not be refreshed for ever.
func TestUnknownAccountLeavesNoRow(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := rt.New()
		got := run(w, nil, refresh.Request{Account: "dfault", Force: true})
		if got.Outcome != outcome.Misconfigured || !errors.Is(got.Err, store.ErrNoSecret) || got.Account != "dfault" {
			t.Errorf("%s: outcome %s: %v", got.Account, got.Outcome, got.Err)
		}
		assert.Check(t, w.Ledger.Get(store.Key{Provider: rt.Name, Account: "dfault"}).Account == "", "it has a row")
	})
}

// Unknown keys survive from version to version, by a refresh, a recovery and a login.
func TestUnknownKeysArePreserved(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := rt.New()
		const note = `{"by":["ops",1e3,null,"<&>"]}`
		tokens(`{"refresh_token":"` + w.Provider.NewFamily() + `","note":` + note + `,"Access_Token":"not ours"}`)(w)
		for step, do := range []func(){
			func() { tick(w, nil) },
			func() {
				w.Advance(12 * time.Minute)
				tick(w, onlyEscrow)
				after(w, 2*time.Minute)
			},
			func() {
				w.Advance(12 * time.Minute)
				w.Provider.Answer = rt.Fail(rt.Refresh, providers.Refused, false)
				tick(w, nil)
			},
		} {
			do()
			wantHealthy(t, w)
			var doc map[string]json.RawMessage
			assert.Check(t, json.Unmarshal([]byte(w.Secrets.Get(rt.Default, store.TokensDoc).Value.Reveal()), &doc) == nil)
			var got, want any
			if json.Unmarshal(doc["note"], &got) != nil || json.Unmarshal([]byte(note), &want) != nil || !cmp.Equal(got, want) {
				t.Errorf("step %d: note is %s, want %s", step, doc["note"], note)
			}
			assert.Equal(t, string(doc["Access_Token"]), `"not ours"`)
		}
	})
}
