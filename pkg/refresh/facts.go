package refresh

import (
	"context"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// Facts are what somebody outside of a run has read of a credential's secrets, all in all.
type Facts struct {
	Credentials, Tokens, Access string        // ids of the current versions; empty: none
	Text                        secret.String // of Tokens
	CanLogin                    bool          // with Credentials
	Staged                      bool          // tokens has a version of the row's attempt
	Name                        func(store.Document) string
}

// View is the view of a run that reads the same. Decide needs nothing more of it, and neither
// calls nor reads anything. Not known: whether a kept reply can be read with the credentials.
func (f Facts) View(row store.Row, exists bool, now time.Time) View {
	tokens := Reading{Version: store.Version{ID: f.Tokens, Value: f.Text}, done: true}
	v := View{
		Row: row, Exists: exists, Now: now, fence: row.Fence, name: f.Name,
		Tokens: tokens, Credentials: Reading{Version: store.Version{ID: f.Credentials}, done: true},
		session: looksOn{f.CanLogin}, settled: Reading{done: true}, staged: Reading{done: true},
		again:  Reading{Version: store.Version{ID: f.Tokens}, done: true},
		access: Reading{Version: store.Version{ID: f.Access}, done: true},
	}
	v.chain, v.chainErr = parseChain(f.Text)
	if f.Staged {
		v.staged.ID = row.AttemptID
	}
	if row.VersionID == f.Tokens {
		v.settled = tokens
	}
	return v
}

// looksOn is the session of somebody who makes no calls.
type looksOn struct{ canLogin bool }

func (l looksOn) CanLogin() bool { return l.canLogin }

func (looksOn) Refresh(context.Context, secret.String) (providers.Tokens, error) {
	return providers.Tokens{}, providers.ErrNoLogin
}

func (looksOn) Login(context.Context) (providers.Tokens, error) {
	return providers.Tokens{}, providers.ErrNoLogin
}

func (looksOn) Decode(secret.String, time.Time) (providers.Tokens, error) {
	return providers.Tokens{}, providers.ErrNoLogin
}
