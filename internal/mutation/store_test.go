package mutation

// storeBreaks are of what keeps a reply and makes it current.
var storeBreaks = []breach{
	{
		name: "persisting ends with the caller", file: "keep.go",
		old:    "context.WithTimeout(context.WithoutCancel(ctx), a.StoreTimeout/2)",
		new:    "context.WithTimeout(ctx, a.StoreTimeout/2)",
		broken: "a reply that comes when the caller's time is over is lost",
	},
	{
		name: "escrow written unconditionally", file: "keep.go",
		old: "return a.commit(ctx, edgeKeep, a.v.Row, condition{guard: a.v.held()})",
		new: `stored, exists, err := a.Ledger.Row(ctx, a.v.Row.Key)
	if err != nil {
		return err
	}
	return a.commit(ctx, edgeKeep, a.v.Row, condition{guard: store.Guard{Absent: !exists, Fence: stored.Fence}})`,
		broken: "a process that slept beyond its claim puts its old row over a newer one",
		core:   true,
	},
	{
		name: "unread reply tried over a person's seed", file: "idle.go",
		old:    "if !ok || !v.rawFollows(raw) {",
		new:    "if _ = raw; !ok {",
		broken: "a person's seed waits for a reply that had been kept unread",
	},
	{
		name: "unreadable reply not kept", file: "send.go",
		old:    "\t\ta.keepRaw(ctx, failed.Raw, failed.Sent)\n",
		new:    "\t\t_ = failed.Raw\n",
		broken: "a reply that cannot be read is thrown away",
	},
	{
		name: "new version id for each try", file: "keep.go",
		old:    "v := store.Version{ID: c.attemptID,",
		new:    "v := store.Version{ID: a.NewID(),",
		broken: "a version is stored that nobody can find",
	},
	{
		name: "escrow of another attempt recovered", file: "died.go",
		old:    "if e := v.Row.Escrow; !v.lostAttempt() || !hasEscrow(v.Row) || e.AttemptID != v.Row.AttemptID {",
		new:    "if !v.lostAttempt() || !hasEscrow(v.Row) {",
		broken: "an older reply is taken for that of the attempt that died",
	},
	{
		name: "escrow of an idle row ignored", file: "stage.go",
		old:    `return r.Escrow.AttemptID != "" && !r.Escrow.Raw`,
		new:    "return false",
		broken: "a reply that the secrets did not take stays in the escrow",
	},
	{
		name: "escrow carried over an edit", file: "current.go",
		old:    "return hasEscrow(v.Row) && v.escrowFollows()",
		new:    "return hasEscrow(v.Row)",
		broken: "the escrow's chain goes on although a person has put in another",
	},
	{
		name: "escrow wiped by the claim that it carries", file: "transition.go",
		old:    "if v.escrowOutdated() {",
		new:    "if hasEscrow(v.Row) {",
		broken: "the only copy of a chain is deleted before its refresh is sent",
	},
	{
		name: "escrow wiped before its reply is current", file: "transition.go",
		old:    "r := schedule(v, intoEscrow(v.Row, c), c)",
		new:    "r := schedule(v, v.Row, c)\n\tr.Escrow = store.Escrow{}",
		broken: "the only copy of a reply is deleted",
	},
	{
		name: "escrow kept though superseded", file: "transition.go",
		old:    "= id, store.Escrow{}, v.Now",
		new:    "= id, r.Escrow, v.Now",
		broken: "a reply that was superseded is tried again",
	},
	{
		name: "base read at the promotion", file: "promote.go",
		old:    "err := a.Secrets.Promote(ctx, a.v.Row.Key, store.TokensDoc, a.v.Row.BaseVersionID,",
		new:    "base, _ := a.Secrets.CurrentID(ctx, a.v.Row.Key, store.TokensDoc)\n\t\terr := a.Secrets.Promote(ctx, a.v.Row.Key, store.TokensDoc, base,",
		broken: "an edit made during a refresh is replaced by it",
	},
	{
		name: "tokens promoted over anybody's", file: "promote.go",
		old:    "replace, readErr := a.replaceable(ctx, moved.Current, held)",
		new:    "replace, readErr := true, error(nil)",
		broken: "a newer chain is replaced by an older one",
	},
	{
		name: "presented version that became current stands", file: "promote.go",
		old:    "case readable && a.v.presented(c.refreshToken):",
		new:    "case false:",
		broken: "a version whose token is spent keeps out the reply that follows it",
	},
	{
		name: "claim not looked at before another's version is replaced", file: "promote.go",
		old:    "return a.stillHeld(ctx)\n\t}\n\treturn false, nil",
		new:    "return true, nil\n\t}\n\treturn false, nil",
		broken: "a process that slept puts its old reply over a newer one",
	},
	{
		name: "access promoted over anybody's", file: "promote.go",
		old:    "return a.Secrets.Promote(ctx, a.v.Row.Key, store.AccessDoc, a.v.access.ID,",
		new:    "from, _ := a.Secrets.CurrentID(ctx, a.v.Row.Key, store.AccessDoc)\n\t\t\t\treturn a.Secrets.Promote(ctx, a.v.Row.Key, store.AccessDoc, from,",
		broken: "a process that slept gives readers an older access token",
		core:   true,
	},
	{
		name: "access published over a newer one", file: "promote.go",
		old:    "if !held {",
		new:    "if held != held {",
		broken: "a repair that slept gives readers an older access token",
	},
	{
		name: "access not repaired", file: "idle.go",
		old:    "(hasEscrow(v.Row) || v.Row.VersionID != v.Row.PublishedVersionID)",
		new:    "hasEscrow(v.Row)",
		broken: "readers keep a dead access token",
	},
	{
		name: "settled before promoted", file: "promote.go",
		old:    "tokens, access := a.swap(ctx, c, k)",
		new:    "a.settle(ctx, edgeStore, storeChain(a.v, c, nil, success, nil), success, nil)\n\ttokens, access := a.swap(ctx, c, k)",
		broken: "the row calls a version current that may never be",
		core:   true,
	},
	{
		name: "settled without the guard", file: "visit.go",
		old: "err := a.become(ctx, e, next, condition{guard: a.v.held(), done: alreadySettled(next)})",
		new: `stored, exists, err := a.Ledger.Row(ctx, next.Key)
	if err == nil {
		err = a.become(ctx, e, next, condition{guard: store.Guard{Absent: !exists, Fence: stored.Fence}, done: alreadySettled(next)})
	}`,
		broken: "a process that slept beyond its claim settles over a newer attempt",
	},
	{
		name: "state not cleared", file: "transition.go",
		old:    "\tr.State = v.stateAfter(c)\n\tr.LastSuccessAt = v.Now",
		new:    "\tr.LastSuccessAt = v.Now",
		broken: "a healthy credential goes on asking for a person",
	},
	{
		name: "failed read taken for an absent version", file: "died.go",
		old:    "case v.staged.Err != nil:",
		new:    "case v.Row.Fence < 0:",
		broken: "an attempt counts as lost although its version is there",
	},
	{
		name: "late version not found", file: "idle.go",
		old:    "if !v.idle() || v.Relogin || v.Row.State != store.Uncertain || !v.TurnedUp() {",
		new:    "if v.Row.Fence >= 0 {",
		broken: "a version that turns up late is not used",
	},
}
