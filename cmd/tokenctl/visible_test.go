package main

import (
	"strings"
	"testing"
	"unicode"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
)

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
