package refresh

// arrow leads from each stage of a place to some stage of another.
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
	person = place{"person", []Stage{Dead, Uncertain, Misconfigured}} // needs one
)

// arrows are those of docs/protocol.md, by their edges. The exploration compares them with
// what engines do to rows.
var arrows = map[edge][]arrow{
	edgeClaim: {
		{at(None), at(Sending)}, {idle, at(Sending)}, {person, at(Sending)}, {at(Sending), at(Sending)}, {at(Taken), at(Sending)},
	},
	edgeTakeOver: {{at(Sending), at(Taken)}, {idle, at(Taken)}, {person, at(Taken)}},
	edgeKeep:     {{at(Sending), at(Sending)}},
	edgeStore: {
		{at(Sending), at(OK)},
		{at(Sending), at(Unpublished)},
		{at(Sending), at(Uncertain)},
		{at(Taken), at(OK)},
		{at(Taken), at(Unpublished)},
		{at(Taken), at(Uncertain)},
		{at(Taken), at(Dead)},
	},
	edgeCarry: {
		{at(Sending), at(Carried)},
		{at(Sending), at(Uncertain)},
		{at(Taken), at(Carried)},
		{at(Taken), at(Uncertain)},
		{at(Taken), at(Dead)},
	},
	edgeSupersede: {{at(Sending), idle}, {at(Taken), idle}, {at(Carried), idle}, {person, person}},
	edgeRelease:   {{at(Sending), idle}, {at(Taken), idle}},
	edgeAbandon:   {{at(Sending), at(OK)}},
	edgePark: {
		{at(None), person}, {idle, person}, {person, person}, {at(Sending), person}, {at(Taken), at(Uncertain)},
	},
	edgeWatch:    {{at(Sending), at(Sending)}, {idle, idle}, {person, person}},
	edgeCorrect:  {{idle, idle}, {person, person}},
	edgePostpone: {{at(Taken), at(Taken)}},
	edgeRepair: {
		{at(Carried), at(OK)}, {at(Carried), at(Unpublished)}, {at(Unpublished), at(OK)}, {person, person},
	},
	edgeForget:  {{idle, idle}, {person, idle}, {at(Sending), idle}, {at(Taken), idle}},
	edgeDiscard: {{idle, idle}, {person, idle}, {at(Sending), idle}},
	edgeDue:     {{at(None), at(OK)}, {idle, idle}, {person, person}},
}
