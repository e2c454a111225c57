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
		old: "return a.retry(ctx, 0, func(ctx context.Context) error { return a.Ledger.Write(ctx, a.row, a.held()) })",
		new: `return a.retry(ctx, 0, func(ctx context.Context) error {
		stored, exists, err := a.Ledger.Row(ctx, a.row.Key)
		if err != nil {
			return err
		}
		return a.Ledger.Write(ctx, a.row, store.Guard{Absent: !exists, Fence: stored.Fence})
	})`,
		broken: "a process that slept beyond its claim puts its old row over a newer one",
		core:   true,
	},
	{
		name: "unread reply tried over a person's seed", file: "recover.go",
		old:    "if !ok || a.outdated() {",
		new:    "if !ok {",
		broken: "a person's seed waits for a reply that had been kept unread",
	},
	{
		name: "unreadable reply not kept", file: "attempt.go",
		old:    "\t\ta.keepRaw(persist, cause)\n",
		new:    "",
		broken: "a reply that cannot be read is thrown away",
	},
	{
		name: "new version id for each try", file: "keep.go",
		old:    "v := store.Version{ID: c.attemptID,",
		new:    "v := store.Version{ID: a.NewID(),",
		broken: "a version is stored that nobody can find",
	},
	{
		name: "escrow of another attempt recovered", file: "recover.go",
		old:    "e.AttemptID == a.row.AttemptID && !e.Raw",
		new:    `e.AttemptID != "" && !e.Raw`,
		broken: "an older reply is taken for that of the attempt that died",
		core:   true,
	},
	{
		name: "escrow of an idle row ignored", file: "attempt.go",
		old:    `return a.row.Escrow.AttemptID != "" && !a.row.Escrow.Raw`,
		new:    "return false",
		broken: "a reply that the secrets did not take stays in the escrow",
	},
	{
		name: "escrow carried over an edit", file: "attempt.go",
		old:    "return a.unpromoted() && a.row.BaseVersionID == a.read.tokens.ID",
		new:    "return a.unpromoted()",
		broken: "the escrow's chain goes on although a person has put in another",
	},
	{
		name: "escrow wiped by the claim that it carries", file: "claim.go",
		old:    "if a.outdated() {",
		new:    "if a.unpromoted() {",
		broken: "the only copy of a chain is deleted before its refresh is sent",
	},
	{
		name: "escrow wiped before its reply is current", file: "settle.go",
		old:    "a.row.Escrow = store.Escrow{AttemptID: c.attemptID, Bytes: c.document()}",
		new:    "a.row.Escrow = store.Escrow{}",
		broken: "the only copy of a reply is deleted",
	},
	{
		name: "escrow kept though superseded", file: "settle.go",
		old:    "theirs, store.Escrow{}, a.Now()",
		new:    "theirs, next.Escrow, a.Now()",
		broken: "a reply that was superseded is tried again",
	},
	{
		name: "base read at the promotion", file: "promote.go",
		old: "err := a.Secrets.Promote(ctx, a.row.Key, store.TokensDoc, a.row.BaseVersionID,",
		new: `base, _ := a.Secrets.CurrentID(ctx, a.row.Key, store.TokensDoc)
		err := a.Secrets.Promote(ctx, a.row.Key, store.TokensDoc, base,`,
		broken: "an edit made during a refresh is replaced by it",
		core:   true,
	},
	{
		name: "tokens promoted over anybody's", file: "promote.go",
		old:    "replace, readErr := a.replaceable(ctx, moved.Current, own)",
		new:    "replace, readErr := true, error(nil)",
		broken: "a newer chain is replaced by an older one",
		core:   true,
	},
	{
		name: "presented version that became current stands", file: "promote.go",
		old:    "case readable && a.spent(c.refreshToken):",
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
		old: "access = a.Secrets.Promote(ctx, a.row.Key, store.AccessDoc, a.read.accessID,",
		new: `from, _ := a.Secrets.CurrentID(ctx, a.row.Key, store.AccessDoc)
			access = a.Secrets.Promote(ctx, a.row.Key, store.AccessDoc, from,`,
		broken: "a process that slept gives readers an older access token",
		core:   true,
	},
	{
		name: "access published over a newer one", file: "promote.go",
		old:    "if !held {",
		new:    "if held != held {",
		broken: "a repair that slept gives readers an older access token",
		core:   true,
	},
	{
		name: "access not repaired", file: "attempt.go",
		old:    "if a.unpromoted() || r.VersionID != r.PublishedVersionID {",
		new:    "if a.unpromoted() {",
		broken: "readers keep a dead access token",
		core:   true,
	},
	{
		name: "settled before promoted", file: "promote.go",
		old:    "tokens, access := a.swap(ctx, c, k)",
		new:    "a.settleStored(ctx, c, nil, success)\n\ttokens, access := a.swap(ctx, c, k)",
		broken: "the row calls a version current that may never be",
		core:   true,
	},
	{
		name: "settled without the guard", file: "settle.go",
		old: "func(ctx context.Context) error { return a.Ledger.Write(ctx, a.row, guard) }",
		new: `func(ctx context.Context) error {
		stored, exists, err := a.Ledger.Row(ctx, a.row.Key)
		if err != nil {
			return err
		}
		guard = store.Guard{Absent: !exists, Fence: stored.Fence}
		return a.Ledger.Write(ctx, a.row, guard)
	}`,
		broken: "a process that slept beyond its claim settles over a newer attempt",
	},
	{
		name: "state not cleared", file: "settle.go",
		old:    "a.row.SeenVersionID = id\n\ta.row.Escrow = store.Escrow{}\n\ta.row.State = store.OK",
		new:    "a.row.SeenVersionID = id\n\ta.row.Escrow = store.Escrow{}",
		broken: "a healthy credential goes on asking for a person",
	},
	{
		name: "failed read taken for an absent version", file: "recover.go",
		old:    "if a.read.stagedErr != nil {",
		new:    "if a.row.Fence < 0 {",
		broken: "an attempt counts as lost although its version is there",
	},
	{
		name: "late version not found", file: "attempt.go",
		old:    "if r.State == store.Uncertain && a.turnedUp() {",
		new:    "if r.State == store.Uncertain && r.Fence < 0 {",
		broken: "a version that turns up late is not used",
	},
}
