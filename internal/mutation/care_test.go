package mutation

// careBreaks are of what people, readers and providers are owed besides.
var careBreaks = []breach{
	{
		name: "superseded and not due", file: "settle.go",
		old:    "theirs, store.Escrow{}, a.Now()",
		new:    "theirs, store.Escrow{}, a.Now().Add(leastInterval)",
		broken: "a person's version waits while readers have none",
		core:   true,
	},
	{
		name: "unknown version not confirmed", file: "presentable.go",
		old:    "if !a.carried() && s.tokens.ID != a.row.VersionID {",
		new:    "if false {",
		broken: "a stale read after a lost row brings back a seed that was presented",
	},
	{
		name: "edit after a death ignored", file: "recover.go",
		old:    "if s.tokensErr == nil && s.tokens.ID != a.row.BaseVersionID",
		new:    "if s.tokensErr != nil && s.tokens.ID != a.row.BaseVersionID",
		broken: "a person's version counts as lost with the attempt before it",
	},
	{
		name: "refused without a second look", file: "attempt.go",
		old:    "if err == nil && current != a.read.tokens.ID",
		new:    "if err != nil && current != a.read.tokens.ID",
		broken: "a chain is called dead although a newer one is current",
	},
	{
		name: "own version taken for an edit", file: "repair.go",
		old:    "next.SeenVersionID = c.attemptID // the change is ours and no person's\n",
		new:    "next.SeenVersionID = a.row.SeenVersionID\n",
		broken: "a repair counts as a person's answer, and a refused login is tried again",
	},
	{
		name: "rate limit without a wait", file: "attempt.go",
		old:    "\t\ta.row.NotBefore = a.pause(cause)\n",
		new:    "",
		broken: "the provider is called again before it allows it",
	},
	{
		name: "login not backed off", file: "claim.go",
		old:    "a.Now().Add(pace.Backoff(next.LoginFailures))",
		new:    "a.Now()",
		broken: "a login that fails is repeated at each tick, until the account is locked",
	},
	{
		name: "paused and sent all the same", file: "attempt.go",
		old:    "if r.Paused {\n\t\treturn Result{Outcome: outcome.Paused}\n\t}\n\tif result, wait",
		new:    "if result, wait",
		broken: "a paused credential is refreshed",
	},
	{
		name: "paused and recovered by a login", file: "recover.go",
		old:    "if a.row.Paused {",
		new:    "if a.row.Fence < 0 {",
		broken: "a paused credential logs in",
	},
	{
		name: "refresh that waits for a store", file: "repair.go",
		old:    "result.Outcome != outcome.PersistFailed || !due || a.row.Paused",
		new:    `result.Outcome != ""`,
		broken: "readers' token expires while the secrets are at their quota",
	},
}
