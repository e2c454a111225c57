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
		old:    "case v.presented(token), v.unaccounted():",
		new:    "case v.unaccounted():",
		broken: "an attempt is forgotten whose token is current",
	},
	{
		name: "discarded although it carries the chain", file: "resolve.go",
		old:    "case v.carried():",
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
		name: "chain given up for a refused login", file: "decide.go",
		old:    `case f.state != "" && !v.loginOptional():`,
		new:    `case f.state != "":`,
		broken: "a login that nobody needed ends a chain that lives",
	},
	{
		name: "relogin while paused", file: "resolve.go",
		old:    "if a.v.Row.Paused {",
		new:    "if a.v.Row.Fence < 0 {",
		broken: "a pause does not refuse a login",
	},
}
