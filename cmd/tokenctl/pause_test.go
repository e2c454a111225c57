package main

import (
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
)

func TestPauseAndResume(t *testing.T) {
	inHomes(t, func(t *testing.T, w *world) {
		key := store.Key{Provider: "hesabe", Account: "default"}
		claimed := store.Row{
			Key: key, Phase: store.Sending, AttemptID: "attempt", Fence: 7,
			ClaimedUntil: time.Now().UTC().Add(time.Hour).Truncate(time.Millisecond), Spent: []string{"f"},
		}
		assert.NilError(t, w.Ledger.Write(t.Context(), claimed, store.Guard{Absent: true}))
		for _, step := range []struct {
			verb, says string
			paused     bool
		}{
			{"pause", "hesabe/default: paused\n", true},
			{"pause", "paused before", true},
			{"resume", "hesabe/default: not paused\n", false},
			{"resume", "not paused before", false},
		} {
			got := w.run(t, "", step.verb, "--provider", "hesabe")
			got.want(t, exitDone, step.says)
			if len(w.flags) == 0 && !strings.HasSuffix(step.says, "before") { // on AWS, without a function
				got.want(t, exitDone, "warning: it is done, and not in the log of what people did",
					"\nthe function token-refresh-refresh-hesabe: there is none of that name in this region", "--table-prefix", ". AWS says: ")
			}
			want := claimed
			want.Paused = step.paused
			if got, _ := w.row(t, "hesabe", "default"); cmp.Diff(want, got) != "" {
				t.Errorf("%s changes the row (-want +got):\n%s", step.verb, cmp.Diff(want, got))
			}
		}
	})
}

// A mistyped name creates no row: a run would look for the secrets of that account.
func TestPauseOfAnUnknownAccount(t *testing.T) {
	inHomes(t, func(t *testing.T, w *world) {
		for _, verb := range []string{"pause", "resume"} {
			w.run(t, "", verb, "--provider", "hesabe").want(t, exitFailed, "there is no such account default: the ledger has none yet")
		}
		for _, account := range []string{"shop-2", "default"} {
			w.write(t, store.Row{Key: store.Key{Provider: "hesabe", Account: account}, Phase: store.Idle})
		}
		for _, verb := range []string{"pause", "resume"} {
			w.run(t, "", verb, "--provider", "hesabe", "--account", "shop-3").want(t, exitFailed,
				"there is no such account shop-3: there are hesabe/default, hesabe/shop-2\n")
			w.hasRow(t, "hesabe", "shop-3", false)
		}
	})
}

func TestPauseOfAnAccountWithoutARow(t *testing.T) {
	inHomes(t, func(t *testing.T, w *world) {
		w.put(t, store.Key{Provider: "berbix", Account: "shop-2"}, store.Credentials, "")
		w.run(t, "", "resume", "--provider", "berbix", "--account", "shop-2").want(t, exitDone, "not paused before")
		w.hasRow(t, "berbix", "shop-2", false)
		w.run(t, "", "pause", "--provider", "berbix", "--account", "shop-2", "--json").want(t, exitDone,
			`{"account":"shop-2","paused":true,"provider":"berbix"}`)
		row, exists := w.row(t, "berbix", "shop-2")
		assert.Check(t, exists && row.Paused && row.Fence == 0, "row %+v", row)
	})
}

// The verb's log has who did what, and nothing that was not done.
func TestActsAreLogged(t *testing.T) {
	t.Parallel()
	w := embeddedWorld(t)
	acts := func(stdin string, args ...string) string {
		t.Helper()
		got := w.run(t, stdin, args...)
		_, line, _ := strings.Cut(got.err, "msg=act ")
		return line
	}
	for _, step := range []struct {
		stdin, args, want string
	}{
		{hesabeCredentials, "seed credentials --provider hesabe", `act="seed credentials" by=`},
		{"", "pause --provider hesabe", "act=pause by="},
		{"", "pause --provider hesabe", ""}, // it is
		{"", "refresh --provider hesabe --force", ""},
		{"", "resume --provider hesabe", "act=resume by="},
		{planted, "seed tokens --provider hesabe --account shop-2", `provider=hesabe account=shop-2 details="version `},
		{"", "remove --provider hesabe --account shop-2", ""}, // nobody said yes
		{"", "remove --provider hesabe --account shop-2 --yes", "act=remove by="},
		{"", "status", ""},
	} {
		if got := acts(step.stdin, strings.Fields(step.args)...); !strings.Contains(got, step.want) || step.want == "" && got != "" {
			t.Errorf("%s: %q, want %q", step.args, got, step.want)
		}
	}
}

// Nothing in the ledger controls a terminal or hides a row: neither a provider's words nor an
// impossible account name.
func TestRowsControlNoTerminal(t *testing.T) {
	t.Parallel()
	s := embeddedWorld(t).provision(t, sandbox.Hesabe)
	row, exists := s.row(t, "hesabe", "default")
	row.Key = store.Key{Provider: "hesabe", Account: "default"}
	row.State, row.LastOutcome = store.Misconfigured, outcome.Misconfigured
	row.LastError = "refused \x1b[2J\x1b[8mall is well\r\x9b\u202e \u009bm"
	odd := store.Row{Key: store.Key{Provider: "hesabe", Account: "x\x1b[1A\x1b[2K"}, Phase: store.Idle, State: store.OK}
	for _, w := range []struct {
		row   store.Row
		guard store.Guard
	}{{row, store.Guard{Absent: !exists, Fence: row.Fence}}, {odd, store.Guard{Absent: true}}} {
		assert.NilError(t, s.Ledger.Write(t.Context(), w.row, w.guard))
	}
	for _, args := range [][]string{
		{"status"},
		{"status", "--json"},
		{"doctor"},
		{"doctor", "--json"},
		{"refresh", "--provider", "hesabe"},
		{"refresh", "--provider", "hesabe", "--json"},
		{"pause", "--provider", "hesabe", "--account", "a\x1b[31mb"},
		{"status", "--account", "a\x1b[31mb"},
		{"refresh", "--provider", "hes\x1babe"},
		{"status", "--state", t.TempDir() + "/a\x1b[31mb"},
	} {
		got := s.run(t, "", args...)
		for _, r := range got.out + got.err {
			if unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r) {
				t.Fatalf("%q writes %q:\n%q", args, r, got.out+got.err)
			}
		}
		shown := strings.Join(strings.Fields(got.out), " ")
		for _, part := range []string{`x\u001b[1A\u001b[2K`, "which is not a valid name", `refused \u001b[2J`} {
			if len(args) == 1 && args[0] == "status" && !strings.Contains(shown, part) {
				t.Errorf("%q hides %q:\n%s", args, part, got.out)
			}
		}
	}
}
