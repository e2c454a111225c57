package refresh_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tokenrefresh/pkg/refresh"
	rt "tokenrefresh/pkg/refresh/refreshtest"
)

// state is all of a world that what comes next depends on: ids and families of tokens
// by the order in which they are met, times by their distance, to the second. Two
// histories that have come to the same state go on alike.
type state string

var named = regexp.MustCompile(`(` + rt.AttemptIDs + `|` + rt.PersonIDs + `)-0000-4000-8000-\d{12}|[ra]t-\d+`)

// state of the world at the beginning of tick n.
func (h *history) state(n int) state {
	w, now := h.world, h.world.Now()
	var b strings.Builder
	since := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return t.Sub(now).Round(time.Second).String()
	}
	r := row(w)
	fmt.Fprintln(&b, min(n, h.quiet), r.Phase, r.AttemptID, r.AttemptSource, since(r.ClaimedUntil), r.BaseVersionID,
		r.Escrow.AttemptID, r.Escrow.Bytes.Reveal(), r.Escrow.Raw, r.State, r.CredentialsVersionID, r.SeenVersionID,
		r.VersionID, r.PublishedVersionID, since(r.RefreshAt), since(r.NotBefore), r.LoginFailures, since(r.AccessExpiresAt))
	for _, doc := range []refresh.Document{refresh.Credentials, refresh.TokensDoc, refresh.AccessDoc} {
		ids := []string{r.AttemptID, r.VersionID, r.Escrow.AttemptID, r.BaseVersionID, r.PublishedVersionID}
		history := w.Secrets.History(rt.Default, doc)
		if n := len(history); n > 0 {
			ids = append(ids, history[max(0, n-2):]...)
		}
		for _, id := range ids {
			fmt.Fprintln(&b, doc, id, w.Secrets.Version(rt.Default, doc, id).Value.Reveal())
		}
	}
	text := stamps.ReplaceAllStringFunc(b.String(), func(s string) string {
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			panic(err) // the pattern says it is one
		}
		return since(t)
	})
	// Of each token that could be presented: whether it was, and what it is worth.
	for _, token := range refreshTokens.FindAllString(text, -1) {
		text += fmt.Sprintln(slices.Contains(r.Spent, fingerprint(token)), w.Provider.Live(token),
			w.Provider.Remaining(strings.Replace(token, "rt", "at", 1)).Round(time.Second))
	}
	names := map[string]int{}
	return state(named.ReplaceAllStringFunc(text, func(s string) string {
		key := strings.TrimLeft(s, "ra") // of a family its two tokens
		if _, known := names[key]; !known {
			names[key] = len(names)
		}
		return fmt.Sprintf("<%c%d>", s[0], names[key])
	}))
}

var (
	stamps        = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)
	refreshTokens = regexp.MustCompile(`rt-\d+-\d+`)
)
