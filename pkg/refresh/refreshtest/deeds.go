package refreshtest

import (
	"encoding/json"
	"fmt"
	"slices"

	"tokenrefresh/pkg/secret"
)

// Kind is a kind of Deed.
type Kind string

// The deeds.
const (
	Claimed     Kind = "claimed"      // an attempt, or its takeover
	Received    Kind = "received"     // a reply, readable, by a process that lives
	Stored      Kind = "stored"       // a reply: as a version of tokens, or in the escrow
	MadeCurrent Kind = "made current" // a version of tokens, by an engine
	Edited      Kind = "edited"       // tokens, by a person
	RowLost     Kind = "row lost"
)

// Deed is a change of the stores that decides the fate of a reply.
type Deed struct {
	Kind Kind
	ID   string // of the attempt or the version
	// RefreshToken is the one in the reply or version.
	RefreshToken string
	Base         string // of a claim: the version of tokens that it will replace
	Spent        string // of a claim: the last fingerprint, perhaps that of the token it is made for
}

// Deeds lists what was done, in order.
func (w *World) Deeds() []Deed {
	defer w.lock()()
	return slices.Clone(w.deeds)
}

// Violations lists deeds of an engine that are always wrong.
func (w *World) Violations() []string {
	defer w.lock()()
	return slices.Clone(w.violations)
}

// wrong notes a violation; the world is locked.
func (w *World) wrong(format string, args ...any) {
	w.violations = append(w.violations, fmt.Sprintf(format, args...))
}

// did notes a deed; the world is locked.
func (w *World) did(kind Kind, id string, value secret.String) {
	w.deeds = append(w.deeds, Deed{Kind: kind, ID: id, RefreshToken: refreshTokenOf(value)})
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

// generationOf reads it from a tokens or access document; zero if it holds none of the model
// provider's tokens.
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
