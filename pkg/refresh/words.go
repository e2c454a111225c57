package refresh

import (
	"errors"
	"fmt"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/store"
)

// forPerson is why a state needs a person, and what that person must do.
func (v View) forPerson(state store.State) error {
	switch state {
	case store.Dead:
		return errors.Join(v.lastly(state, "the refresh token is refused"), v.adviseNewToken())
	case store.Uncertain:
		return errors.Join(v.lastly(state, "the refresh token may be spent"), v.adviseNewToken())
	case store.Misconfigured:
		return errors.Join(v.lastly(state, "nothing was tried since the last failure"),
			fmt.Errorf("correct the secret %s, or force a run", v.name(store.Credentials)))
	case store.OK:
	}
	return nil
}

// lastly is the recorded reason of the row's state, else the given one.
func (v View) lastly(state store.State, otherwise string) error {
	if v.Row.State == state && v.Row.LastOutcome == outcome.Outcome(state) && v.Row.LastError != "" {
		otherwise = v.Row.LastError
	}
	return errors.New(otherwise)
}

// adviseNewToken is how a person begins a new chain.
func (v View) adviseNewToken() error {
	begin := "or a new refresh token, as {\"refresh_token\":\"…\"}, into " + v.name(store.TokensDoc)
	if _, ok := v.session.(providers.Authorizing); ok {
		begin = fmt.Sprintf("or log in with a browser: tokenctl login --provider %s --account %s", v.Row.Provider, v.Row.Account)
	}
	return fmt.Errorf("put login credentials into the secret %s, %s", v.name(store.Credentials), begin)
}

// beginAnew is how a person who resolves begins a new chain.
func (v View) beginAnew() string {
	put := "put a new refresh token into the secret " + v.name(store.TokensDoc)
	switch _, ok := v.session.(providers.Authorizing); {
	case v.canLogin:
		return "relogin, or " + put
	case ok:
		return "log in with a browser, or " + put
	}
	return put
}

// death is the error of an attempt that died and left no reply.
func (v View) death() error {
	return fmt.Errorf("attempt %s (%s) died and left no reply", v.Row.AttemptID, v.Row.AttemptSource)
}

// warned adds to a step, as a warning, why the refresh token was lost.
func (v View) warned(s Step, decided bool) (Step, bool) {
	switch {
	case v.ended != nil:
		s.Warning = v.ended.cause.Error()
	case v.TakenOver:
		s.Warning = v.death().Error()
	}
	return s, decided
}
