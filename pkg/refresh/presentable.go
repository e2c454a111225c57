package refresh

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// presentable returns the refresh token that may be sent; empty: none. stale is
// then the one that may not be sent any more, if there is one.
func (a *attempt) presentable(ctx context.Context) (present, stale secret.String, err error) {
	s := &a.read
	if a.carried() {
		// The secrets do not take the newest chain yet; it lives in the escrow.
		c, err := parseChain(a.row.Escrow.Bytes)
		if err != nil {
			return present, stale, fmt.Errorf("escrow of attempt %s: %w", a.row.AttemptID, err)
		}
		s.chain = c
	}
	if a.outdated() {
		if err := a.confirm(ctx); err != nil { // else the escrow would be given up for a stale read
			return present, stale, err
		}
	}
	token := s.chain.refreshToken
	if token.Blank() {
		return present, stale, nil
	}
	if !a.exists {
		if s.chain.attemptID != "" {
			// The row was lost; whether this token was presented, nobody knows.
			return present, token, nil
		}
		return token, stale, nil // see claim, which confirms it
	}
	if a.spent(token) && a.row.VersionID != "" && a.row.VersionID != s.tokens.ID {
		// Reads of the current version may be stale; a read by id is not.
		v, err := a.Secrets.ByID(ctx, a.row.Key, store.TokensDoc, a.row.VersionID)
		if err != nil && !errors.Is(err, store.ErrNoVersion) {
			return present, stale, a.at(store.TokensDoc, err)
		}
		if c, parseErr := parseChain(v.Value); err == nil && parseErr == nil && !c.refreshToken.Blank() && !a.spent(c.refreshToken) {
			// Or a person has put a spent token back: what is made from the live one
			// replaces theirs.
			current, err := a.Secrets.CurrentID(ctx, a.row.Key, store.TokensDoc)
			if err != nil {
				return present, stale, a.at(store.TokensDoc, err)
			}
			if current == v.ID {
				s.tokens = v
			}
			s.chain, s.chainID = c, v.ID
			return c.refreshToken, stale, nil
		}
	}
	if a.spent(token) || a.unaccounted() {
		return present, token, nil
	}
	if !a.carried() && s.tokens.ID != a.row.VersionID {
		return token, stale, a.confirm(ctx)
	}
	return token, stale, nil
}

// confirm reads a second time which version of tokens is current, where that decides: a
// version that the row knows nothing of is a person's, or one from before the last
// that a stale read brings back. Two such reads in a row are not guarded against.
func (a *attempt) confirm(ctx context.Context) error {
	current, err := a.Secrets.CurrentID(ctx, a.row.Key, store.TokensDoc)
	if err == nil && current != a.read.tokens.ID {
		err = errors.New("it has changed since it was read")
	}
	return a.at(store.TokensDoc, err)
}

// unseen reports whether the row has never heard of the version that was read, or has
// of one where none was read.
func (a *attempt) unseen() bool {
	r := a.row
	if a.read.tokens.ID == "" {
		return r.VersionID != "" || !a.exists
	}
	known := []string{r.VersionID, r.SeenVersionID, r.BaseVersionID, r.Escrow.AttemptID}
	return !slices.Contains(known, a.read.tokens.ID)
}

// spent reports whether token was presented and may have been acted upon.
func (a *attempt) spent(token secret.String) bool {
	return a.row.Presented(token)
}

// unaccounted reports whether the current version was written by an attempt that
// the row knows nothing of: the row is older than the secret (restored from a
// backup), and whether the token was presented since, nobody knows. The escrow's own
// version may be current by a write that was done although it failed.
func (a *attempt) unaccounted() bool {
	s := a.read
	written := s.chain.attemptID != "" && s.chain.attemptID == s.tokens.ID
	return written && s.tokens.ID != a.row.VersionID && s.tokens.ID != a.row.Escrow.AttemptID
}
