package refresh

// edge is a named way in which a row changes.
type edge struct {
	name   string
	arrows []arrow
}

// arrow leads from each stage of a place to some of another.
type arrow struct{ from, to place }

// place is a stage, or a group of them, in docs/protocol.md.
type place struct {
	name   string
	stages []Stage
}

func at(s Stage) place { return place{string(s), []Stage{s}} }

// The groups.
var (
	idle   = place{"idle", []Stage{OK, Carried, Unpublished}}
	person = place{"person", []Stage{Dead, Uncertain, Misconfigured}} // waits for one
)

// The edges: the arrows of docs/protocol.md, by the same names.
var (
	edgeClaim = edge{"claim", []arrow{
		{at(None), at(Sending)}, {idle, at(Sending)}, {person, at(Sending)}, {at(Sending), at(Sending)}, {at(Taken), at(Sending)},
	}}
	edgeTakeOver = edge{"take over", []arrow{{at(Sending), at(Taken)}, {idle, at(Taken)}, {person, at(Taken)}}}
	edgeKeep     = edge{"keep", []arrow{{at(Sending), at(Sending)}}}
	edgeStore    = edge{"store", []arrow{
		{at(Sending), at(OK)},
		{at(Sending), at(Unpublished)},
		{at(Taken), at(OK)},
		{at(Taken), at(Unpublished)},
		{at(Sending), at(Uncertain)},
		{at(Taken), at(Uncertain)},
	}}
	edgeCarry = edge{"carry", []arrow{
		{at(Sending), at(Carried)}, {at(Taken), at(Carried)}, {at(Sending), at(Uncertain)}, {at(Taken), at(Uncertain)},
	}}
	edgeSupersede = edge{"supersede", []arrow{{at(Sending), idle}, {at(Taken), idle}, {at(Carried), idle}, {person, person}}}
	edgeRelease   = edge{"release", []arrow{{at(Sending), idle}, {at(Taken), idle}}}
	edgeAbandon   = edge{"abandon", []arrow{{at(Sending), at(OK)}}}
	edgePark      = edge{"park", []arrow{
		{at(None), person}, {idle, person}, {person, person}, {at(Sending), person}, {at(Taken), at(Uncertain)},
	}}
	edgeSee      = edge{"see", []arrow{{at(Sending), at(Sending)}}}
	edgeCorrect  = edge{"correct", []arrow{{at(OK), at(OK)}}}
	edgePostpone = edge{"postpone", []arrow{{at(Taken), at(Taken)}}}
	edgeRepair   = edge{"repair", []arrow{
		{at(Carried), at(OK)}, {at(Carried), at(Unpublished)}, {at(Unpublished), at(OK)}, {person, person},
	}}
	edgeForget  = edge{"forget", []arrow{{idle, idle}, {person, idle}, {at(Sending), idle}, {at(Taken), idle}}}
	edgeDiscard = edge{"discard", []arrow{{idle, idle}, {person, idle}, {at(Sending), idle}}}
	edgeDue     = edge{"make due", []arrow{{at(None), at(OK)}, {idle, idle}, {person, person}}}
)

// edges are all of them.
var edges = []edge{
	edgeClaim, edgeTakeOver, edgeKeep, edgeStore, edgeCarry, edgeSupersede, edgeRelease, edgeAbandon, edgePark,
	edgeSee, edgeCorrect, edgePostpone,
	edgeRepair, edgeForget, edgeDiscard, edgeDue,
}

// taken reports whether the row that the edge leads to is an attempt's that was taken over.
func (e edge) taken(before bool) bool {
	return e.name == edgeTakeOver.name || before && e.name != edgeClaim.name
}
