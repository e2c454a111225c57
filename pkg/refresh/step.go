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
	Wait      Action = "wait"      // do nothing; a claim that is held is released
	Park      Action = "park"      // write that a person must act
	TakeOver  Action = "take over" // claim an attempt that died or left something, under its own id
	Finish    Action = "finish"    // promote and publish what an attempt left
	Supersede Action = "supersede" // end the attempt: somebody else's version stands
	Watch     Action = "watch"     // write that a claim which seems to last too long was seen now
	Correct   Action = "correct"   // put times right that a wrong clock wrote
	Postpone  Action = "postpone"  // leave an attempt to the next tick
	Forget    Action = "forget"    // forget the attempts of a restored row
	Repair    Action = "repair"    // promote or publish what is missing, without a claim
	Refresh   Action = "refresh"   // claim, and present the refresh token
	Login     Action = "log in"    // claim, and present the credentials
)

// Step is what a run does next, and why.
type Step struct {
	Do Action
	// Reason names the check that decided.
	Reason string
	// Needs must be gathered first, if there are any; Do is empty then.
	Needs Needs

	Outcome outcome.Outcome // of Wait, Watch and Correct
	State   store.State     // of Park
	Err     error           // of Wait, Park, Postpone and Repair: why, and what to do; safe to print
	Warning string          // of Wait and Login: additional information for a person

	attemptID string       // of TakeOver: whose attempt
	source    store.Source // of TakeOver: what that attempt does
	base      string       // of TakeOver: the version of tokens that it replaces
	chain     chain        // of Finish, Repair and Refresh
	staged    bool         // of Finish: chain is a version of tokens already
	version   string       // of Supersede: the version that stands; of Refresh: the version that holds chain
	stale     bool         // of Refresh: tokens was read stale, and version is the current one
	again     bool         // of Refresh: its token was presented before
	asked     bool         // of Refresh: because its issuer has not acted on it
	resort    bool         // of Refresh: because nothing is left to lose
}

// token is what a Refresh presents.
func (s Step) token() secret.String { return s.chain.refreshToken }

// would is the outcome of a dry run that reaches the step, if the step calls the provider or makes
// a version current. acts reports whether it does.
func (s Step) would() (what outcome.Outcome, acts bool) {
	switch s.Do {
	case Refresh:
		return outcome.WouldRefresh, true
	case Login:
		return outcome.WouldLogin, true
	case TakeOver, Repair, Finish:
		return outcome.WouldRecover, s.Err == nil
	case Wait, Park, Supersede, Watch, Correct, Postpone, Forget:
	}
	return "", false
}
