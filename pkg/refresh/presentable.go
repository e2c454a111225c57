package refresh

import (
	"errors"
	"fmt"

	"tokenrefresh/pkg/store"
)

// fresh reports whether c has a refresh token that was not presented.
func (v View) fresh(c chain) bool {
	return !c.refreshToken.Blank() && !v.presented(c.refreshToken)
}

// currentLives reports whether the refresh token of the current version may be presented.
func (v View) currentLives() bool { return v.fresh(v.chain) && !v.ofAnotherAttempt() }

// lives reports whether the refresh token of the newest chain may be presented.
func (v View) lives() bool {
	if !v.escrowNewest() {
		return v.currentLives()
	}
	c, err := v.escrowed()
	return err == nil && v.fresh(c)
}

// presentable is the refresh with the token that may be sent. A step without an action: there is no
// such token. With needs, or an error: not known yet.
func (v View) presentable() (Step, error) {
	c, err := v.newest()
	if err != nil {
		return Step{}, err
	}
	if v.escrowOutdated() { // it seems so: a stale read must not wipe the escrow
		if step, err := v.confirmed(); step.Needs.any() || err != nil {
			return step, err
		}
	}
	refresh := Step{Do: Refresh, chain: c, version: v.Tokens.ID}
	switch {
	case c.refreshToken.Blank():
		return Step{}, nil
	case !v.Exists && c.attemptID != "": // the row was lost: perhaps the token was presented
		return Step{}, nil
	case !v.Exists: // the claim confirms it
		return refresh, nil
	}
	rolledBack := !v.escrowNewest() && v.current() == ofOlder
	if (v.presented(c.refreshToken) || rolledBack) && v.Row.VersionID != "" && v.Row.VersionID != v.Tokens.ID {
		step, err := v.lastInstead()
		if step.Do != "" || step.Needs.any() || err != nil {
			return step, err
		}
	}
	switch {
	case !v.lives():
		return v.presentedAgain(refresh), nil
	case !v.escrowNewest() && v.current() != ofRow:
		// Perhaps an older version, from a stale read.
		if step, err := v.confirmed(); step.Needs.any() || err != nil {
			return step, err
		}
	}
	return refresh, nil
}

// lastInstead is the refresh with the token of the version that the row is based on, although
// another one was read as current. Either that read was stale, or a person has put a spent token
// back; the refresh then replaces their version.
func (v View) lastInstead() (Step, error) {
	if needs, err := v.readLast(); needs.any() || err != nil {
		return Step{Needs: needs}, err
	}
	c, err := parseChain(v.last.Value)
	if err != nil || !v.fresh(c) {
		return Step{}, nil //nolint:nilerr // an unreadable version has no token that may be sent
	}
	if !v.again.done {
		return Step{Needs: Needs{Again: true}}, nil
	}
	if v.again.Err != nil {
		return Step{}, v.at(store.TokensDoc, v.again.Err)
	}
	return Step{Do: Refresh, chain: c, version: v.last.ID, stale: v.again.ID == v.last.ID}, nil
}

// readLast asks for the version that the row is based on, or returns why it could not be read.
// Unlike reads of the current version, a read by id is never stale.
func (v View) readLast() (Needs, error) {
	if !v.last.done {
		return Needs{Last: true}, nil
	}
	return Needs{}, v.at(store.TokensDoc, v.last.Err)
}

// confirmed asks for the second read, or returns an error if that differs from the first. A version
// that the row does not know is a person's, or an old one from a stale read. There is no guard
// against two such reads in a row.
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

// newest is the newest chain: the escrow's if the secrets have not taken it yet, else that of
// tokens.
func (v View) newest() (chain, error) {
	if v.escrowNewest() {
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

// owed is the chain that is still missing in tokens and access, or in access alone; its attempt id
// is the id of its version. Empty: there is none.
func (v View) owed() (chain, Needs, error) {
	if hasEscrow(v.Row) {
		c, err := v.escrowed()
		return c, Needs{}, err
	}
	last := v.Row.VersionID
	readable := v.Tokens.Err == nil && v.chainErr == nil && v.Tokens.ID != ""
	if !readable || last == "" || v.current() == ofStranger {
		return chain{}, Needs{}, nil
	}
	c := v.chain
	if v.Tokens.ID != last { // perhaps by a stale read
		needs, err := v.readLast()
		if needs.any() || err != nil || v.last.ID == "" {
			return chain{}, needs, err
		}
		if c, err = parseChain(v.last.Value); err != nil {
			return chain{}, Needs{}, v.at(store.TokensDoc, err)
		}
	}
	if c.accessToken.Blank() || c.accessExpiresAt.IsZero() {
		return chain{}, Needs{}, nil
	}
	return c.of(last), Needs{}, nil
}
