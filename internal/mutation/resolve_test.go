package mutation

// resolveBreaks are about what people decide.
var resolveBreaks = []breach{
	{
		name: "resolution beside a live claim", file: "resolve.go",
		old:    "unreadable || step.Outcome == outcome.Busy {",
		new:    "unreadable {",
		broken: "a person's resolution takes over from a run that is at work",
	},
	{
		name: "resolution over a stale read", file: "resolve.go",
		old:    "if err := a.v.moved(); err != nil {",
		new:    "if err := a.v.moved(); err != nil && a.v.Row.Fence < 0 {",
		broken: "a person decides over a version that is no longer current",
	},
	{
		name: "accepted although presented", file: "resolve.go",
		old:    "case v.presented(c.refreshToken):",
		new:    "case v.Row.Fence < 0:",
		broken: "a reply whose token was presented becomes current",
	},
	{
		name: "discarded although presented", file: "resolve.go",
		old:    "case !v.currentLives():",
		new:    "case v.ofAnotherAttempt():",
		broken: "an attempt is forgotten whose token is current",
	},
	{
		name: "discarded although it carries the chain", file: "resolve.go",
		old:    "case v.escrowNewest():",
		new:    "case v.Row.Fence < 0:",
		broken: "the only copy of the newest chain is forgotten",
	},
	{
		name: "accepted from the claim's base", file: "resolve.go",
		old:    "source: c.source, base: a.v.Tokens.ID}",
		new:    "source: c.source, base: a.v.Row.BaseVersionID}",
		broken: "an edit stands over the reply that a person accepts",
	},
	{
		name: "chain given up for a refused login", file: "died.go",
		old:    `case f.state != "" && !v.chainWorks:`,
		new:    `case f.state != "":`,
		broken: "a login that nobody needed ends a chain that lives",
	},
	{
		name: "relogin while paused", file: "resolve.go",
		old:    "if (how == Relogin || how == Retry) && a.v.Row.Paused {",
		new:    "if a.v.Row.Fence < 0 {",
		broken: "a pause does not refuse a login",
	},
	{
		name: "relogin over a dead login waits", file: "resolve.go",
		old:    "\t\ta.v.Relogin, a.v.Force = true, true\n",
		new:    "",
		broken: "a person's login is held by the back-off of those that died",
	},
	{
		name: "dead login taken for a spent token", file: "login.go",
		old:    "\tif !v.TakenOver || v.Row.AttemptSource != store.FromLogin {\n",
		new:    "\tif v.Row.Fence >= 0 {\n",
		broken: "a chain that lives asks for a person, because a login died that was taken out since",
	},
	{
		name: "retried although it is not uncertain", file: "resolve.go",
		old:    "\tcase !v.idle() || v.Row.State != store.Uncertain:\n",
		new:    "\tcase !v.idle():\n",
		broken: "a refused token is presented again",
	},
	{
		name: "retried with a token before the last", file: "resolve.go",
		old:    "\tcase !v.presentedLast(c):\n",
		new:    "\tcase c.refreshToken.Blank():\n",
		broken: "a new seed is sent without its fingerprint",
	},
	{
		name: "retried for ever", file: "resolve.go",
		old:    "\tcase v.Row.Fate == store.Retried:\n",
		new:    "\tcase v.Row.Fence < 0:\n",
		broken: "an uncertain token is presented as often as a person likes",
	},
	{
		name: "retried while the first is under way", file: "resolve.go",
		old:    "\tcase !over:\n",
		new:    "\tcase !over && v.Row.Fence < 0:\n",
		broken: "a person presents a token while its first request may be running",
	},
	{
		name: "retried although its reply is there", file: "resolve.go",
		old:    "\tcase left.attemptID != \"\" && !v.presented(left.refreshToken):\n",
		new:    "\tcase left.attemptID != \"\" && v.Row.Fence < 0:\n",
		broken: "a chain is ended whose newest token was stored",
	},
}
