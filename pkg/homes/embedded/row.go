package embedded

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// storedRow is how the file holds a store.Row, whose key is the key there.
type storedRow struct {
	Phase                store.Phase     `json:"phase,omitempty"`
	AttemptID            string          `json:"attempt_id,omitempty"`
	AttemptSource        store.Source    `json:"attempt_source,omitempty"`
	ClaimedBy            string          `json:"claimed_by,omitempty"`
	Fence                int64           `json:"fence,omitempty"`
	ClaimedUntil         time.Time       `json:"claimed_until,omitzero"`
	ClaimSeenAt          time.Time       `json:"claim_seen_at,omitzero"`
	BaseVersionID        string          `json:"base_version_id,omitempty"`
	Spent                []string        `json:"spent,omitempty"`
	Escrow               storedEscrow    `json:"escrow,omitzero"`
	ReplyID              string          `json:"reply_id,omitempty"`
	State                store.State     `json:"state,omitempty"`
	CredentialsVersionID string          `json:"credentials_version_id,omitempty"`
	SeenVersionID        string          `json:"seen_version_id,omitempty"`
	VersionID            string          `json:"version_id,omitempty"`
	PublishedVersionID   string          `json:"published_version_id,omitempty"`
	RefreshAt            time.Time       `json:"refresh_at,omitzero"`
	IssuedAt             time.Time       `json:"issued_at,omitzero"`
	SessionEnds          bool            `json:"session_ends,omitempty"`
	NotBefore            time.Time       `json:"not_before,omitzero"`
	RefreshFailures      int             `json:"refresh_failures,omitempty"`
	RefreshRefusals      int             `json:"refresh_refusals,omitempty"`
	LoginFailures        int             `json:"login_failures,omitempty"`
	LoginRefusals        int             `json:"login_refusals,omitempty"`
	LoginNotBefore       time.Time       `json:"login_not_before,omitzero"`
	Rejections           int             `json:"rejections,omitempty"`
	RejectedAt           time.Time       `json:"rejected_at,omitzero"`
	Unanswered           bool            `json:"unanswered,omitempty"`
	Host                 string          `json:"host,omitempty"`
	AccessExpiresAt      time.Time       `json:"access_expires_at,omitzero"`
	RefreshExpiresAt     time.Time       `json:"refresh_expires_at,omitzero"`
	LastSuccessAt        time.Time       `json:"last_success_at,omitzero"`
	LastOutcome          outcome.Outcome `json:"last_outcome,omitempty"`
	LastError            string          `json:"last_error,omitempty"`
	ConsecutiveFailures  int             `json:"consecutive_failures,omitempty"`
	StagedAt             []time.Time     `json:"staged_at,omitempty"`
	TickSeconds          int64           `json:"tick,omitempty"`
	Paused               bool            `json:"paused,omitempty"`
	Told                 string          `json:"told,omitempty"`
}

type storedEscrow struct {
	AttemptID string    `json:"attempt_id,omitempty"`
	Bytes     []byte    `json:"bytes,omitempty"` // a raw reply need not be UTF-8
	Raw       bool      `json:"raw,omitempty"`
	Sent      time.Time `json:"sent,omitzero"`
}

