package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// current is the current value of a secret; "" if it has none.
func (w *world) current(t *testing.T, provider, account string, doc store.Document) string {
	t.Helper()
	v, err := w.Secrets.Current(t.Context(), store.Key{Provider: provider, Account: account}, doc)
	if err != nil && !errors.Is(err, store.ErrNoValue) {
		t.Fatal(err)
	}
	return v.Value.Reveal()
}

const hesabeCredentials = `{"username":"u","password":"` + planted + `"}`

func TestSeedCredentials(t *testing.T) {
	inHomes(t, func(t *testing.T, w *world) {
		path := write(t, "c.json", hesabeCredentials+"\n")
		w.run(t, "", "seed", "credentials", "--provider", "hesabe", "--account", "shop-2", "--file", path).want(t, exitDone,
			"hesabe/shop-2/credentials; the next tick looks at it")
		got := w.current(t, "hesabe", "shop-2", store.Credentials)
		assert.Check(t, got == hesabeCredentials, "credentials %s", got)
		for _, doc := range []store.Document{store.TokensDoc, store.AccessDoc} {
			got := w.current(t, "hesabe", "shop-2", doc)
			assert.Check(t, got == "", "%s: %s", doc, got)
		}
		row, exists := w.row(t, "hesabe", "shop-2")
		assert.Check(t, exists && row.Phase == store.Idle && !row.RefreshAt.After(time.Now()), "row %+v", row)

		// An existing row becomes due, and nothing else of it changes.
		row.Fence, row.AttemptID, row.State, row.RefreshAt = 3, "attempt", store.OK, time.Now().Add(time.Hour)
		assert.NilError(t, w.Ledger.Write(t.Context(), row, store.Guard{}))
		w.run(t, `{"username":"u2","password":"`+planted+`","colour":"`+planted+`"}`,
			"seed", "credentials", "--provider", "hesabe", "--account", "shop-2", "--json").want(t, exitDone,
			`"account":"shop-2"`, `"warnings":["not known to hesabe, and kept: colour"]`)
		if row, _ = w.row(t, "hesabe", "shop-2"); row.Fence != 3 || row.AttemptID != "attempt" || row.RefreshAt.After(time.Now()) {
			t.Errorf("row %+v", row)
		}
		w.run(t, "", "pause", "--provider", "hesabe", "--account", "shop-2").want(t, exitDone)
		w.run(t, hesabeCredentials, "seed", "credentials", "--provider", "hesabe", "--account", "shop-2").want(t, exitDone,
			"it is paused: tokenctl resume --provider hesabe --account shop-2 "+w.named()+"\n")
	})
}

func TestSeedCredentialsOfTheOthers(t *testing.T) {
	t.Parallel()
	w := embeddedWorld(t)
	w.run(t, `{"api_secret":"`+planted+`"}`, "seed", "credentials", "--provider", "berbix").want(t, exitDone)
	_, err := w.Secrets.CurrentID(t.Context(), store.Key{Provider: "berbix", Account: "default"}, store.TokensDoc)
	assert.Check(t, errors.Is(err, store.ErrNoSecret), "berbix has tokens: %v", err)
	w.run(t, `{"api_secret":"`+planted+`\n","base_url":" https://b.example"}`, "seed", "credentials", "--provider", "berbix").want(t, exitDone,
		"white space at the ends is left out: api_secret, base_url")
	w.run(t, `{"base_url":"https://hesabe.example"}`, "seed", "credentials", "--provider", "hesabe").want(t, exitDone, "warning: without a login",
		"tokenctl seed tokens --provider hesabe "+strings.Join(w.flags, " ")+"\n")
}

