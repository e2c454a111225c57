package refresh

// edge is a way in which a row changes: the arrows of docs/protocol.md with that name. Each is a
// function of transition.go.
type edge string

// The edges.
const (
	edgeClaim     edge = "claim"     // begin a refresh or a login
	edgeTakeOver  edge = "take over" // claim an attempt of another run, to finish it
	edgeKeep      edge = "keep"      // put a reply into the escrow, or name one that is kept unread
	edgeStore     edge = "store"     // end an attempt: its tokens are current
	edgeCarry     edge = "carry"     // end an attempt: the secrets do not take its tokens, the escrow has them
	edgeSupersede edge = "supersede" // let somebody else's version stand
	edgeRelease   edge = "release"   // end an attempt that brought no tokens, and needs nobody
	edgeAbandon   edge = "abandon"   // take back a claim that was based on stale data
	edgePark      edge = "park"      // write that a person must act
	edgeWatch     edge = "watch"     // note when a claim was first seen that seems to last too long
	edgeCorrect   edge = "correct"   // put times right that a wrong clock wrote
	edgePostpone  edge = "postpone"  // leave an attempt that was taken over to the next tick
	edgeRepair    edge = "repair"    // put right what an idle row owes to tokens or access
	edgeForget    edge = "forget"    // give up what a restored row says
	edgeDiscard   edge = "discard"   // give up the last attempt, because a person says so
	edgeDue       edge = "make due"  // let the next tick look
)

// takenOver reports whether the row after the edge is that of an attempt that was taken over.
// before reports the same of the row before it.
func (e edge) takenOver(before bool) bool { return e == edgeTakeOver || before && e != edgeClaim }
