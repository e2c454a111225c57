package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"

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
			if _, exists := w.row(t, "hesabe", "shop-3"); exists {
				t.Errorf("%s makes a row", verb)
			}
		}
	})
}

func TestPauseOfAnAccountWithoutARow(t *testing.T) {
	inHomes(t, func(t *testing.T, w *world) {
		w.put(t, store.Key{Provider: "berbix", Account: "shop-2"}, store.Credentials, "")
		w.run(t, "", "resume", "--provider", "berbix", "--account", "shop-2").want(t, exitDone, "not paused before")
		if _, exists := w.row(t, "berbix", "shop-2"); exists {
			t.Error("resume makes a row")
		}
		w.run(t, "", "pause", "--provider", "berbix", "--account", "shop-2", "--json").want(t, exitDone,
			`{"account":"shop-2","paused":true,"provider":"berbix"}`)
		if row, exists := w.row(t, "berbix", "shop-2"); !exists || !row.Paused || row.Fence != 0 {
			t.Errorf("row %+v", row)
		}
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
