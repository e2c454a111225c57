package mutation

// resolveBreaks are about what people decide.
var resolveBreaks = []breach{
	{
		name: "resolution beside a live claim", file: "resolve.go",
		old:    "a.Now().Before(a.row.ClaimedUntil)",
		new:    "a.Now().Before(a.row.ClaimedUntil.Add(-24 * time.Hour))",
		broken: "a person's resolution takes over from a run that is at work",
	},
	{
		name: "resolution over a stale read", file: "resolve.go",
		old:    "	return a.confirm(ctx)\n",
		new:    "	return nil\n",
		broken: "a person decides over a version that is no longer current",
	},
	{
		name: "accepted although presented", file: "resolve.go",
		old:    "case a.spent(c.refreshToken):",
		new:    "case a.row.Fence < 0:",
		broken: "a reply whose token was presented becomes current",
	},
	{
		name: "discarded although presented", file: "resolve.go",
		old:    "case a.spent(token), a.unaccounted():",
		new:    "case a.unaccounted():",
		broken: "an attempt is forgotten whose token is current",
	},
	{
		name: "discarded although it carries the chain", file: "resolve.go",
		old:    "case a.carried():",
		new:    "case a.row.Fence < 0:",
		broken: "the only copy of the newest chain is forgotten",
	},
	{
		name: "accepted from the claim's base", file: "resolve.go",
		old:    "next.AttemptID, next.AttemptSource, next.BaseVersionID = c.attemptID, c.source, a.read.tokens.ID",
		new:    "next.AttemptID, next.AttemptSource = c.attemptID, c.source",
		broken: "an edit stands over the reply that a person accepts",
	},
	{
		name: "chain given up for a refused login", file: "login.go",
		old:    "if !a.unneeded {",
		new:    "if a.row.Fence >= 0 {",
		broken: "a login that nobody needed ends a chain that lives",
	},
	{
		name: "relogin while paused", file: "resolve.go",
		old:    "if a.row.Paused {",
		new:    "if a.row.Fence < 0 {",
		broken: "a pause does not stop a login",
	},
}
