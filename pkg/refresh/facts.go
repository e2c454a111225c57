package refresh

import (
	"context"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// Facts are all that somebody outside of a run has read of a credential's secrets.
type Facts struct {
	Credentials, Tokens, Access string        // ids of the current versions; empty: none
	Text                        secret.String // of Tokens
	CanLogin                    bool          // with Credentials
	Staged                      bool          // tokens has a version of the row's attempt
	Name                        func(store.Document) string
}

// View is the view of a run that reads the same. It is complete: Decide asks for nothing more.
// Not known is whether a reply that was kept unread can be read with the credentials.
func (f Facts) View(row store.Row, exists bool, now time.Time) View {
	tokens := Reading{Version: store.Version{ID: f.Tokens, Value: f.Text}, done: true}
	v := View{
		Row: row, Exists: exists, Now: now, fence: row.Fence, name: f.Name,
		Tokens: tokens, Credentials: Reading{Version: store.Version{ID: f.Credentials}, done: true},
		session: onlooker{f.CanLogin}, asksNobody: true, last: Reading{done: true}, staged: Reading{done: true},
		again:  Reading{Version: store.Version{ID: f.Tokens}, done: true},
		access: Reading{Version: store.Version{ID: f.Access}, done: true},
	}
	v.chain, v.chainErr = parseChain(f.Text)
	if f.Staged {
		v.staged.ID = row.AttemptID
	}
	if row.VersionID == f.Tokens {
		v.last = tokens
	}
	return v
}

// onlooker is the session of somebody who makes no calls.
type onlooker struct{ canLogin bool }

func (l onlooker) CanLogin() bool { return l.canLogin }

func (onlooker) Refresh(context.Context, secret.String) (providers.Tokens, error) {
	return providers.Tokens{}, providers.ErrNoLogin
}

func (onlooker) Login(context.Context) (providers.Tokens, error) {
	return providers.Tokens{}, providers.ErrNoLogin
}

func (onlooker) Decode(secret.String, time.Time) (providers.Tokens, error) {
	return providers.Tokens{}, providers.ErrNoLogin
}
