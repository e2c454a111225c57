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

// A reply that cannot be read as a whole may be the only copy of the next refresh token. It is
// kept as it came in a row of its own, store.ReplyKey, until a chain with a refresh token is
// current; the credential's row names its attempt.

// keepRaw keeps a reply that cannot be read as a whole, unless one that is kept already is
// worth more.
func (a *attempt) keepRaw(ctx context.Context, raw secret.String, sent time.Time) {
	if raw.IsZero() {
		return
	}
	if n := len(raw.Reveal()); n > providers.MaxRaw {
		a.warnings = append(a.warnings, fmt.Sprintf("the unreadable reply of %d bytes is too long to keep", n))
		return
	}
	err := a.inTime(ctx, func(ctx context.Context) error { return a.keepReplyRow(ctx, raw, sent) })
	if errors.Is(err, errKeptBefore) {
		return
	}
	if err == nil {
		a.v.Row = keepRaw(a.v.Row)
		err = a.inTime(ctx, func(ctx context.Context) error {
			return a.commit(ctx, edgeKeep, a.v.Row, condition{guard: a.v.held(), tries: claimTries})
		})
	}
	if err != nil {
		a.warnings = append(a.warnings, fmt.Sprintf("the unreadable reply could not be kept: %v", err))
	}
}

// inTime stores something within the budget, and once more if a frozen process has woken up with
// its budget over.
func (a *attempt) inTime(ctx context.Context, step func(context.Context) error) error {
	began := a.Now()
	persist, cancel := a.persistContext(ctx)
	defer cancel()
	err := step(persist)
	if err == nil || persist.Err() == nil || a.Now().Sub(began) < 2*a.StoreTimeout {
		return err
	}
	again, cancel := a.persistContext(ctx)
	defer cancel()
	return step(again)
}

// errKeptBefore says that what is kept already stands.
var errKeptBefore = errors.New("another reply is kept")

// keepReplyRow writes the row of the reply that was kept. It is nobody's but the claim's
// holder's; one that comes late finds the row changed, or leaves what no row names.
func (a *attempt) keepReplyRow(ctx context.Context, raw secret.String, sent time.Time) error {
	return a.retry(ctx, 0, func(ctx context.Context) error {
		v := Sources{Ledger: a.Ledger}.Gather(ctx, a.v, Needs{Reply: true})
		if err := v.reply.err; err != nil {
			return err
		}
		if before, kept := v.kept(); kept && v.keptFollows(before) &&
			(a.v.Row.AttemptSource == store.FromLogin && before.AttemptSource != store.FromLogin || !mayHoldTokens(raw)) {
			return errKeptBefore
		}
		guard := v.reply.row.Unchanged()
		guard.Absent = !v.reply.exists
		return write(ctx, a.Ledger, replyRow(a.v.Row, raw, sent), guard)
	})
}

// mayHoldTokens reports whether a reply may hold tokens: all but a JSON object that names none.
func mayHoldTokens(raw secret.String) bool {
	text := strings.TrimSpace(raw.Reveal())
	return !strings.HasPrefix(text, "{") || !json.Valid([]byte(text)) || strings.Contains(strings.ToLower(text), "token")
}

// forgetRaw wipes the reply that next does not name any more. Not guaranteed: it is done once,
// and what stays is not looked at again.
func (a *attempt) forgetRaw(ctx context.Context, before, next store.Row) {
	if before.ReplyID == "" || next.ReplyID != "" {
		return
	}
	v := Sources{Ledger: a.Ledger}.Gather(ctx, a.v, Needs{Reply: true})
	if v.reply.err == nil && v.reply.exists && v.reply.row.AttemptID == before.ReplyID {
		_ = write(ctx, a.Ledger, noReplyRow(v.reply.row), v.reply.row.Unchanged())
	}
}

// kept is the reply that was kept unread, as a row of its own; false if there is none, or if it
// was not read. Releases before kept it in the escrow.
func (v View) kept() (store.Row, bool) {
	if e := v.Row.Escrow; e.Raw && e.AttemptID != "" {
		source := store.FromRefresh
		if e.AttemptID == v.Row.AttemptID {
			source = v.Row.AttemptSource
		}
		return store.Row{AttemptID: e.AttemptID, AttemptSource: source, BaseVersionID: v.Row.BaseVersionID, Escrow: e}, true
	}
	r := v.reply.row
	named := r.AttemptID == v.Row.ReplyID || v.Taken && r.AttemptID == v.Row.AttemptID // its holder died before it named it
	return r, v.reply.exists && r.Escrow.AttemptID != "" && named
}

// keepsReply reports whether the row tells of a reply that was kept unread.
func keepsReply(r store.Row) bool { return r.ReplyID != "" || r.Escrow.Raw }

// keptFollows reports whether nobody has put another version into tokens since the reply that
// is kept: what it replaces is current, or what could be read of it.
func (v View) keptFollows(kept store.Row) bool {
	return v.Tokens.ID == kept.BaseVersionID || v.Tokens.ID == kept.AttemptID
}

// decoded is the chain of the reply that was kept unread; false if there is none, or if it
// cannot be read now either.
func (v View) decoded() (chain, bool) {
	kept, ok := v.kept()
	if !ok || v.session == nil {
		return chain{}, false
	}
	tokens, err := v.session.Decode(kept.Escrow.Bytes, kept.Escrow.Sent)
	if err != nil || !tokens.Raw.IsZero() {
		return chain{}, false
	}
	id := kept.AttemptID
	if partly := v.Tokens.ID == id || v.Row.AttemptID == wholeID(id); partly {
		id = wholeID(id)
	}
	return newChain(tokens, v.chain, kept.AttemptSource, id, v.Row.Fence), true
}

// wholeID is the id of the version that holds all of a reply of which a part is a version
// already. It is the same for every process.
func wholeID(attemptID string) string { return attemptID + "-2" }
