package mutation

// claimBreaks are of the claim, the fingerprints and the send.
var claimBreaks = []breach{
	{
		name: "claim without the fence", file: "claim.go",
		old: "guard := a.unchanged()\n\tmine",
		new: `stored, exists, _ := a.Ledger.Row(ctx, a.row.Key)
	next.Fence = stored.Fence + 1
	guard := store.Guard{Absent: !exists, Fence: stored.Fence}
	mine`,
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
		name: "claim that has run out when it is written", file: "claim.go",
		old:    "time.Until(deadline) + max(claimSlack, 3*a.StoreTimeout)",
		new:    "time.Until(deadline) - time.Hour",
		broken: "a live attempt is taken over",
	},
	{
		name: "live claim ignored", file: "attempt.go",
		old:    "if now.Before(r.ClaimedUntil) {",
		new:    "if now.IsZero() {",
		broken: "a live attempt is taken over",
	},
	{
		name: "recovery without a takeover", file: "recover.go",
		old:    "\tif result, ok := a.takeover(ctx); !ok {\n\t\treturn result\n\t}\n",
		new:    "",
		broken: "a write of the dead attempt can still land while it is recovered",
		core:   true,
	},
	{
		name: "attempt renamed by its takeover", file: "claim.go",
		old:    "return a.take(ctx, a.row)",
		new:    "next := a.row\n\tnext.AttemptID = a.NewID()\n\treturn a.take(ctx, next)",
		broken: "the versions of a dead attempt are not found again",
	},
	{
		name: "login without a claim", file: "login.go",
		old:    "if result, ok := a.claim(ctx, store.FromLogin, \"\"); !ok {\n\t\treturn result\n\t}\n",
		new:    "a.row.AttemptID = a.NewID()\n",
		broken: "a login is made that no other run knows of",
	},
	{
		name: "fence not looked at before the send", file: "claim.go",
		old:    "time.Since(a.claimed) < fenceAge && asleep.Abs() < fenceAge {",
		new:    "asleep > -fenceAge {",
		broken: "a process that slept beyond its claim sends all the same",
	},
	{
		name: "nothing counts as spent", file: "claim.go",
		old:    "next.Spent = a.withSpent(fingerprint)",
		new:    "next.Spent = a.row.Spent",
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
		name: "current token forgotten in a long outage", file: "claim.go",
		old:    "if a.carried() {\n\t\tif current",
		new:    "if a.row.Fence < 0 {\n\t\tif current",
		broken: "the spent token that is still current falls out of the fingerprints",
	},
	{
		name: "presented version not written down", file: "claim.go",
		old:    "\t\tnext.VersionID = a.read.chainID\n",
		new:    "",
		broken: "the row does not tell which version the token came from",
	},
	{
		name: "login counted as presenting", file: "login.go",
		old:    `a.claim(ctx, store.FromLogin, "")`,
		new:    "a.claim(ctx, store.FromLogin, a.read.chain.refreshToken.Fingerprint())",
		broken: "a token is written down as spent that was never sent",
	},
	{
		name: "blind retry after an unknown result", file: "claim.go",
		old:    "if providers.KindOf(err) != providers.NotSent ||",
		new:    "if k := providers.KindOf(err); k != providers.NotSent && k != providers.Unknown ||",
		broken: "a token that the provider may have acted on is sent again",
		core:   true,
	},
	{
		name: "fingerprint removed after an unknown result", file: "attempt.go",
		old:    "a.keepRaw(persist, cause)",
		new:    "a.unspend(presented.Fingerprint())\n\t\ta.keepRaw(persist, cause)",
		broken: "a token that the provider may have acted on counts as unspent",
	},
	{
		name: "fingerprint kept after a request that was not sent", file: "attempt.go",
		old:    "case providers.NotSent:\n\t\ta.unspend(presented.Fingerprint())",
		new:    "case providers.NotSent:",
		broken: "a token that never left counts as spent",
	},
	{
		name: "fingerprint kept after a rate limit", file: "attempt.go",
		old:    "case providers.RateLimited:\n\t\ta.unspend(presented.Fingerprint())",
		new:    "case providers.RateLimited:",
		broken: "a token that the provider did not act on counts as spent",
	},
	{
		name: "unrotated token stays spent", file: "settle.go",
		old:    "\tif c.source == store.FromRefresh {\n\t\ta.unspend(c.refreshToken.Fingerprint())\n\t}\n",
		new:    "",
		broken: "a chain whose refresh token stays the same ends after one refresh",
	},
	{
		name: "stale read believed", file: "presentable.go",
		old:    `if a.spent(token) && a.row.VersionID != "" &&`,
		new:    "if a.row.Fence < 0 &&",
		broken: "a stale read makes a live chain look spent",
	},
	{
		name: "token of a lost row sent", file: "presentable.go",
		old:    `if s.chain.attemptID != "" {`,
		new:    "if a.row.Fence < 0 {",
		broken: "after the loss of the row a token is sent that may have been presented",
	},
	{
		name: "token newer than the row sent", file: "presentable.go",
		old:    "return written && s.tokens.ID",
		new:    "return written && a.row.Fence < 0 && s.tokens.ID",
		broken: "after the row was restored from a backup a token is sent that may have been presented",
	},
}
