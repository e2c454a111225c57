package refresh

import (
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/store"
)

// ended is how a call that brought no tokens ended.
type ended struct {
	kind     providers.Kind
	cause    error
	notTried bool // the run gave up before it called: the provider is not the reason
}

// follow is what follows a call that brought no tokens. backOff decides when the next call may be
// made.
type follow struct {
	login   bool            // log in, if there is a login; else go on with state
	state   store.State     // that needs a person; empty: none
	outcome outcome.Outcome // of the run
	refused bool            // the credentials were refused: few tries, far apart
}

// afterRefresh is what follows a refresh. Only the kind decides whether its token may be sent
// again: see providers.Kind.Alive; refresh then removes the fingerprint.
var afterRefresh = map[providers.Kind]follow{
	// The token is alive.
	providers.NotSent:       {outcome: outcome.Transient},
	providers.RateLimited:   {outcome: outcome.RateLimited},
	providers.Misconfigured: {state: store.Misconfigured, outcome: outcome.Misconfigured, refused: true},
	providers.TurnedAway:    {state: store.Misconfigured, outcome: outcome.Misconfigured},
	providers.MaybeRefused:  {login: true, state: store.Misconfigured, outcome: outcome.Misconfigured},

	// The token is dead, or may be spent: it is never sent again.
	providers.Refused: {login: true, state: store.Dead, outcome: outcome.Dead},
	providers.Unknown: {login: true, state: store.Uncertain, outcome: outcome.Uncertain},
}

// afterLogin is what follows a login.
var afterLogin = map[providers.Kind]follow{
	providers.NotSent:       {outcome: outcome.Transient},
	providers.RateLimited:   {outcome: outcome.RateLimited},
	providers.Misconfigured: {state: store.Misconfigured, outcome: outcome.Misconfigured, refused: true},
	providers.TurnedAway:    {state: store.Misconfigured, outcome: outcome.Misconfigured},
	providers.MaybeRefused:  {state: store.Misconfigured, outcome: outcome.Misconfigured, refused: true},
	providers.Refused:       {state: store.Misconfigured, outcome: outcome.Misconfigured, refused: true},
	providers.Unknown:       {outcome: outcome.Transient},
}

// follows is what follows the call that has ended.
func (v View) follows() follow {
	table := afterRefresh
	if v.Row.AttemptSource == store.FromLogin {
		table = afterLogin
	}
	f, known := table[v.ended.kind]
	if !known {
		panic("unreachable: a kind of provider error that nothing follows")
	}
	return f
}
