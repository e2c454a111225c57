package refreshtest

import (
	"encoding/json"
	"fmt"
	"slices"

	"tokenrefresh/pkg/secret"
)

// What is a kind of Deed.
type What string

// The deeds.
const (
	Claimed     What = "claimed"      // an attempt, or its takeover
	Received    What = "received"     // a reply, readable, by a process that lives
	Stored      What = "stored"       // it: as a version of tokens, or in the escrow
	MadeCurrent What = "made current" // a version of tokens, by an engine
	Edited      What = "edited"       // tokens, by a person
	RowLost     What = "row lost"
)

// Deed is something done to the stores that decides what becomes of a reply.
type Deed struct {
	What What
	ID   string // of the attempt or the version
	// RefreshToken is the one in the reply or version.
	RefreshToken string
	Base         string // of a claim: the version of tokens that it means to replace
	Spent        string // of a claim: the last fingerprint, perhaps that of the token it is made for
}

// Deeds lists what was done, in order.
func (w *World) Deeds() []Deed {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.deeds)
}

// Wrongs lists what an engine did that is wrong whatever comes of it.
func (w *World) Wrongs() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.wrongs)
}

// wrong notes one; the world is locked.
func (w *World) wrong(format string, args ...any) {
	w.wrongs = append(w.wrongs, fmt.Sprintf(format, args...))
}

// did notes a deed; the world is locked.
func (w *World) did(what What, id string, value secret.String) {
	w.deeds = append(w.deeds, Deed{What: what, ID: id, RefreshToken: refreshTokenOf(value)})
}

// refreshTokenOf reads it from a tokens document; empty: none.
func refreshTokenOf(value secret.String) string {
	var doc struct {
		RefreshToken string `json:"refresh_token"`
	}
	_ = json.Unmarshal([]byte(value.Reveal()), &doc) // no document, no token
	return doc.RefreshToken
}

// generation is a token's place in its family.
type generation struct{ family, number int }

// generationOf reads it from a tokens or access document; zero where it holds none of
// the model provider's tokens.
func generationOf(value secret.String) generation {
	var doc struct {
		Access string `json:"access_token"`
	}
	var g generation
	_ = json.Unmarshal([]byte(value.Reveal()), &doc)
	if _, err := fmt.Sscanf(doc.Access, "at-%d-%d", &g.family, &g.number); err != nil {
		return generation{}
	}
	return g
}

// Succeeds reports whether refresh token a is b, or came from it by refreshes.
func Succeeds(a, b string) bool {
	var older, newer generation
	_, errA := fmt.Sscanf(a, "rt-%d-%d", &newer.family, &newer.number)
	_, errB := fmt.Sscanf(b, "rt-%d-%d", &older.family, &older.number)
	return errA == nil && errB == nil && newer.family == older.family && newer.number >= older.number
}
