package mutation

// claimBreaks are of the claim, the fingerprints and the send.
var claimBreaks = []breach{
	{
		name: "claim without the fence", file: "claim.go",
		old:    "err := a.become(ctx, e, next, condition{guard: a.v.unchanged(), tries: claimTries, done: mine})",
		new:    "stored, exists, _ := a.Ledger.Row(ctx, next.Key)\n\tnext.Fence = stored.Fence + 1\n\terr := a.become(ctx, e, next, condition{guard: store.Guard{Absent: !exists, Fence: stored.Fence}, tries: claimTries, done: mine})",
		broken: "two runs that read the same row can both claim it",
		core:   true,
	},
	{
		name: "claim that does not look at the escrow", file: "../store/row.go",
		old:    "SameEscrow: true,",
		new:    "SameEscrow: false,",
		broken: "a takeover wipes the reply that its holder stored in the last moment",
	},
	{
		name: "a claim lost by a nose is taken for won", file: "claim.go",
		old:    "r.AttemptID == next.AttemptID && r.ClaimedBy == next.ClaimedBy && r.Phase",
		new:    "r.Phase",
		broken: "a run sends under another run's claim",
	},
	{
		name: "any lost write is taken for done", file: "commit.go",
		old:    "lost.Exists && c.done(lost.Current) {",
		new:    "lost.Exists {",
		broken: "a run believes that it holds the claim of another, or has settled",
	},
	{
		name: "claim that has run out when it is written", file: "claim.go",
		old:    "time.Until(a.ends) + a.claimMargin()",
		new:    "time.Until(a.ends) - time.Hour",
		broken: "a live attempt is taken over",
	},
	{
		name: "claim that lasts as long as the run", file: "claim.go",
		old:    "if deadline, ok := ctx.Deadline(); ok && deadline.Before(a.ends) {",
		new:    "if deadline, ok := ctx.Deadline(); ok {",
		broken: "what died early in a long run waits for its end",
	},
	{
		name: "claim shorter than its attempt", file: "claim.go",
		old:    "time.Until(a.ends) + a.claimMargin()",
		new:    "time.Until(a.ends)/2",
		broken: "a live attempt is taken over while it stores its reply",
	},
	{
		name: "live claim ignored", file: "clocks.go",
		old:    "\tcase !v.Now.Before(r.ClaimedUntil):\n\t\treturn true, false",
		new:    "\tcase !v.Now.IsZero():\n\t\treturn true, false",
		broken: "a live attempt is taken over",
	},
	{
		name: "recovery without a takeover", file: "claim.go",
		old: `	if result, ended := a.acquire(ctx, edgeTakeOver, takeOver(a.v.Row, s, a.holder(ctx))); ended {
		return result, true
	}
`,
		new:    "\ta.v.Held = true\n",
		broken: "a write of the dead attempt can still land while it is recovered",
	},
	{
		name: "attempt renamed by its takeover", file: "transition.go",
		old:    "= s.attemptID, s.source, s.base",
		new:    "= h.runID, s.source, s.base",
		broken: "the versions of a dead attempt are not found again",
	},
	{
		name: "login without a claim", file: "send.go",
		old: `	if result, ended := a.claim(ctx, next, Login); ended {
		return result, true
	}
`,
		new:    "\ta.v.Row.AttemptID = next.AttemptID\n",
		broken: "a login is made that no other run knows of",
	},
	{
		name: "login based on a stale read", file: "login.go",
		old:    "if v.late == nil && v.idle() && v.newToRow() {",
		new:    "if v.Row.Fence < 0 {",
		broken: "what a login makes is taken for outdated by the next run",
	},
	{
		name: "first seed not confirmed under its claim", file: "claim.go",
		old:    "if first && do == Refresh {",
		new:    "if first && do == Wait {",
		broken: "two runs that found no row can send the same seed",
	},
	{
		name: "fence not looked at before the send", file: "send.go",
		old:    "time.Since(a.claimed) < fenceAge && asleep.Abs() < fenceAge {",
		new:    "asleep > -fenceAge {",
		broken: "a process that slept beyond its claim sends all the same",
	},
	{
		name: "nothing counts as spent", file: "transition.go",
		old:    "r = spend(v, r, s.token())",
		new:    "r.Spent = v.Row.Spent",
		broken: "a token is not written down as spent before it is sent",
		core:   true,
	},
	{
		name: "one fingerprint kept", file: "../store/row.go",
		old:    "const SpentKept = 8",
		new:    "const SpentKept = 1",
		broken: "a token presented two refreshes ago is forgotten",
	},
	{
		name: "short fingerprints not read", file: "../store/spent.go",
		old:    "if packed == \"\" {",
		new:    "if len(whole) > 0 {",
		broken: "a token presented three refreshes ago is forgotten",
	},
	{
		name: "current token forgotten in a long outage", file: "transition.go",
		old:    "if v.escrowNewest() && v.chainErr == nil &&",
		new:    "if v.Row.Fence < 0 &&",
		broken: "the spent token that is still current falls out of the fingerprints",
	},
	{
		name: "presented version not written down", file: "transition.go",
		old:    "\tr.VersionID = s.version\n",
		new:    "",
		broken: "the row does not tell which version the token came from",
	},
	{
		name: "login counted as presenting", file: "transition.go",
		old:    "\tr.LoginFailures++\n",
		new:    "\tr.LoginFailures++\n\tr = spend(v, r, v.chain.refreshToken)\n",
		broken: "a token is written down as spent that was never sent",
	},
	{
		name: "blind retry after an unknown result", file: "send.go",
		old:    "if providers.KindOf(err) != providers.NotSent ||",
		new:    "if k := providers.KindOf(err); k != providers.NotSent && k != providers.Unknown ||",
		broken: "a token that the provider may have acted on is sent again",
		core:   true,
	},
	{
		name: "fingerprint removed after an unknown result", file: "send.go",
		old:    "switch alive := providers.KindOf(err).Alive(); {",
		new:    "switch alive := providers.KindOf(err) != providers.Refused; {",
		broken: "a token that the provider may have acted on counts as unspent",
	},
	{
		name: "fingerprint kept after a request that was not sent", file: "send.go",
		old:    "switch alive := providers.KindOf(err).Alive(); {",
		new:    "switch alive := providers.KindOf(err).Alive() && providers.KindOf(err) != providers.NotSent; {",
		broken: "a token that never left counts as spent",
	},
	{
		name: "fingerprint kept after a rate limit", file: "send.go",
		old:    "switch alive := providers.KindOf(err).Alive(); {",
		new:    "switch alive := providers.KindOf(err).Alive() && providers.KindOf(err) != providers.RateLimited; {",
		broken: "a token that the provider did not act on counts as spent",
	},
	{
		name: "unrotated token stays spent", file: "transition.go",
		old: `	if c.source == store.FromRefresh {
		r = unspent(r, c.refreshToken)
	}
`,
		new:    "",
		broken: "a chain whose refresh token stays the same ends after one refresh",
	},
	{
		name: "stale read believed", file: "presentable.go",
		old:    `if (v.presented(c.refreshToken) || rolledBack) && v.Row.VersionID != "" &&`,
		new:    "if rolledBack && v.Row.Fence < 0 &&",
		broken: "a stale read makes a live chain look spent",
	},
	{
		name: "stale version replaced", file: "presentable.go",
		old:    "stale: v.again.ID == v.last.ID",
		new:    "stale: false",
		broken: "what a refresh makes cannot replace the version that it came from",
	},
	{
		name: "token of a lost row sent", file: "presentable.go",
		old:    `case !v.Exists && c.attemptID != "":`,
		new:    "case v.Row.Fence < 0:",
		broken: "after the loss of the row a token is sent that may have been presented",
	},
	{
		name: "token newer than the row sent", file: "presentable.go",
		old:    "case !v.lives():",
		new:    "case v.presented(c.refreshToken):",
		broken: "after the row was restored from a backup a token is sent that may have been presented",
	},
}
