package refresh

import (
	"cmp"
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
	id := func(id string) Reading { return Reading{Version: store.Version{ID: id}, done: true} }
	v := View{Row: row, Exists: exists, Now: now, fence: row.Fence, name: f.Name, asksNobody: true, readings: readings{
		Tokens: tokens, Credentials: id(f.Credentials), canLogin: f.CanLogin, repeats: f.Again,
		last: id(""), staged: id(""), again: id(f.Tokens), access: id(f.Access),
	}}
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