// Seeding credentials of an OAuth 2 service warns of their weaknesses.
func TestSeedOAuth2Cautions(t *testing.T) {
	t.Parallel()
	w := embeddedWorld(t)
	const missing, short, many = "refresh_token_reuse is missing", `counts as "never"`, "versions of two secrets a day"
	for fields, want := range map[string][]string{
		"":                                                {missing},
		`,"refresh_token_reuse":"never"`:                  nil,
		`,"refresh_token_reuse":"always"`:                 nil,
		`,"refresh_token_reuse":1800`:                     nil,
		`,"refresh_token_reuse":30`:                       {"refresh_token_reuse of 30 seconds " + short, "at least 190 are allowed"},
		`,"refresh_token_reuse":189`:                      {short},
		`,"refresh_token_reuse":190`:                      nil,
		`,"refresh_token_reuse":"never","expires_in":300`: {"that live 5m0s take 582 " + many, "takes 144"},
		`,"refresh_token_reuse":"never","expires_in":720`: {many},
		`,"refresh_token_reuse":"never","expires_in":900`: nil,
	} {
		got := w.run(t, `{"token_url":"https://t.example/token","client_id":"c"`+fields+`}`,
			"seed", "credentials", "--provider", "oauth2", "--account", "xero")
		got.want(t, exitDone, want...)
		for _, caution := range []string{missing, short, many} {
			if wanted := strings.Contains(strings.Join(want, "|"), caution); !wanted && strings.Contains(got.err+got.out, caution) {
				t.Errorf("%s: there is no need to say %q", fields, caution)
			}
		}
	}
}

// Credentials that call another address than those before may send the refresh token to a stranger.
func TestSeedWarnsOfAnotherAddress(t *testing.T) {
	t.Parallel()
	w := embeddedWorld(t)
	const moves = "base_url changes"
	for _, tt := range []struct{ address, says string }{
		{"", ""}, // there was none before
		{`,"base_url":"https://sandbox.example"`, "base_url changes from the usual one to https://sandbox.example"},
		{`,"base_url":" https://sandbox.example\n"`, ""},
		{`,"base_url":"https://other.example"`, "from https://sandbox.example to https://other.example, and the next run sends the refresh token there"},
		{"", "from https://other.example to the usual one"},
	} {
		got := w.run(t, `{"username":"u","password":"`+planted+`"`+tt.address+`}`, "seed", "credentials", "--provider", "hesabe")
		got.want(t, exitDone, tt.says)
		assert.Check(t, strings.Contains(got.err+got.out, moves) == (tt.says != ""), "%s: %s%s", tt.address, got.out, got.err)
	}
	service := func(host string) said {
		return w.run(t, `{"client_id":"c","token_url":"https://`+host+`/token"}`, "seed", "credentials", "--provider", "oauth2", "--account", "xero")
	}
	service("a.example").want(t, exitDone)
	service("b.example").want(t, exitDone, "token_url changes from https://a.example/token to https://b.example/token")
}

