package refresh_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tokenrefresh/pkg/outcome"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// state is all of a world that what comes next depends on: ids and families of tokens
// by the order in which they are met, times by their distance, to the second. Two
// histories that have come to the same state go on alike.
type state string

// state of the world at the beginning of tick n.
func (h *history) state(n int) state {
	r := row(h.world)
	s := describer{world: h.world, now: h.world.Now(), spent: r.Spent, fence: r.Fence, names: map[string]int{}}
	s.add(min(n, h.quiet), r.Phase, s.name(r.AttemptID), r.AttemptSource, s.since(r.ClaimedUntil), s.name(r.BaseVersionID),
		s.name(r.Escrow.AttemptID), r.Escrow.Raw, r.State, s.name(r.CredentialsVersionID), s.name(r.SeenVersionID),
		s.name(r.VersionID), s.name(r.PublishedVersionID), s.since(r.RefreshAt), s.since(r.NotBefore), r.LoginFailures,
		s.since(r.AccessExpiresAt), r.RefreshFailures, r.RefreshRefusals, r.LoginRefusals, s.since(r.LoginNotBefore), s.since(r.IssuedAt), r.SessionEnds, s.since(r.ClaimSeenAt),
		r.LastOutcome == outcome.RateLimited, s.name(r.ReplyID))
	if h.world.Provider.Seen().MayRetry {
		s.add(r.Fate, h.world.Provider.Seen().Retries)
	}
	if h.reuse != 0 || h.asks || h.resort {
		token := chain(h.world).RefreshToken
		if !r.Escrow.Bytes.IsZero() {
			token += " " + r.Escrow.Bytes.Reveal()
		}
		s.add(s.since(r.PresentedAt), r.Fate, s.memory(token, r))
	}
	if k := kept(h.world); k.Escrow.AttemptID != "" {
		s.add(s.name(k.AttemptID), k.AttemptSource, s.name(k.BaseVersionID), k.Escrow.Bytes.Reveal())
	}
	if !r.Escrow.Bytes.IsZero() {
		s.document(r.Escrow.Bytes)
	}
	for _, b := range []backup{oldest, lastClaim} {
		if old, ok := b.of(h.world); ok {
			s.add(b, old.Phase, s.name(old.AttemptID), s.name(old.VersionID), s.name(old.BaseVersionID), s.name(old.Escrow.AttemptID),
				s.since(old.RefreshAt), tells(h.world, old))
		}
	}
	if old := h.restored.Load(); old != nil {
		s.add(old.Fence-r.Fence, s.name(old.VersionID))
	}
	for _, doc := range []store.Document{store.Credentials, store.TokensDoc, store.AccessDoc} {
		ids := []string{r.AttemptID, r.VersionID, r.Escrow.AttemptID, r.BaseVersionID, r.PublishedVersionID}
		was := h.world.Secrets.History(rt.Default, doc)
		ids = append(ids, was[max(0, len(was)-2):]...)
		for n, id := range ids {
			if v := h.world.Secrets.Version(rt.Default, doc, id); v.ID != "" && !slices.Contains(ids[:n], id) {
				s.add(doc, n, s.name(id))
				s.document(v.Value)
			}
		}
	}
	return state(s.text)
}

// describer writes down what it is shown.
type describer struct {
	world *rt.World
	now   time.Time
	spent []string
	fence int64
	names map[string]int
	text  []byte
}

func (s *describer) add(what ...any) { s.text = fmt.Appendln(s.text, what...) }

// name is what an id or a family is called, whichever it is.
func (s *describer) name(id string) int {
	if id == "" {
		return -1
	}
	if _, known := s.names[id]; !known {
		s.names[id] = len(s.names)
	}
	return s.names[id]
}

// memory is what the provider and the row remember of the token in a document.
func (s *describer) memory(text string, r store.Row) (all []any) {
	for _, token := range refreshTokens.FindAllString(text, -1) {
		was := s.world.Provider.Token(token)
		all = append(all, s.since(was.First), s.since(was.Last), r.PresentedLast(secret.New(token)))
	}
	return all
}

var refreshTokens = regexp.MustCompile(`rt-\d+-\d+`)

func (s *describer) since(t time.Time) int {
	if t.IsZero() {
		return -1 << 31
	}
	return int(t.Sub(s.now).Round(time.Second) / time.Second)
}

// document writes down a tokens or access document, and what its tokens are worth;
// any other text as it is.
func (s *describer) document(value secret.String) {
	var doc struct {
		AccessToken     string    `json:"access_token"`
		RefreshToken    string    `json:"refresh_token"`
		IssuedAt        time.Time `json:"issued_at"`
		AccessExpiresAt time.Time `json:"access_expires_at"`
		Source          string    `json:"source"`
		AttemptID       string    `json:"attempt_id"`
		Fence           int64     `json:"fence"`
	}
	if err := json.Unmarshal([]byte(value.Reveal()), &doc); err != nil || doc.AccessToken+doc.RefreshToken == "" {
		s.add(value.Reveal())
		return
	}
	s.add(s.since(doc.IssuedAt), s.since(doc.AccessExpiresAt), doc.Source, s.name(doc.AttemptID), doc.Fence > s.fence)
	for _, token := range []string{doc.AccessToken, doc.RefreshToken} {
		family, generation, _ := strings.Cut(strings.TrimLeft(token, "art-"), "-")
		number, _ := strconv.Atoi(generation)
		s.add(s.name(family), number, store.Row{Spent: s.spent}.Presented(secret.New(token)), s.world.Provider.Live(token),
			int(s.world.Provider.Remaining(token).Round(time.Second)/time.Second))
	}
}
