package refresh_test

import (
	"slices"
	"strings"

	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/store"
)

// of is the restored row; false: there is none, or it is the same as the current one.
func (b backup) of(w *rt.World) (store.Row, bool) {
	past := w.Ledger.Past(rt.Default)
	if len(past) == 0 {
		return store.Row{}, false
	}
	old := past[0]
	if b == lastClaim {
		for _, r := range past[:len(past)-1] {
			if r.Phase == store.Sending {
				old = r
			}
		}
	}
	return old, old.Fence < row(w).Fence
}

// hidesBackup reports whether a person's new version of tokens hides the only one that shows that
// the row is older than the secrets.
func (h *history) hidesBackup() bool {
	backup := h.restored.Load()
	if backup == nil {
		return false
	}
	now := row(h.world)
	now.Fence = backup.Fence
	return !accessTells(h.world, now)
}

// deed does something from outside. Deeds happen one after the other: each first looks at the
// results of those before.
func (r *running) deed(c choice) {
	r.deeds.Lock()
	defer r.deeds.Unlock()
	switch c.what { //nolint:exhaustive // the others come from within
	case seeds:
		if !r.hidesBackup() {
			r.world.Seed(rt.Default)
		}
	case loses:
		if chain(r.world).AttemptID != "" { // a seed's token may be sent, whatever the row said about it
			r.world.Ledger.Delete(rt.Default)
		}
	case restores:
		if backup, ok := c.old.of(r.world); ok && tells(r.world, backup) {
			r.restored.Store(&backup)
			r.world.Ledger.Restore(backup)
		}
	case rollsBack:
		r.rollBack()
	}
}

// rollBack makes the previous version of tokens current. Together with a lost or restored row that
// is too much, unless access still shows it: see docs/protocol.md, section "What can still go
// wrong".
func (h *history) rollBack() {
	was := h.world.Secrets.History(rt.Default, store.TokensDoc)
	if len(was) < 2 {
		return
	}
	id := was[len(was)-2]
	if rowLost(h.world) {
		if h.restored.Load() == nil || strings.HasPrefix(id, rt.PersonIDs) || h.hidesBackup() {
			return
		}
	}
	h.world.Secrets.RollBack(rt.Default, store.TokensDoc, id)
}

// tells reports whether the secrets show that a row is older. If they don't, tokens that were
// presented since are sent again; see "A row restored from a backup" in docs/protocol.md, section
// "What can still go wrong".
func tells(w *rt.World, old store.Row) bool {
	tokens, id := read(w, store.TokensDoc)
	return tokens.Fence > old.Fence && id != old.VersionID && id != old.Escrow.AttemptID || accessTells(w, old)
}

func accessTells(w *rt.World, old store.Row) bool {
	access, id := read(w, store.AccessDoc)
	known := []string{old.PublishedVersionID, old.VersionID, old.AttemptID, old.Escrow.AttemptID}
	return old.PublishedVersionID != "" && access.Fence > old.Fence && !slices.Contains(known, id)
}