// A text is refused before anything is written.
func TestSeedRefuses(t *testing.T) {
	t.Parallel()
	w := embeddedWorld(t)
	key := store.Key{Provider: "hesabe", Account: "default"}
	spent := secret.New("spent-" + planted)
	row := store.Row{Key: key, Phase: store.Idle, Spent: []string{spent.Fingerprint()}}
	assert.NilError(t, w.Ledger.Write(t.Context(), row, store.Guard{Absent: true}))
	for _, tt := range []struct{ verb, provider, stdin, says string }{
		{"credentials", "hesabe", "", "not filled in"},
		{"credentials", "hesabe", `{"placeholder":""}`, "not filled in"},
		{"credentials", "hesabe", planted, "not a JSON object"},
		{"credentials", "hesabe", `{"username":"` + planted + `"}`, "password is missing"},
		{"credentials", "berbix", `{"api_secret":"` + planted + `\n` + planted + `"}`, "api_secret holds a control character"},
		{"credentials", "tconnect", `{"base_url":"https://a.example","aes_key":"` + planted + `"}`, "partner_code is missing"},
		{"tokens", "berbix", planted, "tokenctl record"},
		{"tokens", "hesabe", "", `"refresh_token" is missing`},
		{"tokens", "hesabe", `{"refresh_token":7}`, `"refresh_token" is not a string`},
		{"tokens", "hesabe", `{"refresh_token":"` + planted + `","attempt_id":"a"}`, `leave it out`},
		{"tokens", "hesabe", planted + "\n" + planted, "white space"},
		{"tokens", "hesabe", `{"refresh_token":"` + planted + ` "}`, "white space"},
		{"tokens", "hesabe", `x{"refresh_token":"` + planted + `"}`, "there is a {"},
		{"tokens", "hesabe", spent.Reveal(), "presented before"},
		{"tokens", "hesabe", `{"refresh_token":"` + spent.Reveal() + `"}`, "presented before"},
	} {
		w.run(t, tt.stdin, "seed", tt.verb, "--provider", tt.provider).want(t, exitFailed, "nothing was written", tt.says)
	}
	// One message names all mistakes, those in names included, and what was copied from a document.
	w.run(t, `{"username":"…","pasword":"`+planted+`","base_ulr":"x","base_url":"ftp://a.example"}`,
		"seed", "credentials", "--provider", "hesabe").want(t, exitFailed, "nothing was written",
		"is password meant?", "is base_url meant?", "username is the placeholder …", "password is missing", "base_url")
	for _, provider := range []string{"hesabe", "tconnect", "berbix"} {
		_, err := w.Secrets.CurrentID(t.Context(), store.Key{Provider: provider, Account: "default"}, store.Credentials)
		assert.Check(t, errors.Is(err, store.ErrNoSecret), "%s: a secret was made: %v", provider, err)
	}
}

// A secret that is created before the stack takes a name that the stack needs.
func TestSeedWithoutALedger(t *testing.T) {
	w := awsWorld(t)
	t.Setenv("LEDGER_TABLE", "")
	for verb, text := range map[string]string{"credentials": hesabeCredentials, "tokens": planted} {
		w.run(t, text, "seed", verb, "--provider", "hesabe", "--table-prefix", "other").want(t, exitPerson,
			"nothing was written", "deploy a stack if there never was one", "--region", `"other-ledger"`)
	}
	for _, doc := range []store.Document{store.Credentials, store.TokensDoc, store.AccessDoc} {
		_, err := w.Secrets.CurrentID(t.Context(), store.Key{Provider: "hesabe", Account: "default"}, doc)
		assert.Check(t, errors.Is(err, store.ErrNoSecret), "%s was made: %v", doc, err)
	}
}

func TestSeedTokens(t *testing.T) {
	inHomes(t, func(t *testing.T, w *world) {
		seed := []string{"seed", "tokens", "--provider", "tconnect"}
		w.run(t, planted+"\n", seed...).want(t, exitDone, "tconnect/default/tokens; the next tick looks at it")
		got := w.current(t, "tconnect", "default", store.TokensDoc)
		assert.Check(t, got == `{"refresh_token":"`+planted+`"}`, "tokens %s", got)
		w.run(t, `{"refresh_token":"`+planted+`-2","note":"`+planted+`"}`, seed...).want(t, exitDone, "not known, and kept: note")
		w.hasRow(t, "tconnect", "default", true)
	})
}

// A token that was presented is taken again where its service takes it again, and nowhere else.
func TestSeedTokensAgain(t *testing.T) {
	t.Parallel()
	for _, reuse := range []time.Duration{0, providers.Always} {
		box, err := sandbox.Start(sandbox.Options{OAuth2Reuse: reuse})
		assert.NilError(t, err)
		defer box.Close()
		s := &scene{embeddedWorld(t), box}
		do := func(stdin string, args ...string) said {
			return s.run(t, stdin, append(args, "--provider", "oauth2", "--account", "xero")...)
		}
		token := box.Issue(sandbox.OAuth2).RefreshToken
		var fields map[string]any
		assert.NilError(t, json.Unmarshal([]byte(box.Credentials(sandbox.OAuth2)), &fields))
		for _, more := range []string{"login_params", "introspection_url", "probe_url"} { // which would help by themselves
			delete(fields, more)
		}
		credentials, err := json.Marshal(fields)
		assert.NilError(t, err)
		do(string(credentials), "seed", "credentials").want(t, exitDone)
		do(token, "seed", "tokens").want(t, exitDone)
		box.Inject(sandbox.OAuth2, sandbox.Refresh, 1, sandbox.LoseReply())
		do("", "refresh")
		do(planted, "seed", "tokens").want(t, exitDone) // which is a wrong one
		do("", "refresh").want(t, exitPerson)
		if reuse == 0 {
			do(token, "seed", "tokens").want(t, exitFailed, "nothing was written: this refresh token was presented before")
			continue
		}
		do(token, "seed", "tokens").want(t, exitDone)
		do("", "refresh").want(t, exitDone, "oauth2/xero: refreshed")
	}
}

