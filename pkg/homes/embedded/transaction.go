package embedded

import (
	"encoding/json"
	"fmt"
	"time"

	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// storedTransaction is a store.Transaction as the file holds it. Its id is the key there.
type storedTransaction struct {
	Account         string       `json:"account"`
	RefreshToken    string       `json:"refresh_token"`
	AccessToken     string       `json:"access_token,omitempty"`
	ClientToken     string       `json:"client_token,omitempty"`
	AccessExpiresAt time.Time    `json:"access_expires_at,omitzero"`
	CustomerUID     string       `json:"customer_uid,omitempty"`
	Status          store.Status `json:"status"`
	RecordedAt      time.Time    `json:"recorded_at,omitzero"`
	RefreshAt       time.Time    `json:"refresh_at,omitzero"`
	ExpiresAt       time.Time    `json:"expires_at,omitzero"`
	Failures        int          `json:"failures,omitempty"`
	Refusals        int          `json:"refusals,omitempty"`
	RefusedAt       time.Time    `json:"refused_at,omitzero"`
}

// seconds is a time as transactions keep it.
func seconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// normal is a transaction as it is kept.
func normal(t store.Transaction) store.Transaction {
	t.AccessExpiresAt, t.RecordedAt = seconds(t.AccessExpiresAt), seconds(t.RecordedAt)
	t.RefreshAt, t.ExpiresAt, t.RefusedAt = seconds(t.RefreshAt), seconds(t.ExpiresAt), seconds(t.RefusedAt)
	if t.Status != store.StatusActive {
		t.RefreshAt = time.Time{}
	}
	return t
}

func encodeTransaction(t store.Transaction) ([]byte, error) {
	return json.Marshal(storedTransaction{
		Account:         t.Account,
		RefreshToken:    t.RefreshToken.Reveal(),
		AccessToken:     t.AccessToken.Reveal(),
		ClientToken:     t.ClientToken.Reveal(),
		AccessExpiresAt: t.AccessExpiresAt,
		CustomerUID:     t.CustomerUID,
		Status:          t.Status,
		RecordedAt:      t.RecordedAt,
		RefreshAt:       t.RefreshAt,
		ExpiresAt:       t.ExpiresAt,
		Failures:        t.Failures,
		Refusals:        t.Refusals,
		RefusedAt:       t.RefusedAt,
	})
}

func decodeTransaction(id int64, data []byte) (store.Transaction, error) {
	var s storedTransaction
	if err := json.Unmarshal(data, &s); err != nil {
		return store.Transaction{}, fmt.Errorf("transaction %d cannot be read: %w", id, err)
	}
	return store.Transaction{
		ID:              id,
		Account:         s.Account,
		RefreshToken:    secret.New(s.RefreshToken),
		AccessToken:     secret.New(s.AccessToken),
		ClientToken:     secret.New(s.ClientToken),
		AccessExpiresAt: s.AccessExpiresAt,
		CustomerUID:     s.CustomerUID,
		Status:          s.Status,
		RecordedAt:      s.RecordedAt,
		RefreshAt:       s.RefreshAt,
		ExpiresAt:       s.ExpiresAt,
		Failures:        s.Failures,
		Refusals:        s.Refusals,
		RefusedAt:       s.RefusedAt,
	}, nil
}
