package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// Record is a transaction to keep fresh, or its new status.
type Record struct {
	TransactionID int64
	RefreshToken  secret.String // needed if the transaction is active
	CustomerUID   string        // empty: as stored
	Account       string        // empty: as stored; of a new one, the only account or "default"
	Status        store.Status  // Active, Completed or Deleted; empty: Active
	RecordedAt    time.Time     // the later record wins; zero: now
	ExpiresAt     time.Time     // zero: after Engine.KeepFor from now
}

// Recorded is the result of a Record.
type Recorded struct {
	TransactionID int64
	// Outcome is Recorded; Superseded if a later record stands; Misconfigured if trying again
	// cannot help, Transient if it may.
	Outcome outcome.Outcome
	Err     error // why, and what to do; safe to print
}

// Validate lists all mistakes of a record, by field.
func (r Record) Validate() error {
	var errs []error
	if r.TransactionID <= 0 {
		errs = append(errs, errors.New("transaction_id must be above 0"))
	}
	switch r.Status {
	case store.StatusActive, "":
		if r.RefreshToken.Blank() {
			errs = append(errs, errors.New("refresh_token is missing"))
		}
	case store.StatusCompleted, store.StatusDeleted:
	default: // Dead too: only a provider's answer means that
		errs = append(errs, fmt.Errorf("status must be %s, %s or %s", store.StatusActive, store.StatusCompleted, store.StatusDeleted))
	}
	if strings.ContainsAny(r.Account, "/#") {
		errs = append(errs, errors.New("account must not contain / or #"))
	}
	return errors.Join(errs...)
}

// Record stores transactions, each by itself; those of one id in their order. A new one is due at
// once. A completed or deleted one is no longer refreshed: its refresh token is dropped, so that a
// refresh under way cannot restore it, and so is the access token of a deleted one.
func (e *Engine) Record(ctx context.Context, records []Record) []Recorded {
	ctx, cancel := pace.Bounded(ctx, e.RunTimeout)
	defer cancel()
	results := make([]Recorded, len(records))
	byID := map[int64][]int{}
	for i, r := range records {
		byID[r.TransactionID] = append(byID[r.TransactionID], i)
	}
	places := slices.Collect(maps.Values(byID))
	pace.Each(len(places), e.Workers, func(one int) {
		for _, i := range places[one] {
			results[i] = e.record(ctx, records[i])
		}
	})
	return results
}

// record stores one and contains its panic.
func (e *Engine) record(ctx context.Context, r Record) (result Recorded) {
	defer func() {
		if p := recover(); p != nil {
			e.Log.ErrorContext(ctx, "panic",
				"transaction_id", r.TransactionID, "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			result = Recorded{TransactionID: r.TransactionID, Outcome: outcome.Transient, Err: outcome.ErrPanic}
		}
	}()
	recorded, err := e.put(ctx, r)
	result = Recorded{TransactionID: r.TransactionID, Outcome: outcome.Recorded}
	switch {
	case err != nil:
		result.Outcome = outcomeOf(err)
		result.Err = fmt.Errorf("record transaction %d: %w", r.TransactionID, err)
	case !recorded:
		result.Outcome = outcome.Superseded
	}
	return result
}

// errInvalid is in the errors of records that must be corrected.
var errInvalid = errors.New("the record is refused")

func (e *Engine) put(ctx context.Context, r Record) (recorded bool, err error) {
	now := e.Now()
	if err := r.Validate(); err != nil {
		return false, fmt.Errorf("%w: %w", errInvalid, err)
	}
	r.Status = cmp.Or(r.Status, store.StatusActive)
	if r.Status == store.StatusActive && !r.ExpiresAt.IsZero() && !now.Before(r.ExpiresAt) {
		return false, fmt.Errorf("%w: ttl is in the past; it is in seconds since 1970", errInvalid)
	}
	stored, _, err := e.Transactions.Get(ctx, r.TransactionID)
	if err != nil {
		return false, err
	}
	t := e.transaction(r, stored, now)
	if t.Account != stored.Account {
		if err := e.makeKnown(ctx, t.Account); err != nil {
			return false, err
		}
	}
	return e.Transactions.Put(ctx, t, now)
}

// transaction is the row of a record. It keeps the stored fields that the record doesn't have. It
// also keeps an access token that is still good, with the time of its refresh: messages come twice,
// a file of a million records may be recorded again, and that must cost neither readers nor the
// provider anything.
func (e *Engine) transaction(r Record, stored store.Transaction, now time.Time) store.Transaction {
	t := store.Transaction{
		ID:          r.TransactionID,
		Account:     cmp.Or(r.Account, stored.Account, e.defaultAccount()),
		CustomerUID: cmp.Or(r.CustomerUID, stored.CustomerUID),
		Status:      r.Status,
		RecordedAt:  r.RecordedAt,
		ExpiresAt:   r.ExpiresAt,
	}
	if t.RecordedAt.IsZero() {
		t.RecordedAt = now
	}
	if t.ExpiresAt.IsZero() {
		t.ExpiresAt = now.Add(e.KeepFor)
	}
	if t.Status == store.StatusActive {
		t.RefreshToken = r.RefreshToken
		t.RefreshAt = now
	}
	if t.Status == store.StatusCompleted || t.Status == store.StatusActive && r.RefreshToken == stored.RefreshToken {
		t.AccessToken, t.ClientToken, t.AccessExpiresAt = stored.AccessToken, stored.ClientToken, stored.AccessExpiresAt
	}
	fresh := t.Account == stored.Account && stored.Failures == 0 && t.AccessExpiresAt.After(now) && stored.RefreshAt.After(now)
	if t.Status == store.StatusActive && fresh {
		t.RefreshAt = stored.RefreshAt
	}
	return t
}

// defaultAccount is the account of new transactions that name none.
func (e *Engine) defaultAccount() string {
	if len(e.Accounts) == 1 {
		return e.Accounts[0]
	}
	return "default"
}

// makeKnown lets sweeps know an account: by configuration, or by its row in the ledger.
func (e *Engine) makeKnown(ctx context.Context, account string) error {
	if slices.Contains(e.Accounts, account) {
		return nil
	}
	row := store.Row{Key: store.Key{Provider: e.Provider.Name(), Account: account}, Phase: store.Idle}
	err := e.Ledger.Write(ctx, row, store.Guard{Absent: true})
	if _, known := errors.AsType[*store.LostError](err); err != nil && !known {
		return fmt.Errorf("write account %s into the ledger: %w", account, err)
	}
	return nil
}
