package refresh

import (
	"cmp"
	"context"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// Facts are what a program outside of a run has read of a credential's secrets.
type Facts struct {
	Credentials, Tokens, Access string        // ids of the current versions; empty: none
	Text                        secret.String // of Tokens
	CanLogin                    bool          // with Credentials
	Again                       providers.Again
	Send                        time.Duration // how long a call may take; 0: as usual
	Staged                      bool          // tokens has a version of the row's attempt
	Name                        func(store.Document) string
}

// View is the view of a run that reads the same. It is complete: Decide asks for nothing more. It
// cannot know whether the credentials can read a raw reply.
func (f Facts) View(row store.Row, exists bool, now time.Time) View {
	tokens := Reading{Version: store.Version{ID: f.Tokens, Value: f.Text}, done: true}
	v := View{
		Row: row, Exists: exists, Now: now, fence: row.Fence, name: f.Name,
		Tokens: tokens, Credentials: Reading{Version: store.Version{ID: f.Credentials}, done: true},
		session: onlooker{f.CanLogin, f.Again}, asksNobody: true, last: Reading{done: true}, staged: Reading{done: true},
		again:  Reading{Version: store.Version{ID: f.Tokens}, done: true},
		access: Reading{Version: store.Version{ID: f.Access}, done: true},
	}
	v.send, v.tick = cmp.Or(f.Send, usualSend), row.Tick
	v.attempt = usualClaim(v.send)
	v.chain, v.chainErr = parseChain(f.Text)
	if f.Staged {
		v.staged.ID = row.AttemptID
	}
	if row.VersionID == f.Tokens {
		v.last = tokens
	}
	return v
}

// onlooker is a session that makes no calls.
type onlooker struct {
	canLogin bool
	again    providers.Again
}

func (l onlooker) CanLogin() bool { return l.canLogin }

func (l onlooker) Again() providers.Again { return l.again }

func (onlooker) Ask(context.Context, secret.String, secret.String) (providers.Evidence, error) {
	return providers.NoEvidence, nil
}

func (onlooker) Refresh(context.Context, secret.String) (providers.Tokens, error) {
	return providers.Tokens{}, providers.ErrNoLogin
}

func (onlooker) Login(context.Context) (providers.Tokens, error) {
	return providers.Tokens{}, providers.ErrNoLogin
}

func (onlooker) Decode(secret.String, time.Time) (providers.Tokens, error) {
	return providers.Tokens{}, providers.ErrNoLogin
}
