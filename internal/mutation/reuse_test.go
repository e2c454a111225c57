package mutation

// reuseBreaks are of tokens that are presented again, and of what is asked about them.
var reuseBreaks = []breach{
	{
		name: "any token is presented again", core: true, file: "reuse.go",
		old:    "\tif reuse == 0 || !v.presentedLast(c) {\n",
		new:    "\tif reuse = max(reuse, 1<<62); !v.presentedLast(c) {\n",
		broken: "a strict provider is presented a token twice",
	},
	{
		name: "older tokens too", file: "reuse.go",
		old:    "v.Row.PresentedLast(c.refreshToken) && (v.escrowNewest() || v.current() == ofRow)",
		new:    "v.presented(c.refreshToken)",
		broken: "a token before the last is presented, which ends the family",
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
		old:    "d == providers.Always || d >= v.attempt+v.tick+v.reuseMargin()",
		new:    "d >= 0",
		broken: "a token whose grace no takeover can meet is kept for it",
	},
	{
		name: "a first time to come is believed", file: "reuse.go",
		old:    "known := !at.IsZero() && !at.After(v.Now)",
		new:    "known := !at.IsZero()",
		broken: "a wrong clock lengthens a grace",
	},
	{
		name: "while the first is under way", file: "reuse.go",
		old:    "\t\tfrom = later(from, notBefore(v.Row, v.Now))\n\t\tstep.again",
		new:    "\t\tfrom = v.Now\n\t\tstep.again",
		broken: "a person's force presents a token while its first request may be running",
	},
	{
		name: "a repeat moves the first time", file: "transition.go",
		old:    "\t\tr.PresentedAt = v.Now\n\t}\n",
		new:    "\t}\n\tr.PresentedAt = v.Now\n",
		broken: "each repeat begins a new grace",
	},
	{
		name: "a repeat that was turned away frees the token", file: "send.go",
		old:    "\tif s.again {\n\t\treturn",
		new:    "\tif s.again && !providers.KindOf(err).Alive() {\n\t\treturn",
		broken: "an answer to the second presentation says that the first was not acted on",
	},
	{
		name: "a refusal that does not tell of the first time", file: "reuse.go",
		old:    "\tif providers.KindOf(err) != providers.Refused || v.Row.PresentedAt.IsZero() {\n",
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
		old:    "\tif err := a.v.stillAgain(s); err != nil || !s.asked {\n",
		new:    "\tif err := a.v.stillAgain(s); err != nil || s.again {\n",
		broken: "a request that arrived since the question is overlooked",
	},
	{
		name: "no answer counts as one", core: true, file: "reuse.go",
		old:    "\tcase asks && v.evidence.is == providers.NotActed:\n",
		new:    "\tcase asks && v.evidence.is != providers.Acted:\n",
		broken: "an issuer that is down lets a token be presented twice",
	},
	{
		name: "an answer does not end the questions", file: "transition.go",
		old:    "\t\tr.PresentedAt = time.Time{} // there is nothing to ask any more\n",
		new:    "",
		broken: "an issuer that has answered is asked at every tick",
	},
	{
		name: "a dry run asks", file: "reuse.go",
		old:    "\tcase asks && v.asksNobody:\n",
		new:    "\tcase asks && v.asksNobody && false:\n",
		broken: "a dry run calls the provider",
	},
	{
		name: "a last resort while readers have a token", file: "reuse.go",
		old:    " &&\n\t\t!v.Now.Before(v.Row.AccessExpiresAt)\n",
		new:    "\n",
		broken: "a token is risked although something is left to lose",
	},
	{
		name: "a last resort after the other", file: "transition.go",
		old:    "\tif s.resort { // once\n",
		new:    "\tif false {\n",
		broken: "an uncertain token is presented at every tick",
	},
}