// Only --force replaces a newer token that is on its way.
func TestSeedTokensBesideARun(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		row  store.Row
		says string
	}{
		"sending": {store.Row{Phase: store.Sending, AttemptID: "a", ClaimedUntil: time.Now().Add(time.Hour)}, "a run is at work"},
		"stored in the ledger": {store.Row{
			Phase: store.Idle, AttemptID: "a", Escrow: store.Escrow{AttemptID: "a", Bytes: secret.New(`{"refresh_token":"` + planted + `"}`)},
		}, "a newer chain"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := embeddedWorld(t)
			tt.row.Key = store.Key{Provider: "hesabe", Account: "default"}
			assert.NilError(t, w.Ledger.Write(t.Context(), tt.row, store.Guard{Absent: true}))
			w.run(t, planted, "seed", "tokens", "--provider", "hesabe").want(t, exitFailed, "nothing was written", tt.says)
			w.run(t, planted, "seed", "tokens", "--provider", "hesabe", "--force").want(t, exitDone)
			if row, _ := w.row(t, "hesabe", "default"); row.Phase != tt.row.Phase || row.Fence != 0 || row.Escrow.AttemptID != tt.row.Escrow.AttemptID {
				t.Errorf("row %+v", row)
			}
		})
	}
}

// Only --force ends a chain that works.
func TestSeedTokensOverAGoodChain(t *testing.T) {
	inHomes(t, func(t *testing.T, w *world) {
		for account, tt := range map[string]struct {
			is   func(*store.Row)
			well bool
		}{
			"well":      {func(*store.Row) {}, true},
			"recovered": {func(r *store.Row) { r.LastOutcome = outcome.Recovered }, true},
			"presented": {func(r *store.Row) { r.Spent = []string{secret.New(planted).Fingerprint()} }, false},
			"dead":      {func(r *store.Row) { r.State = store.Dead }, false},
			"transient": {func(r *store.Row) { r.LastOutcome = outcome.Transient }, false},
			"ended":     {func(r *store.Row) { r.RefreshExpiresAt = time.Now().Add(-time.Minute) }, false},
		} {
			key := store.Key{Provider: "tconnect", Account: account}
			row := w.live(t, key)
			tt.is(&row)
			w.write(t, row)
			before := w.current(t, key.Provider, account, store.TokensDoc)
			args := []string{"seed", "tokens", "--provider", key.Provider, "--account", account}
			if tt.well {
				w.run(t, planted+"-2", args...).want(t, exitFailed,
					"nothing was written: this credential works: its refresh token would be lost; --force replaces it")
				got := w.current(t, key.Provider, account, store.TokensDoc)
				assert.Check(t, got == before, "%s: tokens %s", account, got)
				args = append(args, "--force")
			}
			w.run(t, planted+"-2", args...).want(t, exitDone)
			// Now the token is a person's, who may have put the wrong one in.
			w.run(t, planted+"-3", args[:6]...).want(t, exitDone)
		}
	})
}

func TestSeedFromAFileThatIsNotThere(t *testing.T) {
	t.Parallel()
	w := embeddedWorld(t)
	w.run(t, "", "seed", "credentials", "--provider", "hesabe", "--file", t.TempDir()+"/none").want(t, exitFailed, "no such file")
}
