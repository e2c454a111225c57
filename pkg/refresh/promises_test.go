package refresh_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/refresh"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// always checks the promises that hold at any moment, whatever has happened. It returns the broken
// one; empty: none.
func always(w *rt.World) string {
	if repeated := w.Provider.Seen().Repeated; len(repeated) > 0 {
		return fmt.Sprintf("presented again after the provider may have acted: %v", repeated)
	}
	if n := w.Provider.Seen().Replays; n > 0 {
		return fmt.Sprintf("%d replays", n)
	}
	if violations := w.Violations(); len(violations) > 0 {
		return strings.Join(violations, "; ")
	}
	for _, e := range w.Edges() {
		if a := walk(e); !slices.Contains(drawn, a) {
			return "a row went where no arrow leads: " + a
		}
	}
	return ""
}

// healthy reports whether the credential is as it should be. A seed waits until the
// row is due; readers have what they need until then.
func (h *history) healthy() bool {
	r, access := row(h.world), h.world.Secrets.Get(rt.Default, store.AccessDoc)
	current := h.world.Secrets.Get(rt.Default, store.TokensDoc)
	seeded := strings.HasPrefix(current.ID, rt.PersonIDs) && r.Phase == store.Idle && r.State == store.OK &&
		r.PublishedVersionID == access.ID && access.ID != ""
	later := h.rolledBack() || h.notDueYet()
	return seeded || later || unhealthy(h.world) == "" || (h.login || r.State == store.OK) && partly(h.world)
}

// partly reports whether all is well except for a refresh token that could not be read:
// readers have its access token until it ends.
func partly(w *rt.World) bool {
	r, access := row(w), w.Secrets.Get(rt.Default, store.AccessDoc)
	tokens, id := read(w, store.TokensDoc)
	return id != "" && r.Phase == store.Idle && r.Escrow.AttemptID == "" && tokens.RefreshToken == "" && r.VersionID == id &&
		access.ID == id && w.Provider.Accepts(tokens.AccessToken)
}

// rolledBack reports whether a person has made an older version of tokens current, which the
// next refresh will find out. Until then readers have what they need.
func (h *history) rolledBack() bool {
	r, access := row(h.world), h.world.Secrets.Get(rt.Default, store.AccessDoc)
	current := h.world.Secrets.Get(rt.Default, store.TokensDoc)
	return has(h.choices, rollsBack) &&
		r.Phase == store.Idle && r.State == store.OK && r.PublishedVersionID == access.ID && r.VersionID == access.ID &&
		current.ID != r.VersionID && slices.Contains(h.world.Secrets.IDs(rt.Default, store.TokensDoc), current.ID)
}

// notDueYet reports whether a write that landed late has made a restored row idle. The next
// refresh will find out that it is older than the secrets. Until then readers have what they need.
func (h *history) notDueYet() bool {
	r := row(h.world)
	tokens, id := read(h.world, store.TokensDoc)
	access, accessID := read(h.world, store.AccessDoc)
	return h.restored.Load() != nil && r.Phase == store.Idle && r.State == store.OK && r.Fence < tokens.Fence &&
		id == accessID && h.world.Provider.Accepts(access.AccessToken) && h.world.Now().Before(r.RefreshAt)
}

// promises looks at the world after tick n, one without faults. free: no back-off and
// no rate limit stood in its way.
func (h *history) promises(n int, free bool) {
	if h.broken = always(h.world); h.broken != "" {
		return
	}
	what, ended := h.outcomes[moment{tick: n}]
	switch {
	case !ended:
		h.broken = "a run without faults takes longer than a tick"
	case free && what != outcome.Busy:
		h.worked++
		h.broken = h.readers(what)
	}
}

