package mutation

// runBreaks are about runs over many accounts: order, shares, time and pace.
var runBreaks = []breach{
	{
		name: "the order of names", file: "order.go",
		old:    "cmp.Or(a.at.Compare(b.at), cmp.Compare(a.tie, b.tie))",
		new:    "cmp.Compare(a.row, b.row)",
		broken: "under overload the last accounts of the alphabet have no token",
	},
	{
		name: "no share for the ended", file: "order.go",
		old:    "return due && q.lapsed",
		new:    "return due && false && q.lapsed",
		broken: "whose token has ended gets none while others are due",
	},
	{
		name: "the ended in all slots", file: "order.go",
		old:    "return due && q.lapsed < max(1, q.slots/lapsedShare)",
		new:    "return due",
		broken: "accounts without a token that hang stop those that live",
	},
	{
		name: "a host in all slots", file: "order.go",
		old:    "return host != \"\" && q.held",
		new:    "return false && q.held",
		broken: "one host that hangs stops the accounts of all others",
	},
	{
		name: "the silent among the others", file: "order.go",
		old:    "\t\tc.class = quiet\n",
		new:    "",
		broken: "accounts that hang take slots before those that are answered",
	},
	{
		name: "read what cannot begin", file: "decide.go",
		old:    "if v.late == nil || v.Held || v.Tokens.done || !v.acts() {",
		new:    "if true {",
		broken: "a thousand accounts that cannot be refreshed any more cost two reads each, and the run its end",
	},
	{
		name: "no time for the metrics", file: "run.go",
		old:    "\tif bounded {",
		new:    "\tif bounded && len(rows) == 0 {",
		broken: "a run in which stores hang is killed, and says nothing",
	},
	{
		name: "a throttled write slows nobody", file: "throttle.go",
		old:    "t.rate = max(slowest, slowing*t.rate)",
		new:    "t.rate = max(slowest, t.rate)",
		broken: "runs that share a quota throttle each other for ever",
	},
	{
		name: "a failed seed goes first", file: "order.go",
		old:    "v.owing() && !v.due():",
		new:    "v.owing():",
		broken: "seeds on a host that hangs go before all others, in all slots",
	},
}
