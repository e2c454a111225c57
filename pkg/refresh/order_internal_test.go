package refresh

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// waiting makes candidates of texts like "a living 3 host": a name, a class, minutes.
func waiting(texts ...string) (all []candidate, names []string) {
	classes := map[string]class{"living": living, "lapsed": lapsed, "quiet": quiet}
	for i, text := range texts {
		var name, of, host string
		var minute int
		_, _ = fmt.Sscan(text, &name, &of, &minute, &host)
		all = append(all, candidate{
			row: i, class: classes[of], host: host, at: noon.Add(time.Duration(minute) * time.Minute), paced: true,
		})
		names = append(names, name)
	}
	return all, names
}

// repeated makes n similar candidates, each a minute after the one before.
func repeated(n int, name, of string, minute int, host string) (texts []string) {
	for i := range n {
		texts = append(texts, fmt.Sprintf("%s %s %d %s", name, of, minute+i, host))
	}
	return texts
}

// The next account depends on which wait, and on which hold slots.
func TestQueue(t *testing.T) {
	t.Parallel()
	join := func(all ...[]string) (texts []string) {
		for _, some := range all {
			texts = append(texts, some...)
		}
		return texts
	}
	for name, tt := range map[string]struct {
		slots   int
		waiting []string
		hold    bool   // no slot is freed
		hang    bool   // the ended do not
		want    string // names in order
	}{
		"the living by their end, not by name": {
			slots: 8, waiting: []string{"a living 3", "b living 1", "c living 2"}, want: "b c a",
		},
		"the ended by how long they wait": {
			slots: 8, waiting: []string{"a lapsed -3", "b lapsed -9", "c lapsed -5"}, want: "b c a",
		},
		"a quarter is for the ended": {
			slots:   8,
			waiting: join(repeated(7, "l", "living", 1, ""), repeated(4, "e", "lapsed", -9, "")),
			want:    "l l l e l l l e l e e",
		},
		"the ended hold a quarter of the slots": {
			slots: 8, hold: true,
			waiting: join(repeated(20, "l", "living", 1, ""), repeated(20, "e", "lapsed", -9, "")),
			want:    "l l l e l l l e",
		},
		"and no more while a living one waits": {
			slots: 8, hang: true,
			waiting: join(repeated(12, "l", "living", 1, ""), repeated(20, "e", "lapsed", -9, "")),
			want:    "l l l e l l l e l l l l l l e e e e e e",
		},
		"the ended alone hold them all": {slots: 4, hold: true, waiting: repeated(9, "e", "lapsed", -9, "x"), want: "e e e e"},
		"silent accounts come behind all others": {
			slots:   8,
			waiting: []string{"s quiet 1", "l living 5", "m living 9", "e lapsed -1", "r quiet 0"},
			want:    "l m e r s",
		},
		"a host holds half of the slots while another waits": {
			slots: 6, hold: true,
			waiting: join(repeated(9, "x", "living", 1, "x"), repeated(9, "y", "living", 50, "y")),
			want:    "x x x y y y",
		},
		"an ended account of another host waits too": {
			slots: 4, hold: true,
			waiting: join(repeated(9, "x", "living", 1, "x"), repeated(9, "y", "lapsed", -9, "y")),
			want:    "x x y y",
		},
		"a host alone holds them all": {slots: 4, hold: true, waiting: repeated(9, "x", "living", 1, "x"), want: "x x x x"},
		"hosts that are not known are no host": {
			slots: 4, hold: true,
			waiting: join(repeated(9, "u", "living", 1, ""), repeated(9, "x", "living", 50, "x")),
			want:    "u u u u",
		},
		"one slot": {slots: 1, waiting: []string{"a living 3 x", "b living 1 x", "c lapsed -2 y", "d quiet 1 x"}, want: "b a c d"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := newQueue(tt.slots)
			all, names := waiting(tt.waiting...)
			q.add(all...)
			var got []string
			for held := 0; !q.empty() && held < tt.slots; {
				c := q.take()
				got = append(got, names[c.row])
				if tt.hold || tt.hang && c.class == lapsed {
					held++
				} else {
					q.release(c)
				}
			}
			assert.Equal(t, strings.Join(got, " "), tt.want)
		})
	}
}

