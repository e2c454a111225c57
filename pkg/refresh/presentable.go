package refresh

import (
	"errors"
	"fmt"

	"tokenrefresh/pkg/store"
)

// presentable is the refresh with the token that may be sent. Without an action there is no
// such token; with needs, or an error, it is not known yet.
func (v View) presentable() (Step, error) {
	c, err := v.newest()
	if err != nil {
		return Step{}, err
	}
	if v.escrowOutdated() { // else the escrow would be given up for a stale read
		if step, err := v.confirmed(); step.Needs.any() || err != nil {
			return step, err
		}
	}
	refresh := Step{Do: Refresh, chain: c, version: v.Tokens.ID}
	switch {
	case c.refreshToken.Blank():
		return Step{}, nil
	case !v.Exists && c.attemptID != "": // the row was lost; whether the token was presented, nobody knows
		return Step{}, nil
	case !v.Exists: // the claim confirms it
		return refresh, nil
	}
	replaced := !v.carried() && v.current() == ofOlder
	if (v.presented(c.refreshToken) || replaced) && v.Row.VersionID != "" && v.Row.VersionID != v.Tokens.ID {
		step, err := v.settledInstead()
		if step.Do != "" || step.Needs.any() || err != nil {
			return step, err
		}
	}
	switch {
	case v.presented(c.refreshToken), !v.carried() && v.unaccounted():
		return Step{}, nil
	case !v.carried() && v.current() != ofRow:
		// Perhaps a version from before the last, by a stale read.
		if step, err := v.confirmed(); step.Needs.any() || err != nil {
			return step, err
		}
	}
	return refresh, nil
}

// settledInstead is the refresh with the token of the version that the row settled last,
// although another one was read as current: reads of the current version may be stale, a
// read by id is not. Or a person has put a spent token back: what is made from the live one
// replaces theirs.
func (v View) settledInstead() (Step, error) {
	if !v.settled.done {
		return Step{Needs: Needs{Settled: true}}, nil
	}
	if v.settled.Err != nil {
		return Step{}, v.at(store.TokensDoc, v.settled.Err)
	}
	c, err := parseChain(v.settled.Value)
	if usable := err == nil && !c.refreshToken.Blank() && !v.presented(c.refreshToken); !usable {
		return Step{}, nil
	}
	if !v.again.done {
		return Step{Needs: Needs{Again: true}}, nil
	}
	if v.again.Err != nil {
		return Step{}, v.at(store.TokensDoc, v.again.Err)
	}
	return Step{Do: Refresh, chain: c, version: v.settled.ID, stale: v.again.ID == v.settled.ID}, nil
}

// confirmed asks for the second read, or says how it differs from the first. A version that
// the row knows nothing of is a person's, or one from before the last that a stale read
// brings back. Two such reads in a row are not guarded against.
func (v View) confirmed() (Step, error) {
	if !v.again.done {
		return Step{Needs: Needs{Again: true}}, nil
	}
	return Step{}, v.moved()
}

// moved is an error if the second read of tokens failed, or found another version current.
func (v View) moved() error {
	err := v.again.Err
	if err == nil && v.again.ID != v.Tokens.ID {
		err = errors.New("it has changed since it was read")
	}
	return v.at(store.TokensDoc, err)
}

// newest is the newest chain: in the escrow, if the secrets do not take it yet, else in
// tokens.
func (v View) newest() (chain, error) {
	if v.carried() {
		return v.escrowed()
	}
	return v.chain, nil
}

// tokenless reports whether the newest chain has no refresh token at all.
func (v View) tokenless() bool {
	c, err := v.newest()
	return err == nil && c.refreshToken.Blank()
}

// escrowed is the chain in the escrow.
func (v View) escrowed() (chain, error) {
	e := v.Row.Escrow
	c, err := parseChain(e.Bytes)
	if err != nil {
		return chain{}, fmt.Errorf("escrow of attempt %s: %w", e.AttemptID, err)
	}
	return c.of(e.AttemptID), nil
}

// owed is the chain that the secrets, or access alone, lack; its attempt id is the id of its
// version. Empty: there is none that could be put there.
func (v View) owed() (chain, Needs, error) {
	if carries(v.Row) {
		c, err := v.escrowed()
		return c, Needs{}, err
	}
	settled := v.Row.VersionID
	readable := v.Tokens.Err == nil && v.chainErr == nil && v.Tokens.ID != ""
	if !readable || settled == "" || v.current() == ofStranger {
		return chain{}, Needs{}, nil
	}
	c := v.chain
	if v.Tokens.ID != settled { // reads of the current version may be stale; a read by id is not
		if !v.settled.done {
			return chain{}, Needs{Settled: true}, nil
		}
		err := v.settled.Err
		if err == nil && v.settled.ID == "" {
			return chain{}, Needs{}, nil
		}
		if err == nil {
			c, err = parseChain(v.settled.Value)
		}
		if err != nil {
			return chain{}, Needs{}, v.at(store.TokensDoc, err)
		}
	}
	if c.accessToken.Blank() || c.accessExpiresAt.IsZero() {
		return chain{}, Needs{}, nil
	}
	return c.of(settled), Needs{}, nil
}

// loginOptional reports whether a login was a person's wish while the chain still works.
func (v View) loginOptional() bool { return v.Relogin && v.chainWorks }
