package providers

// Field is a field of a provider's credentials, for whoever asks a person for them.
// What makes credentials whole, Provider.Open alone says.
type Field struct {
	Name     string
	Optional bool // may be left out
	Login    bool // needed for a login, together with all others that are; left out where there is none
	Secret   bool // not to be shown while it is typed
	Object   bool // a JSON object, and not a text
}

// Described is a Provider that can tell the fields of its credentials, and its address.
type Described interface {
	Provider
	// Address is the base URL for credentials that name none; empty where they have to.
	Address() string
	// Fields are all fields that Open knows, in the order in which people are asked.
	Fields() []Field
}