// An account's class and order come from its row.
func TestCandidate(t *testing.T) {
	t.Parallel()
	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	const host = "api.example.com"
	for name, tt := range map[string]struct {
		row    store.Row
		silent bool
		want   class
		at     time.Time
		looks  bool
		calls  string
	}{
		"due":                       {row: store.Row{AccessExpiresAt: at(3)}, want: living, at: at(3)},
		"its refresh token ends":    {row: store.Row{AccessExpiresAt: at(9), RefreshExpiresAt: at(4)}, want: living, at: at(4)},
		"ended":                     {row: store.Row{AccessExpiresAt: at(-3)}, want: lapsed, at: at(-3)},
		"ends now":                  {row: store.Row{AccessExpiresAt: noon}, want: lapsed, at: noon},
		"ended, tried since":        {row: store.Row{AccessExpiresAt: at(-30), NotBefore: at(-2)}, want: lapsed, at: at(-2)},
		"just seeded":               {row: store.Row{RefreshAt: at(-1)}, want: lapsed, at: at(-1)},
		"without a row":             {want: lapsed},
		"silent":                    {row: store.Row{AccessExpiresAt: at(3), Unanswered: true}, silent: true, want: quiet, at: at(3)},
		"silent, its host answers":  {row: store.Row{AccessExpiresAt: at(3), Unanswered: true}, want: living, at: at(3)},
		"silent and ended":          {row: store.Row{AccessExpiresAt: at(-9), NotBefore: at(-1)}, silent: true, want: lapsed, at: at(4)},
		"access is behind":          {row: store.Row{AccessExpiresAt: at(15), RefreshAt: at(12), VersionID: "v", Host: host}, want: living},
		"access is behind, and due": {row: store.Row{AccessExpiresAt: at(2), VersionID: "v", Host: host}, want: living, at: at(2), calls: host},
		"a seed failed":             {row: store.Row{RefreshAt: at(-9), NotBefore: at(-1), VersionID: "v", Host: host}, want: lapsed, at: at(-1), calls: host},
		"a seed hangs": {
			row:    store.Row{RefreshAt: at(-9), NotBefore: at(-1), Unanswered: true, VersionID: "v", Host: host},
			silent: true, want: lapsed, at: at(4), calls: host,
		},
		"dead, perhaps edited":      {row: store.Row{AccessExpiresAt: at(-99), State: store.Dead}, want: lapsed, at: noon, looks: true},
		"refused, tried once a day": {row: store.Row{AccessExpiresAt: at(-99), State: store.Misconfigured, NotBefore: at(99), RefreshRefusals: 1}, want: lapsed, at: noon, looks: true},
		"an attempt died":           {row: store.Row{AccessExpiresAt: at(2), Phase: store.Sending}, want: living, at: at(2)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.row.Phase = cmp.Or(tt.row.Phase, store.Idle)
			tt.row.LastOutcome = outcome.Transient
			v := View{Row: tt.row, Exists: true, Now: noon}
			got := v.candidate(0, noon, tt.silent)
			if got.class != tt.want || !got.at.Equal(tt.at) || got.paced == tt.looks || got.host != tt.calls {
				t.Errorf("class %d at %s, paced %t, calls %q; want %d at %s, %q", got.class, got.at, got.paced, got.host, tt.want, tt.at, tt.calls)
			}
		})
	}
}

// Equals have another order in each run, so that none is always the last.
func TestTies(t *testing.T) {
	t.Parallel()
	first := map[int]bool{}
	for run := range 100 {
		q := newQueue(1)
		for i := range 5 {
			row := store.Row{Key: store.Key{Account: fmt.Sprint("account-", i)}, RefreshAt: noon}
			q.add(View{Row: row, Now: noon}.candidate(i, noon.Add(time.Duration(run)*time.Minute), false))
		}
		first[q.take().row] = true
	}
	assert.Equal(t, len(first), 5)
}
