package providers

import (
	"context"
	"errors"
	"time"

	"tokenrefresh/pkg/secret"
)

// ErrNotSeeded is Open's error for credentials that nobody has filled in yet: the template's
// placeholder, an empty text or an empty object. A new deployment is in this state; it is no
// mistake.
var ErrNotSeeded = errors.New("credentials are not filled in yet")

// ErrNoLogin is Login's error if the provider has no login, or the credentials have none.
var ErrNoLogin = errors.New("no login credentials")

// Provider opens sessions with one provider. Implementations are safe for
// concurrent use and share one HTTP client.
type Provider interface {
	// Name is the provider's name in secret names, ledger keys and results.
	Name() string
	// Open checks the JSON of a credentials secret, all of it at once, and binds a
	// session to it, without any call. Its error is ErrNotSeeded or an *Error of
	// kind Misconfigured that names the fields at fault and no values.
	Open(credentials secret.String) (Session, error)
}

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

// Located is a Session that names the host of its calls.
type Located interface {
	Session
	// Host is the host of all calls, with the port if the address names one.
	Host() string
}

// Lived is a Session whose credentials say how long its access tokens live.
type Lived interface {
	Session
	// Lifetime is that of tokens whose reply does not name one; 0: it is not said.
	Lifetime() time.Duration
}

// Session makes calls with one set of credentials. Each of Refresh and Login sends at most one
// request and never repeats it. Every error is an *Error, except ErrNoLogin.
type Session interface {
	// CanLogin reports whether Login can be tried.
	CanLogin() bool
	// Refresh presents refreshToken once.
	Refresh(ctx context.Context, refreshToken secret.String) (Tokens, error)
	// Login presents the credentials once.
	Login(ctx context.Context) (Tokens, error)
	// Decode reads a reply that could not be read when it came (Error.Raw, Tokens.Raw), for example
	// because the key was wrong. sent is when its request was sent. If it still cannot be read, the
	// error is the same as Refresh's, Error.Partial included.
	Decode(raw secret.String, sent time.Time) (Tokens, error)
}
