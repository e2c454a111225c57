package providers

import "time"

// Field is a field of a provider's credentials, for a program that asks a person for them. Only
// Provider.Open decides whether credentials are complete.
type Field struct {
	Name     string
	Optional bool   // may be left out
	Login    bool   // needed for a login, with all others of these; left out if there is no login
	Secret   bool   // hidden while it is typed
	JSON     string // what JSON it is, for people, such as "a JSON object"; empty: a text
}

// Described is a Provider that says more of itself than the engines need.
type Described interface {
	Provider
	// Address is the base URL for credentials that name none; empty if they must name one.
	Address() string
	// Fields are all fields that Open knows, in the order in which people are asked.
	Fields() []Field
	// Patience is how long the longest call takes; 0: no longer than those of others.
	Patience() time.Duration
}
