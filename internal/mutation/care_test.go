package mutation

// careBreaks are of what people, readers and providers are owed besides.
var careBreaks = []breach{
	{
		name: "superseded and not due", file: "transition.go",
		old:    "= id, store.Escrow{}, v.Now",
		new:    "= id, store.Escrow{}, v.Now.Add(minInterval)",
		broken: "a person's version waits while readers have none",
	},
	{
		name: "unknown version not confirmed", file: "presentable.go",
		old:    "case !v.escrowNewest() && v.current() != ofRow:",
		new:    "case false:",
		broken: "a stale read after a lost row brings back a seed that was presented",
	},
	{
		name: "edit after a death ignored", file: "died.go",
		old:    "|| v.Tokens.Err != nil || id ==",
		new:    "|| v.Tokens.Err == nil || id ==",
		broken: "a person's version counts as lost with the attempt before it",
	},
	{
		name: "refused without a second look", file: "died.go",
		old:    "case v.again.Err != nil, id == v.Tokens.ID, id == v.Row.VersionID:",
		new:    "case v.again.Err == nil:",
		broken: "a chain is called dead although a newer one is current",
	},
	{
		name: "unknown end taken for a passing one", file: "ends.go",
		old:    "providers.Unknown: {login: true, state: store.Uncertain, outcome: outcome.Uncertain},",
		new:    "providers.Unknown: {outcome: outcome.Transient},",
		broken: "a credential whose token may be spent asks for nobody",
	},
	{
		name: "own version taken for an edit", file: "transition_idle.go",
		old:    "r.SeenVersionID = c.attemptID // the change is ours and no person's\n",
		new:    "r.SeenVersionID = v.Row.SeenVersionID\n",
		broken: "a repair counts as a person's answer, and a refused client is tried again",
	},
	{
		name: "unreadable secrets taken for refused credentials", file: "current.go",
		old:    `return r.State == store.Misconfigured && r.CredentialsVersionID == ""`,
		new:    "return false",
		broken: "attempts are forecast that no run makes, and a row tells too late why its secrets are unreadable",
	},
	{
		name: "access out of reach, and sent", file: "idle.go",
		old:    "case v.access.Err != nil:",
		new:    "case v.access.Err != nil && v.Row.Fence < 0:",
		broken: "a token is asked for that cannot be published",
	},
	{
		name: "rate limit without a wait", file: "transition.go",
		old:    "\t\tr.NotBefore = v.askedUntil()\n",
		new:    "\t\tr.NotBefore = time.Time{}\n",
		broken: "the provider is called again before it allows it",
	},
	{
		name: "login not backed off", file: "transition.go",
		old:    "r.LoginNotBefore = v.retryAt(r.LoginFailures)",
		new:    "r.LoginNotBefore = v.Now",
		broken: "a login that fails is repeated at each tick, until the account is locked",
	},
	{
		name: "paused and sent all the same", file: "decide.go",
		old:    "\t{\"it is paused\", paused},\n",
		new:    "",
		broken: "a paused credential is refreshed",
	},
	{
		name: "paused and recovered by a login", file: "idle.go",
		old:    "case v.TakenOver:\n\t\treturn wait(outcome.Paused, v.death())",
		new:    "case v.TakenOver:\n\t\treturn pass()",
		broken: "a paused credential logs in",
	},
	{
		name: "refresh that waits for a store", file: "repair.go",
		old:    "result.Outcome != outcome.PersistFailed || !a.v.due() || a.v.Row.Paused",
		new:    `result.Outcome != ""`,
		broken: "readers' token expires while the secrets are at their quota",
	},
}
