package awshome

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// milliseconds is the layout of the ledger's times: they sort as text.
const milliseconds = "2006-01-02T15:04:05.000Z"

// rowAttributes are all that Write writes: every attribute but the key, paused and told. One of
// older releases, staged_at, is removed.
var rowAttributes = []string{
	"phase", "attempt_id", "attempt_source", "claimed_by", "fence", "claimed_until", "base_version_id", "spent", "escrow",
	"claim_seen_at", "issued_at", "session_ends", "reply_id", "state", "credentials_version_id", "seen_version_id", "version_id",
	"published_version_id", "refresh_at", "not_before",
	"refresh_failures", "refresh_refusals", "login_failures", "login_refusals", "login_not_before", "unanswered", "rejections",
	"rejected_at", "presented_at", "fate", "host",
	"access_expires_at", "refresh_expires_at", "last_success_at", "last_outcome", "last_error",
	"consecutive_failures", "staged", "staged_at", "spent_short", "tick",
}

func rowKey(key store.Key) item {
	return item{"provider": text(key.Provider), "account": text(key.Account)}
}

// encodeRow returns the attributes of rowAttributes that have a value. The fence
// always has one, because guards compare it.
func encodeRow(row store.Row) item {
	i := item{"fence": number(row.Fence)}
	i.putText("phase", string(row.Phase))
	i.putText("attempt_id", row.AttemptID)
	i.putText("attempt_source", string(row.AttemptSource))
	i.putText("claimed_by", row.ClaimedBy)
	i.putTime("claimed_until", milliseconds, row.ClaimedUntil)
	i.putTime("claim_seen_at", milliseconds, row.ClaimSeenAt)
	i.putText("base_version_id", row.BaseVersionID)
	packed, whole := store.PackSpent(row.Spent)
	i.putText("spent_short", packed)
	if len(whole) > 0 {
		spent := make([]types.AttributeValue, len(whole))
		for n, fingerprint := range whole {
			spent[n] = text(fingerprint)
		}
		i["spent"] = &types.AttributeValueMemberL{Value: spent}
	}
	if row.Escrow.AttemptID != "" {
		i["escrow"] = &types.AttributeValueMemberM{Value: encodeEscrow(row.Escrow)}
	}
	i.putText("reply_id", row.ReplyID)
	i.putText("state", string(row.State))
	i.putText("credentials_version_id", row.CredentialsVersionID)
	i.putText("seen_version_id", row.SeenVersionID)
	i.putText("version_id", row.VersionID)
	i.putText("published_version_id", row.PublishedVersionID)
	i.putTime("refresh_at", milliseconds, row.RefreshAt)
	i.putTime("issued_at", milliseconds, row.IssuedAt)
	i.putFlag("session_ends", row.SessionEnds)
	i.putTime("not_before", milliseconds, row.NotBefore)
	i.putNumber("refresh_failures", int64(row.RefreshFailures))
	i.putNumber("refresh_refusals", int64(row.RefreshRefusals))
	i.putNumber("login_failures", int64(row.LoginFailures))
	i.putNumber("login_refusals", int64(row.LoginRefusals))
	i.putTime("login_not_before", milliseconds, row.LoginNotBefore)
	i.putNumber("rejections", int64(row.Rejections))
	i.putTime("rejected_at", milliseconds, row.RejectedAt)
	i.putTime("presented_at", milliseconds, row.PresentedAt)
	i.putText("fate", string(row.Fate))
	i.putFlag("unanswered", row.Unanswered)
	i.putText("host", row.Host)
	i.putTime("access_expires_at", milliseconds, row.AccessExpiresAt)
	i.putTime("refresh_expires_at", milliseconds, row.RefreshExpiresAt)
	i.putTime("last_success_at", milliseconds, row.LastSuccessAt)
	i.putText("last_outcome", string(row.LastOutcome))
	i.putText("last_error", row.LastError)
	i.putNumber("consecutive_failures", int64(row.ConsecutiveFailures))
	i.putText("staged", string(row.Staged))
	i.putNumber("tick", int64(row.Tick/time.Second))
	return i
}

func encodeEscrow(escrow store.Escrow) item {
	i := item{"raw": &types.AttributeValueMemberBOOL{Value: escrow.Raw}}
	i.putText("attempt_id", escrow.AttemptID)
	// Bytes, not a string: a reply that can't be read may be anything but UTF-8.
	i["bytes"] = &types.AttributeValueMemberB{Value: []byte(escrow.Bytes.Reveal())}
	i.putTime("sent", milliseconds, escrow.Sent)
	return i
}

func decodeRow(table string, stored item) (store.Row, error) {
	r := reader{item: stored}
	row := store.Row{
		Key:                  store.Key{Provider: r.text("provider"), Account: r.text("account")},
		Phase:                store.Phase(r.text("phase")),
		AttemptID:            r.text("attempt_id"),
		AttemptSource:        store.Source(r.text("attempt_source")),
		ClaimedBy:            r.text("claimed_by"),
		Fence:                r.number("fence"),
		ClaimedUntil:         r.time("claimed_until"),
		ClaimSeenAt:          r.time("claim_seen_at"),
		BaseVersionID:        r.text("base_version_id"),
		Spent:                store.UnpackSpent(r.text("spent_short"), r.texts("spent")),
		ReplyID:              r.text("reply_id"),
		State:                store.State(r.text("state")),
		CredentialsVersionID: r.text("credentials_version_id"),
		SeenVersionID:        r.text("seen_version_id"),
		VersionID:            r.text("version_id"),
		PublishedVersionID:   r.text("published_version_id"),
		RefreshAt:            r.time("refresh_at"),
		IssuedAt:             r.time("issued_at"),
		SessionEnds:          r.flag("session_ends"),
		NotBefore:            r.time("not_before"),
		RefreshFailures:      int(r.number("refresh_failures")),
		RefreshRefusals:      int(r.number("refresh_refusals")),
		LoginFailures:        int(r.number("login_failures")),
		LoginRefusals:        int(r.number("login_refusals")),
		LoginNotBefore:       r.time("login_not_before"),
		Rejections:           int(r.number("rejections")),
		RejectedAt:           r.time("rejected_at"),
		PresentedAt:          r.time("presented_at"),
		Fate:                 store.Fate(r.text("fate")),
		Unanswered:           r.flag("unanswered"),
		Host:                 r.text("host"),
		AccessExpiresAt:      r.time("access_expires_at"),
		RefreshExpiresAt:     r.time("refresh_expires_at"),
		LastSuccessAt:        r.time("last_success_at"),
		LastOutcome:          outcome.Outcome(r.text("last_outcome")),
		LastError:            r.text("last_error"),
		ConsecutiveFailures:  int(r.number("consecutive_failures")),
		Staged:               r.tally("staged"),
		Tick:                 time.Duration(r.number("tick")) * time.Second,
		Paused:               r.flag("paused"),
		Told:                 r.text("told"),
	}
	// Older releases kept the times one by one. One of them has added these.
	row.Staged = row.Staged.Add(r.moments("staged_at")...)
	r.within("escrow", func(r *reader) {
		row.Escrow = store.Escrow{
			AttemptID: r.text("attempt_id"), Bytes: secret.New(string(r.bytes("bytes"))), Raw: r.flag("raw"), Sent: r.time("sent"),
		}
	})
	if len(r.mistakes) > 0 {
		return row, r.err(table, row.String())
	}
	return row, nil
}