// readers returns what is wrong with what readers get after a tick without faults.
func (h *history) readers(what outcome.Outcome) string {
	tokens, _ := read(h.world, store.TokensDoc)
	access, _ := read(h.world, store.AccessDoc)
	forgotten := !h.login && rowLost(h.world)
	if what != outcome.Superseded && // access follows at the next tick, for which the row is due
		h.world.Provider.Accepts(tokens.AccessToken) && !h.world.Provider.Accepts(access.AccessToken) && !forgotten {
		return "access is left with a revoked token while tokens is healthy"
	}
	skewed := has(h.choices, skews)
	fresh := slices.Contains([]outcome.Outcome{outcome.Refreshed, outcome.LoggedIn, outcome.NotDue}, what)
	if left := h.world.Provider.Remaining(access.AccessToken); fresh && !skewed && left < period {
		return fmt.Sprintf("%s, and readers have a token for %s more", what, left)
	}
	return ""
}

// settled checks the world at the end.
func (h *history) settled() {
	if h.broken == "" {
		h.broken = always(h.world) // a run may have outlived the last tick
	}
	if hasty := h.world.Provider.Seen().Hasty; h.broken == "" && len(hasty) > 0 && !slices.ContainsFunc(h.choices, choice.delaysSends) {
		h.broken = fmt.Sprintf("presented again while the request before may have been running: %v", hasty)
	}
	if h.broken != "" {
		return
	}
	if lost := lostReply(h.world, slices.ContainsFunc(h.choices, choice.decides)); lost != "" {
		h.broken = lost
		return
	}
	problem := unhealthy(h.world)
	switch {
	case h.healthy():
	case h.login:
		h.broken = fmt.Sprintf("not healthy after %d ticks without faults: %s", h.worked, problem)
	case h.forgives() && row(h.world).State == store.Uncertain:
		h.broken = "uncertain, although its provider takes the token again: " + problem
	case h.olderIsCurrent(): // nobody knows whether its token was presented
	case !needsPerson(h.world, !h.unsent && !slices.ContainsFunc(h.choices, choice.unsends)):
		h.broken = fmt.Sprintf("waits for a person after %d ticks without faults, although its token was not presented: %s", h.worked, problem)
	}
}

// forgives reports whether no token can be uncertain: each is taken for ever, and the row tells of
// it.
func (h *history) forgives() bool {
	return h.reuse == providers.Always && !partly(h.world) && !has(h.choices, loses, restores, rollsBack, resolves)
}

// olderIsCurrent reports whether a person has rolled tokens back to a version that an attempt
// wrote before the row's last.
func (h *history) olderIsCurrent() bool {
	current, id := read(h.world, store.TokensDoc)
	return has(h.choices, rollsBack) &&
		current.AttemptID == id && id != row(h.world).VersionID
}

// unsends reports whether the choice can leave a token that is claimed, and not sent.
func (c choice) unsends() bool {
	if c.what == faults {
		return c.fault == rt.DieBefore || c.fault == rt.DieAfter || c.fault == rt.FailAfter || !c.site.ToProvider()
	}
	return slices.Contains([]what{faultsOn, lands, stalls, freezes, loses, restores, skews, cancels}, c.what)
}

// delaysSends reports whether the choice can let a request arrive later than its claim tells.
func (c choice) delaysSends() bool { return c.what == freezes || c.what == lands }

// losesReplies reports whether the choice can keep a process from storing a reply.
func (c choice) losesReplies() bool {
	if c.what == faults {
		return c.fault != rt.Stale && !c.site.ToProvider()
	}
	return slices.Contains([]what{faultsOn, lands, freezes, loses, restores, skews}, c.what)
}

// decides reports whether with the choice a person gives a chain up for another.
func (c choice) decides() bool { return c.what == resolves && c.how != refresh.Discard }

// rowLost reports whether the row was lost, or replaced by an older one.
func rowLost(w *rt.World) bool {
	return slices.ContainsFunc(w.Deeds(), func(d rt.Deed) bool { return d.Kind == rt.RowLost })
}

