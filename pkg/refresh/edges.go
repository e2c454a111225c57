package refresh

// edge is a kind of change of a row: the arrows of docs/protocol.md with that name. Beside each
// edge are the functions of transition*.go that make its row.
type edge string

// The edges.
const (
	edgeClaim     edge = "claim"     // begin a refresh or a login (claimRefresh, claimLogin)
	edgeTakeOver  edge = "take over" // claim an attempt of another run, to finish it (takeOver)
	edgeKeep      edge = "keep"      // put a reply into the escrow, or name one that is kept unread (intoEscrow, nameRaw)
	edgeStore     edge = "store"     // end an attempt: its tokens are current (storeChain)
	edgeCarry     edge = "carry"     // end an attempt: the secrets do not take its tokens, the escrow has them (carryChain)
	edgeSupersede edge = "supersede" // let somebody else's version stand (supersedeClaimed, supersedeIdle)
	edgeRelease   edge = "release"   // end an attempt that brought no tokens, and needs nobody (release)
	edgeAbandon   edge = "abandon"   // take back a claim that was based on stale data (abandon)
	edgePark      edge = "park"      // write that a person must act (parkClaimed, parkIdle)
	edgeWatch     edge = "watch"     // note when a claim was first seen that seems to last too long (watch)
	edgeCorrect   edge = "correct"   // correct times that a wrong clock wrote (correct)
	edgePostpone  edge = "postpone"  // leave an attempt that was taken over to the next tick (postpone)
	edgeRepair    edge = "repair"    // complete tokens or access from an idle row (repair)
	edgeForget    edge = "forget"    // forget the attempts of a restored row (forget)
	edgeDiscard   edge = "discard"   // give up the last attempt, because a person says so (discard)
	edgeDue       edge = "make due"  // let the next tick look (makeDue)
)

// takenOver reports whether the row after the edge is that of an attempt that was taken over.
// before reports the same of the row before it.
func (e edge) takenOver(before bool) bool { return e == edgeTakeOver || before && e != edgeClaim }