// milliseconds is a time as rows keep it, but for those of StagedAt.
func milliseconds(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

func allSeconds(times []time.Time) []time.Time {
	kept := make([]time.Time, len(times))
	for n, t := range times {
		kept[n] = seconds(t)
	}
	return kept
}

func encodeRow(r store.Row) ([]byte, error) {
	return json.Marshal(storedRow{
		Phase:         r.Phase,
		AttemptID:     r.AttemptID,
		AttemptSource: r.AttemptSource,
		ClaimedBy:     r.ClaimedBy,
		Fence:         r.Fence,
		ClaimedUntil:  milliseconds(r.ClaimedUntil),
		ClaimSeenAt:   milliseconds(r.ClaimSeenAt),
		BaseVersionID: r.BaseVersionID,
		Spent:         r.Spent,
		Escrow: storedEscrow{
			AttemptID: r.Escrow.AttemptID,
			Bytes:     []byte(r.Escrow.Bytes.Reveal()),
			Raw:       r.Escrow.Raw,
			Sent:      milliseconds(r.Escrow.Sent),
		},
		ReplyID:              r.ReplyID,
		State:                r.State,
		CredentialsVersionID: r.CredentialsVersionID,
		SeenVersionID:        r.SeenVersionID,
		VersionID:            r.VersionID,
		PublishedVersionID:   r.PublishedVersionID,
		RefreshAt:            milliseconds(r.RefreshAt),
		IssuedAt:             milliseconds(r.IssuedAt),
		SessionEnds:          r.SessionEnds,
		NotBefore:            milliseconds(r.NotBefore),
		RefreshFailures:      r.RefreshFailures,
		RefreshRefusals:      r.RefreshRefusals,
		LoginFailures:        r.LoginFailures,
		LoginRefusals:        r.LoginRefusals,
		LoginNotBefore:       milliseconds(r.LoginNotBefore),
		Rejections:           r.Rejections,
		RejectedAt:           milliseconds(r.RejectedAt),
		Unanswered:           r.Unanswered,
		Host:                 r.Host,
		AccessExpiresAt:      milliseconds(r.AccessExpiresAt),
		RefreshExpiresAt:     milliseconds(r.RefreshExpiresAt),
		LastSuccessAt:        milliseconds(r.LastSuccessAt),
		LastOutcome:          r.LastOutcome,
		LastError:            r.LastError,
		ConsecutiveFailures:  r.ConsecutiveFailures,
		StagedAt:             allSeconds(r.StagedAt),
		TickSeconds:          int64(r.Tick / time.Second),
		Paused:               r.Paused,
		Told:                 r.Told,
	})
}

func decodeRow(key store.Key, data []byte) (store.Row, error) {
	var s storedRow
	if err := json.Unmarshal(data, &s); err != nil {
		return store.Row{Key: key}, fmt.Errorf("ledger row %s cannot be read: %w", key, err)
	}
	return store.Row{
		Key:           key,
		Phase:         s.Phase,
		AttemptID:     s.AttemptID,
		AttemptSource: s.AttemptSource,
		ClaimedBy:     s.ClaimedBy,
		Fence:         s.Fence,
		ClaimedUntil:  s.ClaimedUntil,
		ClaimSeenAt:   s.ClaimSeenAt,
		BaseVersionID: s.BaseVersionID,
		Spent:         s.Spent,
		Escrow: store.Escrow{
			AttemptID: s.Escrow.AttemptID,
			Bytes:     secret.New(string(s.Escrow.Bytes)),
			Raw:       s.Escrow.Raw,
			Sent:      s.Escrow.Sent,
		},
		ReplyID:              s.ReplyID,
		State:                s.State,
		CredentialsVersionID: s.CredentialsVersionID,
		SeenVersionID:        s.SeenVersionID,
		VersionID:            s.VersionID,
		PublishedVersionID:   s.PublishedVersionID,
		RefreshAt:            s.RefreshAt,
		IssuedAt:             s.IssuedAt,
		SessionEnds:          s.SessionEnds,
		NotBefore:            s.NotBefore,
		RefreshFailures:      s.RefreshFailures,
		RefreshRefusals:      s.RefreshRefusals,
		LoginFailures:        s.LoginFailures,
		LoginRefusals:        s.LoginRefusals,
		LoginNotBefore:       s.LoginNotBefore,
		Rejections:           s.Rejections,
		RejectedAt:           s.RejectedAt,
		Unanswered:           s.Unanswered,
		Host:                 s.Host,
		AccessExpiresAt:      s.AccessExpiresAt,
		RefreshExpiresAt:     s.RefreshExpiresAt,
		LastSuccessAt:        s.LastSuccessAt,
		LastOutcome:          s.LastOutcome,
		LastError:            s.LastError,
		ConsecutiveFailures:  s.ConsecutiveFailures,
		StagedAt:             s.StagedAt,
		Tick:                 time.Duration(s.TickSeconds) * time.Second,
		Paused:               s.Paused,
		Told:                 s.Told,
	}, nil
}

// known are the fields of a row that this release reads and writes.
var known = func() map[string]bool {
	all := map[string]bool{}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[storedRow]()) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		all[name] = true
	}
	return all
}()

// withUnknown is a row as written, with the fields of the stored one that this release does not
// know: a later one wrote them, before it was rolled back or while it is deployed.
func withUnknown(stored, written []byte) ([]byte, error) {
	var before, after map[string]json.RawMessage
	if readable := json.Unmarshal(stored, &before) == nil; !readable { // there was none
		return written, nil
	}
	maps.DeleteFunc(before, func(name string, _ json.RawMessage) bool { return known[name] })
	if len(before) == 0 {
		return written, nil
	}
	if err := json.Unmarshal(written, &after); err != nil {
		return nil, err
	}
	maps.Copy(after, before)
	return json.Marshal(after)
}
