package refresh_test

import (
	"flag"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"
)

var told = flag.String("story", "", "a history, as a failure spells it, for TestStory to play and tell")

// TestManyFaults plays histories in which up to six things go wrong, at random.
// rapid looks for the shortest one that breaks a promise, and keeps it for the next run.
func TestManyFaults(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(draw *rapid.T) {
		all := scenarios()
		s := all[rapid.IntRange(0, len(all)-1).Draw(draw, "scenario")]
		latency := orders()[rapid.IntRange(0, 1).Draw(draw, "order")]
		more := rapid.IntRange(3, 6).Draw(draw, "choices")
		var h *history
		inTime(t, func() { h = play(s, latency, faulty, nil) })
		for ; more > 0 && h.broken == ""; more-- {
			next := h.next(nil)
			if len(next) == 0 {
				break
			}
			c := next[rapid.IntRange(0, len(next)-1).Draw(draw, "choice")]
			inTime(t, func() { h = play(s, latency, faulty, nil, append(h.choices, c)...) })
		}
		if h.broken != "" {
			draw.Fatal(h.story())
		}
	})
}

// inTime runs f on a clock of its own.
func inTime(t *testing.T, f func()) {
	t.Helper()
	synctest.Test(t, func(*testing.T) { f() })
}

// TestStory plays spelled histories: the one of the flag, or those that broke a promise once.
func TestStory(t *testing.T) {
	t.Parallel()
	stories := slices.Concat(broke, rare)
	if *told != "" {
		stories = []string{*told}
	}
	for _, spelling := range stories {
		inBubble(t, spelling, func(t *testing.T) {
			h := spelled(t, spelling)
			if h.broken != "" {
				t.Error(h.story())
			} else {
				t.Log(h.story())
			}
		})
	}
}

// spelled plays a spelled history.
func spelled(t *testing.T, spelling string) *history {
	t.Helper()
	names := strings.Split(spelling, " | ")
	var h *history
	for _, s := range scenarios() {
		if s.name == names[0] {
			h = play(s, orders()[0], faulty, nil)
		}
	}
	if h == nil {
		t.Fatalf("there is no scenario %q", names[0])
	}
	for _, name := range names[1:] {
		before := h
		for _, c := range before.next(nil) {
			if c.String() == name {
				h = play(before.scenario, before.latency, faulty, nil, append(before.choices, c)...)
			}
		}
		if h == before {
			t.Fatalf("after %q nothing is called %q", before.spell(), name)
		}
	}
	return h
}

// broke are histories that broke a promise once, or would without one of its guards.
var broke = []string{
	// Two runs found no row. One claimed, sent a seed and lost the row; the other claimed
	// then, and sent it again.
	"a seed, no login | tick 0: a rival runs before Write#1 | tick 0 rival: the row is lost before Write#3",
	// A raw reply replaced the seed of a person who then corrected the credentials too.
	"an unreadable reply | tick 0: a person seeds before Refresh#1 | tick 1: Refresh#1: answered rate limited",
	// A failed login created a lost row again, and a stale read returned a seed that had been
	// presented.
	"an unreadable reply | tick 0: the row is lost before Current(tokens)#1 | tick 2: Current(tokens)#1: reads stale",
	// A repair that had read the label of access after a rival published undid the rival's token.
	"unpublished | tick 0: the row is lost before Current(tokens)#1 | tick 0: a rival runs before Stage(access)#1",
	// A login was based on a read from before the first version, and what it replaced stood.
	"a first login | tick 1: the row is lost before Rows#1 | tick 1: Current(tokens)#1: reads stale",
	// With a new row that knows nothing, one stale read would be enough to send a seed again.
	"a refresh, no login | tick 0: the row is lost before Rows#1 | tick 1: Current(tokens)#1: reads stale",
	// A takeover would wipe a reply that landed in the escrow between its read and its claim.
	"a refresh, no login | tick 0: Stage(tokens)#1: fails undone | " +
		"tick 0: Write#2: failed, lands 4.5ms into tick 2 | tick 0: Stage(tokens)#2: dies before",
	// A chain in the escrow was dropped because tokens had been rolled back to a version with a
	// spent token.
	"quota that lasts, no login | tick 0: Refresh#1: answered rate limited | " +
		"tick 2: tokens is rolled back before Current(credentials)#2",
	// With a row from a backup, one stale read of tokens hid a later version.
	"carried by the escrow, no login | tick 1: the oldest is restored before Current(credentials)#1 | " +
		"tick 2: Current(tokens)#1: reads stale",
	// A run took over a restored row, which made its fence as late as that of the version that
	// showed the restore, and froze. So a person could accept the row's old reply. (It was frozen
	// at ByID(tokens)#1, which that run no longer reaches.)
	"unpublished | tick 0: the oldest is restored before Rows#1 | tick 0: frozen at CurrentID(tokens)#1 until tick 3 | " +
		"tick 1: a person resolves: accept | tick 2: a person resolves: accept",
	// Tokens was rolled back under an attempt that froze, and the older token counted as the last one
	// presented, which its provider takes again.
	"carried by the escrow, no login, taken again for ever | tick 1: tokens is rolled back before Write#1 | " +
		"tick 1: frozen at Refresh#1 until tick 4",
}

// rare are histories that take rare arrows of the diagram.
var rare = []string{
	"quota that lasts | tick 2: a person resolves: discard | tick 0: a person seeds before Write#1",
}
