package refresh

import (
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// Action is what a run does next for a credential.
type Action string

// The actions.
const (
	Wait      Action = "wait"      // nothing; a claim that is held is given back
	Park      Action = "park"      // write that a person must act
	TakeOver  Action = "take over" // claim an attempt that left something, under its own id
	Finish    Action = "finish"    // promote and publish what an attempt left
	Supersede Action = "supersede" // let the version stand that somebody else has put there
	See       Action = "see"       // write when a claim was first seen that seems to last too long
	Correct   Action = "correct"   // write times that a wrong clock wrote as they would have been
	Postpone  Action = "postpone"  // leave an attempt to the next tick
	Forget    Action = "forget"    // give up what a restored row says
	Repair    Action = "repair"    // promote or publish what an idle row owes, without a claim
	Refresh   Action = "refresh"   // claim, and present the refresh token
	Login     Action = "log in"    // claim, and present the credentials
)

// Step is what a run does next, and why.
type Step struct {
	Do Action
	// Reason names the check that decided.
	Reason string
	// Needs, where any, must be gathered first; Do is empty then.
	Needs Needs

	Outcome outcome.Outcome // of Wait
	State   store.State     // of Park
	Err     error           // why, and what to do; safe to print
	Warning string          // what a person may want to know of a Wait without an error

	attemptID string       // of TakeOver: whose attempt
	source    store.Source // of TakeOver: what that attempt did
	base      string       // of TakeOver: the version of tokens that it replaces
	chain     chain        // of Finish, Repair and Refresh
	staged    bool         // of Finish: chain is a version of tokens already
	version   string       // of Supersede: what stands; of Refresh: the version that chain was read from
	stale     bool         // of Refresh: tokens was read stale, and that version is current
}

// token is what a Refresh presents.
func (s Step) token() secret.String { return s.chain.refreshToken }

// acts reports whether the step calls the provider or writes more than a state, and what a
// dry run says of it.
func (s Step) acts() (would outcome.Outcome, acts bool) {
	switch s.Do {
	case Refresh:
		return outcome.WouldRefresh, true
	case Login:
		return outcome.WouldLogin, true
	case TakeOver, Repair, Finish:
		return outcome.WouldRecover, s.Err == nil
	case Wait, Park, Supersede, See, Correct, Postpone, Forget:
	}
	return "", false
}
