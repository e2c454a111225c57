package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/operator/catalog"
	"tokenrefresh/internal/operator/health"
	"tokenrefresh/internal/operator/status"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// put writes a secret as a person does, and returns its version.
func (w *world) put(t *testing.T, key store.Key, doc store.Document, text string) string {
	t.Helper()
	err := w.Editor.CreateSecret(t.Context(), key, doc)
	var id string
	if err == nil && text != "" {
		id, err = w.Editor.PutCurrent(t.Context(), key, doc, secret.New(text))
	}
	assert.NilError(t, err)
	return id
}

const hesabeLogin = `{"username":"u","password":"` + planted + `"}`

// live makes a credential that was refreshed a moment ago, and returns its row.
func (w *world) live(t *testing.T, key store.Key) store.Row {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Millisecond)
	id := uuid.NewString()
	for doc, text := range map[store.Document]string{
		store.TokensDoc: `{"refresh_token":"` + planted + `","attempt_id":"` + id + `"}`,
		store.AccessDoc: `{"access_token":"` + planted + `"}`,
	} {
		w.put(t, key, doc, "")
		_, err := w.Secrets.Stage(t.Context(), key, doc, store.Version{ID: id, Value: secret.New(text)})
		assert.NilError(t, err)
	}
	return store.Row{
		Key: key, Phase: store.Idle, State: store.OK, CredentialsVersionID: w.put(t, key, store.Credentials, hesabeLogin),
		SeenVersionID: id, VersionID: id, PublishedVersionID: id, LastSuccessAt: now.Add(-2 * time.Hour), LastOutcome: outcome.LoggedIn,
		RefreshAt: now.Add(time.Hour), AccessExpiresAt: now.Add(2 * time.Hour),
	}
}

func (w *world) write(t *testing.T, row store.Row) {
	t.Helper()
	stored, exists, err := w.Ledger.Row(t.Context(), row.Key)
	if err == nil {
		err = w.Ledger.Write(t.Context(), row, store.Guard{Absent: !exists, Fence: stored.Fence})
	}
	assert.NilError(t, err)
}

// status runs status --json.
func (w *world) status(t *testing.T, code int, args ...string) status.Report {
	t.Helper()
	got := w.run(t, "", append([]string{"status", "--json"}, args...)...)
	got.want(t, code)
	var report status.Report
	err := json.Unmarshal([]byte(got.out), &report)
	assert.Assert(t, err == nil, "%v:\n%s", err, got.out)
	return report
}

// summary is each credential's state and condition.
func summary(r status.Report) []string {
	var lines []string
	for _, c := range r.Credentials {
		lines = append(lines, fmt.Sprintf("%s/%s %s %s", c.Provider, c.Account, c.State, c.Condition))
	}
	return lines
}

func TestStatus(t *testing.T) {
	inHomes(t, func(t *testing.T, w *world) {
		want := func(code int, lines ...string) {
			t.Helper()
			assert.Check(t, is.DeepEqual(summary(w.status(t, code)), lines))
		}
		const (
			noBerbix = "berbix/default act not_seeded"
		)
		var none []string
		for _, entry := range catalog.All() {
			for _, account := range entry.Usual() {
				none = append(none, entry.Name+"/"+account+" act not_seeded")
			}
		}
		want(exitPerson, none...)
		w.hasRow(t, "hesabe", "default", false)

		key := store.Key{Provider: "hesabe", Account: "default"}
		row := w.live(t, key)
		w.write(t, row)
		want(exitDone, "hesabe/default ok healthy")
		told := []string{"hesabe/default ok healthy", noBerbix}
		diff := cmp.Diff(told, summary(w.status(t, exitPerson, "--providers", "hesabe,berbix")))
		assert.Check(t, diff == "", "the providers in use (-want +got):\n%s", diff)
		t.Setenv("PROVIDERS", "berbix,hesabe,berbix")
		diff = cmp.Diff([]string{noBerbix, told[0]}, summary(w.status(t, exitPerson)))
		assert.Check(t, diff == "", "the providers in use by the variable (-want +got):\n%s", diff)
		t.Setenv("PROVIDERS", "")
		w.run(t, "", "status", "--providers", "hesabe,nobody").want(t, exitUsage, "--providers", "nobody")
		w.run(t, "", "status", "--provider", "hesabe").want(t, exitDone, "OUTCOME", "logged_in  1h59m", "2h ago", "59m")

		row.State, row.LastOutcome, row.LastError = store.Misconfigured, outcome.Misconfigured, "hesabe login: refused (HTTP 401)"
		w.write(t, row)
		want(exitPerson, "hesabe/default act misconfigured")
		name := store.NameOf(w.Secrets, key, store.Credentials)
		w.run(t, "", "status").want(t, exitPerson, "misconfigured", "hesabe login: refused (HTTP 401)", name,
			"tokenctl seed credentials --provider hesabe "+w.named()+"\n",
			"tokenctl: a person must act: hesabe/default\n")
		w.run(t, "", "status", "--provider", "berbix").want(t, exitPerson, "not_seeded")
		w.run(t, "", "status", "--account", "shop-2").want(t, exitFailed, "there is no such account shop-2: there are hesabe/default\n")
		w.run(t, "", "status", "--provider", "berbix", "--account", "shop-2", "--json").want(t, exitFailed, "there is no such account shop-2")
		diff = cmp.Diff([]string{"hesabe/default act misconfigured"}, summary(w.status(t, exitPerson, "--account", "default")))
		assert.Check(t, diff == "", "it shows accounts that are not there (-want +got):\n%s", diff)

		w.put(t, key, store.Credentials, hesabeLogin)
		want(exitDone, "hesabe/default warn misconfigured")
		w.put(t, key, store.Credentials, `{"username":"u"}`)
		want(exitPerson, "hesabe/default act secret")
	})
}