// unstoredReply returns a reply that reached a process and no store.
func unstoredReply(w *rt.World) string {
	deeds := w.Deeds()
	for _, d := range deeds {
		if d.Kind == rt.Received && !slices.ContainsFunc(deeds, func(o rt.Deed) bool {
			return o.Kind == rt.Stored && o.RefreshToken == d.RefreshToken
		}) {
			return "a reply that had come was stored nowhere"
		}
	}
	return ""
}

// needsPerson reports whether a credential without a login truly waits for a person:
// its token was presented, or what was presented is not known any more. A token that
// was claimed and not sent counts too, but where sure says that there is none.
func needsPerson(w *rt.World, sure bool) bool {
	r := row(w)
	token := chain(w).RefreshToken
	lost := rowLost(w)
	return r.Phase == store.Idle && (r.State == store.Uncertain || r.State == store.Dead) &&
		(partly(w) || w.Provider.Token(token).Risked || lost || !sure && r.Presented(secret.New(token)))
}

// lostReply says which reply a store accepted that no claim tells of, or that was never
// promoted, although it had to be: no person edited tokens since its attempt looked, or
// decided for another chain, nobody had taken over before it was stored, the row was not
// lost, and nothing that came from it is current.
func lostReply(w *rt.World, decided bool) string {
	deeds := w.Deeds()
	for stored, d := range deeds {
		if d.Kind != rt.Stored || !strings.HasPrefix(d.ID, rt.AttemptIDs) {
			continue
		}
		claimed := slices.IndexFunc(deeds, func(o rt.Deed) bool { return o.Kind == rt.Claimed && o.ID == d.ID })
		if claimed < 0 {
			return fmt.Sprintf("reply %s was stored by an attempt that never claimed", d.ID)
		}
		looked := 0
		if base := deeds[claimed].Base; base != "" {
			looked = slices.IndexFunc(deeds, func(o rt.Deed) bool { return o.ID == base && (o.Kind == rt.Edited || o.Kind == rt.MadeCurrent) }) + 1
		}
		excused := false
		for n, o := range deeds {
			switch o.Kind {
			case rt.Edited:
				excused = excused || n >= looked
			case rt.RowLost:
				excused = excused || n > claimed
			case rt.Claimed:
				// Before it was stored by who took over; after that for its own token, with which
				// a chain goes on that the escrow carries. That may be lost as any reply may.
				excused = excused || claimed < n && (n < stored || decided) || n > stored && (o.Spent == fingerprint(d.RefreshToken) || d.RefreshToken == "")
			case rt.MadeCurrent:
				// Where tokens was empty, what is stored first takes the label by itself.
				first := deeds[claimed].Base == "" && n > claimed
				excused = excused || first || o.ID == d.ID || rt.Succeeds(o.RefreshToken, d.RefreshToken)
			case rt.Stored, rt.Received:
			}
		}
		if !excused {
			return fmt.Sprintf("reply %s was accepted by a store and never promoted", d.ID)
		}
	}
	return ""
}

// story prints a history, to be read and to be played again.
func (h *history) story() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", h.broken)
	at := time.Time{}
	for _, e := range h.events {
		if e.at.Sub(at) >= period/2 {
			fmt.Fprintf(&b, "\n  %s ", e.at.Format(time.TimeOnly))
		}
		at = e.at
		text := e.text
		if text == "" {
			text = fmt.Sprintf("%s#%d", e.site, e.nth)
		} else {
			text = "[" + text + "]"
		}
		if e.rival {
			text = "rival:" + text
		}
		b.WriteString(" " + text)
	}
	fmt.Fprintf(&b, "\n\n  play it again: go test ./pkg/refresh -run TestStory -v -story '%s'\n", h.spell())
	return b.String()
}

// spell is the history in one line.
func (h *history) spell() string {
	parts := []string{h.name}
	for _, c := range h.choices {
		parts = append(parts, c.String())
	}
	return strings.Join(parts, " | ")
}
