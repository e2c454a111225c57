package mutation

// restoredBreaks are about rows that are older than the secrets.
var restoredBreaks = []breach{
	{
		name: "restored row not recognised", file: "current.go",
		old:    "func (v View) restored() bool { return v.Exists &&",
		new:    "func (v View) restored() bool { return v.Row.Fence < 0 &&",
		broken: "beside a row from a backup a token is sent that was presented",
		core:   true,
	},
	{
		name: "fence not written into the documents", file: "send.go",
		old:    "a.v.Row.AttemptID, a.v.Row.Fence)",
		new:    "a.v.Row.AttemptID, 0)",
		broken: "the secrets do not tell that a row is older than they are",
	},
	{
		name: "access not asked whether the row was restored", file: "gather.go",
		old:    `if err != nil || known || r.PublishedVersionID == "" {`,
		new:    `if err != nil || known || r.Fence >= 0 {`,
		broken: "a person who rolls tokens back beside a restored row has a presented token sent",
	},
	{
		name: "restored row believed in what is left", file: "died.go",
		old:    "case !v.hasLeft():",
		new:    "case true:",
		broken: "a reply that a restored row tells of becomes current, although it was presented long ago",
	},
	{
		name: "restored row forgotten, and its token not", file: "transition_idle.go",
		old:    "if token := v.chain.refreshToken; !token.Blank() && !v.presented(token) {",
		new:    "if token := v.chain.refreshToken; token.Blank() {",
		broken: "the token that a person has put back beside a restored row is sent",
	},
	{
		name: "restored row keeps its attempt", file: "transition_idle.go",
		old:    `r.AttemptID, r.AttemptSource, r.BaseVersionID, r.VersionID = "", "", "", ""`,
		new:    `r.VersionID = ""`,
		broken: "the version of an attempt from before the backup is promoted again",
	},
	{
		name: "restored row keeps its escrow", file: "transition_idle.go",
		old:    "r.Escrow, r.ReplyID = store.Escrow{}, \"\"\n\tr.State = store.OK\n\tr.SeenVersionID = v.Tokens.ID\n\treturn dueBy",
		new:    "r.ReplyID = \"\"\n\tr.State = store.OK\n\tr.SeenVersionID = v.Tokens.ID\n\treturn dueBy",
		broken: "an escrow from before the backup is promoted again",
	},
	{
		name: "fence counted on from the backup", file: "transition_idle.go",
		old:    "r.Fence = max(r.Fence, v.latestFence()) + 1",
		new:    "r.Fence++",
		broken: "a restored row is taken for restored again and again",
	},
	{
		name: "rolled back version taken for the last", file: "current.go",
		old:    "v.chain.fence <= v.fence:",
		new:    "v.chain.fence < 0:",
		broken: "after a roll-back by hand readers are left without a token",
	},
	{
		name: "restored row resolved", file: "resolve.go",
		old:    "case v.restored():\n\t\treturn v.refusedAsRestored()",
		new:    "case v.Row.Fence < 0:\n\t\treturn v.refusedAsRestored()",
		broken: "a person goes on from a version that was presented since the backup",
	},
	{
		name: "taken over before it is compared", file: "died.go",
		old:    "\tif needs.any() {\n\t\treturn need(needs)\n\t}\n\tunread :=",
		new:    "\tif needs.any() {\n\t\treturn Step{Do: TakeOver, attemptID: attemptID, source: source, base: base}, true\n\t}\n\tunread :=",
		broken: "a takeover hides that the row was restored, and what it tells of becomes current",
	},
	{
		name: "repaired though access was not asked", file: "idle.go",
		old:    "err == nil && read != nil && !lasting(read) {",
		new:    "err == nil && read != nil && v.Row.Fence < 0 {",
		broken: "one read that fails lets a restored row promote what was presented long ago",
	},
	{
		name: "old version copied by a person taken for an edit", file: "current.go",
		old:    "\tcase v.copied(id, v.chain):\n\t\treturn ofOlder\n",
		new:    "",
		broken: "a token is sent again that was presented so long ago that the row has forgotten it",
	},
	{
		name: "old version copied during a send stands", file: "promote.go",
		old:    "a.v.copied(id, c) || ",
		new:    "",
		broken: "the newest token is given up for one that was presented long ago",
	},
	{
		name: "old version copied after a death counts as new", file: "transition.go",
		old:    " || v.copied(id, *theirs)",
		new:    "",
		broken: "a token is sent again that was presented long ago",
	},
	{
		name: "any fence believed", file: "document.go",
		old:    " || fence > maxFence",
		new:    "",
		broken: "one fence by hand that no row can go beyond stops a credential for ever",
	},
	{
		name: "restored row forgotten though tokens was not read", file: "died.go",
		old:    "case v.restored() && v.Tokens.Err != nil:",
		new:    "case v.restored() && v.Tokens.Err != nil && v.Row.Fence < 0:",
		broken: "a token that a person has put back beside a restored row is sent",
	},
}