func TestStatusOfTransactions(t *testing.T) {
	inHomes(t, func(t *testing.T, w *world) {
		w.put(t, store.Key{Provider: "berbix", Account: "default"}, store.Credentials, `{"api_secret":"`+planted+`"}`)
		for id := range 3 {
			w.run(t, planted, "record", "--transaction-id", fmt.Sprint(id+1)).want(t, exitDone)
		}
		r := w.status(t, exitDone, "--provider", "berbix")
		if len(r.Credentials) != 1 || r.Credentials[0].Transactions.Due != 3 || r.Credentials[0].State != health.OK {
			t.Errorf("%+v", r)
		}
		w.run(t, "", "status", "--provider", "berbix").want(t, exitDone, "now, 3 due\n")
	})
}

// Every command that the status prints exists.
func TestStatusNamesCommandsThatExist(t *testing.T) {
	t.Parallel()
	now := time.Now()
	row := store.Row{State: store.OK, AttemptID: "v", VersionID: "v", PublishedVersionID: "v", LastOutcome: outcome.Refreshed}
	whole := func(c *health.Credential) { c.Row.RefreshAt = now.Add(time.Hour) }
	var checked int
	for _, is := range []func(*health.Credential){
		func(c *health.Credential) { c.Exists = false },
		func(c *health.Credential) { c.Row.RefreshAt = now.Add(-time.Hour) },
		func(c *health.Credential) { whole(c); c.Row.Paused = true },
		func(c *health.Credential) { whole(c); c.Row.ConsecutiveFailures = 1 },
		func(c *health.Credential) { whole(c); c.Row.State = store.Dead },
		func(c *health.Credential) { whole(c); c.Row.State = store.Uncertain },
		func(c *health.Credential) { whole(c); c.Row.State, c.CanLogin = store.Uncertain, true },
		func(c *health.Credential) {
			whole(c)
			c.Row.State, c.Staged, c.Row.BaseVersionID = store.Uncertain, true, "before"
		},
		func(c *health.Credential) {
			whole(c)
			c.Row.State, c.Row.CredentialsVersionID, c.Credentials.Version = store.Misconfigured, "c", "c"
		},
	} {
		c := health.Credential{
			Key: store.Key{Provider: "hesabe", Account: "shop-2"}, Exists: true, RefreshToken: true, Row: row, Flags: "--home embedded --state f",
		}
		is(&c)
		for _, f := range c.Findings(now) {
			for _, line := range f.Commands {
				usage{string(f.Condition), strings.Fields(line)[1:], true}.check(t)
				checked++
			}
		}
	}
	assert.Check(t, checked >= 15, "only %d commands were checked", checked)
}

// Without a terminal each look is a line, or an object.
func TestStatusWatch(t *testing.T) {
	t.Parallel()
	w := embeddedWorld(t)
	for _, args := range [][]string{{}, {"--json"}} {
		ctx, cancel := context.WithCancel(t.Context())
		out := &stopAfter{stop: cancel}
		line := slices.Concat([]string{"status", "--watch", "--every", "1h"}, args, w.flags)
		code := execute(ctx, line, strings.NewReader(""), out, out)
		assert.Check(t, code == exitDone, "exit code %d", code)
		assert.Check(t, strings.Count(out.text, "\n") == 1 && strings.Contains(out.text, "not_seeded"), "%q", out.text)
		if len(args) > 0 && !json.Valid([]byte(out.text)) {
			t.Errorf("no JSON: %q", out.text)
		}
	}
}

// stopAfter is an output that has seen enough after one line.
type stopAfter struct {
	text string
	stop func()
}

func (s *stopAfter) Write(p []byte) (int, error) {
	s.text += string(p)
	if strings.HasSuffix(s.text, "\n") {
		s.stop()
	}
	return len(p), nil
}

// Looking creates nothing.
func TestStatusMakesNoFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "none", "state.db")
	tokenctl(t, "", "status", "--home", "embedded", "--state", path).want(t, exitFailed, "there is no state file", "--state")
	_, err := os.Stat(filepath.Dir(path))
	assert.Check(t, os.IsNotExist(err), "it makes %s", filepath.Dir(path))
}
