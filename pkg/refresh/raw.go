package refresh

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// A raw reply is one that cannot be read as a whole. It may be the only copy of the next refresh
// token: it is kept, as it came, in a row of its own (store.ReplyKey) until a chain with a refresh
// token is current. The credential's row names the attempt that got it.

// keepRaw keeps a raw reply, unless the one kept before is more valuable.
func (a *visit) keepRaw(ctx context.Context, raw secret.String, sent time.Time) {
	if raw.IsZero() {
		return
	}
	if n := len(raw.Reveal()); n > providers.MaxRaw {
		a.warnings = append(a.warnings, fmt.Sprintf("the unreadable reply of %d bytes is too long to keep", n))
		return
	}
	err := a.inTime(ctx, func(ctx context.Context) error { return a.storeRaw(ctx, raw, sent) })
	if errors.Is(err, errKeptBefore) {
		return
	}
	if err == nil {
		a.v.Row = nameRaw(a.v.Row)
		err = a.inTime(ctx, func(ctx context.Context) error {
			return a.commit(ctx, edgeKeep, a.v.Row, condition{guard: a.v.held(), tries: claimTries})
		})
	}
	if err != nil {
		a.warnings = append(a.warnings, fmt.Sprintf("the unreadable reply could not be kept: %v", err))
	}
}

// inTime runs a write within the budget. A process that was frozen meanwhile gets the budget again.
func (a *visit) inTime(ctx context.Context, step func(context.Context) error) error {
	began := a.Now()
	persist, cancel := a.persistContext(ctx)
	defer cancel()
	err := step(persist)
	if err == nil || persist.Err() == nil || a.Now().Sub(began) < a.StoreTimeout+fenceAge {
		return err
	}
	again, cancel := a.persistContext(ctx)
	defer cancel()
	return step(again)
}

// errKeptBefore: the reply that was kept before stays.
var errKeptBefore = errors.New("another reply is kept")

// storeRaw writes the row of the raw reply. Only the claim's holder does. A holder that comes late
// finds the row changed, or leaves a reply that no row names.
func (a *visit) storeRaw(ctx context.Context, raw secret.String, sent time.Time) error {
	return a.retry(ctx, 0, func(ctx context.Context) error {
		v := a.v
		if v.raw = a.readRaw(ctx); v.raw.err != nil {
			return v.raw.err
		}
		if before, exists := v.rawReply(); exists && v.rawFollows(before) &&
			(a.v.Row.AttemptSource == store.FromLogin && before.AttemptSource != store.FromLogin || !mayHoldTokens(raw)) {
			return errKeptBefore
		}
		guard := v.raw.row.Unchanged()
		guard.Absent = !v.raw.exists
		return write(ctx, a.Ledger, rawRow(a.v.Row, raw, sent), guard)
	})
}

// mayHoldTokens reports whether a reply may hold tokens: any text except a JSON object that names
// none.
func mayHoldTokens(raw secret.String) bool {
	text := strings.TrimSpace(raw.Reveal())
	return !strings.HasPrefix(text, "{") || !json.Valid([]byte(text)) || strings.Contains(strings.ToLower(text), "token")
}

// wipeRaw wipes the raw reply that next no longer names. It is tried once; a reply that remains is
// ignored.
func (a *visit) wipeRaw(ctx context.Context, before, next store.Row) {
	if before.ReplyID == "" || next.ReplyID != "" {
		return
	}
	if raw := a.readRaw(ctx); raw.err == nil && raw.exists && raw.row.AttemptID == before.ReplyID {
		_ = write(ctx, a.Ledger, wipedRawRow(raw.row), raw.row.Unchanged())
	}
}

// rawReply is the row of the raw reply that the row names; false if there is none, or if it was not
// read. Older releases kept it in the escrow.
func (v View) rawReply() (store.Row, bool) {
	if e := v.Row.Escrow; e.Raw && e.AttemptID != "" {
		source := store.FromRefresh
		if e.AttemptID == v.Row.AttemptID {
			source = v.Row.AttemptSource
		}
		return store.Row{AttemptID: e.AttemptID, AttemptSource: source, BaseVersionID: v.Row.BaseVersionID, Escrow: e}, true
	}
	r := v.raw.row
	named := r.AttemptID == v.Row.ReplyID || v.TakenOver && r.AttemptID == v.Row.AttemptID // the holder died before the row named it
	return r, v.raw.exists && r.Escrow.AttemptID != "" && named
}

// hasRawReply reports whether the row names a raw reply.
func hasRawReply(r store.Row) bool { return r.ReplyID != "" || r.Escrow.Raw }

// rawFollows reports whether nobody has put another version into tokens since a raw reply came: the
// current version is the one that it replaces, or the readable part of it.
func (v View) rawFollows(raw store.Row) bool {
	return v.Tokens.ID == raw.BaseVersionID || v.Tokens.ID == raw.AttemptID
}

// decoded is the chain of the raw reply; false if there is none, or if it still cannot be read.
func (v View) decoded() (chain, bool) {
	raw, ok := v.rawReply()
	if !ok || v.session == nil {
		return chain{}, false
	}
	tokens, err := v.session.Decode(raw.Escrow.Bytes, raw.Escrow.Sent)
	if err != nil || !tokens.Raw.IsZero() {
		return chain{}, false
	}
	id := raw.AttemptID
	if partly := v.Tokens.ID == id || v.Row.AttemptID == wholeID(id); partly {
		id = wholeID(id)
	}
	return newChain(tokens, v.chain, raw.AttemptSource, id, v.Row.Fence), true
}

// wholeID is the version id of a complete reply whose readable part is a version already. It is the
// same for every process.
func wholeID(attemptID string) string { return attemptID + "-2" }
