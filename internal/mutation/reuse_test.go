package mutation

// reuseBreaks are about tokens that are presented again, and about asking their issuer.
var reuseBreaks = []breach{
	{
		name: "any token is presented again", file: "reuse.go",
		old:    "\tif reuse == 0 || !v.presentedLast(c) {\n",
		new:    "\tif reuse = max(reuse, 1<<62); !v.presentedLast(c) {\n",
		broken: "a strict provider is presented a token twice",
	},
	{
		name: "older tokens too", file: "reuse.go",
		old:    "v.Row.PresentedLast(c.refreshToken) && v.Row.Fate != store.Foreign &&\n\t\t(v.escrowNewest() || v.current() == ofRow)",
		new:    "v.presented(c.refreshToken)",
		broken: "a token before the last is presented, which ends the family",
	},
	{
		name: "one that was rolled back too", file: "reuse.go",
		old:    " && v.Row.Fate != store.Foreign &&\n",
		new:    " &&\n",
		broken: "a token before the last is presented, because a person has rolled tokens back",
	},
	{
		name: "a grace without an end", core: true, file: "reuse.go",
		old:    "v.Now.Add(v.reuseMargin()).Before(at.Add(reuse))",
		new:    "v.Now.Before(at.Add(24 * time.Hour))",
		broken: "a token is presented again after its grace",
	},
	{
		name: "no margin at the end of a grace", file: "reuse.go",
		old:    "v.Now.Add(v.reuseMargin()).Before(at.Add(reuse))",
		new:    "v.Now.Add(-time.Minute).Before(at.Add(reuse))",
		broken: "a token arrives again after its grace",
	},
	{
		name: "a short grace counts", file: "reuse.go",
		old:    "d >= v.leastReuse()",
		new:    "d >= 0",
		broken: "a token whose grace no takeover can meet is kept for it",
	},
	{
		name: "a first time to come is believed", file: "reuse.go",
		old:    "known := !at.IsZero() && !v.presentedInFuture()",
		new:    "known := !at.IsZero()",
		broken: "a wrong clock lengthens a grace",
	},
	{
		name: "a first time to come is left until it has come", file: "reuse.go",
		old:    "\tif !v.idle() || v.Held || !v.presentedInFuture() {\n",
		new:    "\tif v.Row.Fence >= 0 {\n",
		broken: "a wrong clock lengthens a grace, once its time has come",
	},
	{
		name: "while the first is under way", file: "reuse.go",
		old:    "\tover, watch := v.claimOver()\n",
		new:    "\tover, watch := true, false\n",
		broken: "a person's force presents a token while its first request may be running",
	},
	{
		name: "a repeat does not back off", file: "transition.go",
		old:    "\tr.NotBefore = later(next, r.ClaimedUntil)\n",
		new:    "\tr.NotBefore = r.ClaimedUntil\n",
		broken: "a provider in trouble is called at each tick",
	},
	{
		name: "the end of a grace is missed", file: "transition.go",
		old:    "; last.Before(next) {\n\t\t\tnext = last\n",
		new:    "; last.Before(next) {\n\t\t\tnext = r.PresentedAt.Add(reuse)\n",
		broken: "a back-off skips the last time that a token may be presented",
	},
	{
		name: "a repeat moves the first time", file: "transition.go",
		old:    "\t\tr = spend(v, r, s.token())\n\t\tif v.mayRepeat() {\n",
		new:    "\t\tr = spend(v, r, s.token())\n\t}\n\t{\n\t\tif v.mayRepeat() {\n",
		broken: "each repeat begins a new grace",
	},
	{
		name: "a first time where none is asked for", file: "reuse.go",
		old:    "bool { return v.repeats != providers.Again{} }",
		new:    "bool { return v.session != nil }",
		broken: "rows of providers that take a token once say more than they did",
	},
	{
		name: "a repeat that was turned away frees the token", file: "send.go",
		old:    "\t\ta.v.Row = withFate(a.v.Row, fate) // as if",
		new:    "\t\ta.v.Row = unspent(withFate(a.v.Row, fate), s.token()) // as if",
		broken: "an answer to the second presentation says that the first was not acted on",
	},
	{
		name: "a refusal that does not tell of the first time", file: "reuse.go",
		old:    "\tif providers.KindOf(err) != providers.Refused {\n",
		new:    "\tif err != nil {\n",
		broken: "a person does not learn why the token is refused",
	},
	{
		name: "kept for nothing", file: "reuse.go",
		old:    "v.Row.AttemptSource == store.FromLogin || !v.hopes()",
		new:    "v.Row.AttemptSource == store.FromLogin",
		broken: "a spent token is kept where nothing can come of it",
	},
	{
		name: "an answer is not asked for again", file: "send.go",
		old:    "\tif s.asked {\n",
		new:    "\tif false {\n",
		broken: "a request that arrived since the question is overlooked",
	},
	{
		name: "no answer counts as one", file: "reuse.go",
		old:    "\tcase asks && v.evidence.is == providers.NotActed:\n",
		new:    "\tcase asks && v.evidence.is != providers.Acted:\n",
		broken: "an issuer that is down lets a token be presented twice",
	},
	{
		name: "an answer does not end the questions", file: "transition_idle.go",
		old:    "\t\tr.Fate = store.ActedOn\n",
		new:    "",
		broken: "an issuer that has answered is asked at every tick",
	},
	{
		name: "asked when it is too late to send", file: "reuse.go",
		old:    "\tcase asks && !v.evidence.done && v.late != nil:\n",
		new:    "\tcase asks && !v.evidence.done && false:\n",
		broken: "a run without time calls the provider",
	},
	{
		name: "a dry run asks", file: "reuse.go",
		old:    "\tcase asks && v.asksNobody:\n",
		new:    "\tcase asks && v.asksNobody && false:\n",
		broken: "a dry run calls the provider",
	},
	{
		name: "a last resort while readers have a token", file: "reuse.go",
		old:    "return v.resorts(c) && !v.Now.Before(v.Row.AccessExpiresAt) }",
		new:    "return v.resorts(c) }",
		broken: "a token is risked although something is left to lose",
	},
	{
		name: "a last resort after the other", file: "transition.go",
		old:    "\tif s.resort {\n",
		new:    "\tif false {\n",
		broken: "an uncertain token is presented at every tick",
	},
	{
		name: "a last resort is wasted", file: "send.go",
		old:    "\t\ta.v.Row = withFate(a.v.Row, fate) // as if",
		new:    "\t\t_ = fate // as if",
		broken: "a token that could not be sent needs a person, as if it had been",
	},
}
