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
	store.Transaction

	// These replace the transaction's, which mask themselves.
	RefreshToken string `json:"refresh_token"`
	AccessToken  string `json:"access_token,omitempty"`
	ClientToken  string `json:"client_token,omitempty"`
}

// seconds is a time as transactions keep it.
func seconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// normal is a transaction with the precision of the file.
func normal(t store.Transaction) store.Transaction {
	for _, at := range times(&t) {
		*at = seconds(*at)
	}
	if t.Status != store.StatusActive {
		t.RefreshAt = time.Time{}
	}
	return t
}

func encodeTransaction(t store.Transaction) ([]byte, error) {
	//nolint:gosec // the file is where the tokens are kept
	return json.Marshal(storedTransaction{t, t.RefreshToken.Reveal(), t.AccessToken.Reveal(), t.ClientToken.Reveal()})
}

func decodeTransaction(id int64, data []byte) (store.Transaction, error) {
	var s storedTransaction
	err := json.Unmarshal(data, &s)
	if err == nil {
		err = keepable(&s.Transaction)
	}
	if err != nil {
		return store.Transaction{}, fmt.Errorf("transaction %d cannot be read: %w", id, err)
	}
	t := s.Transaction
	t.ID, t.RefreshToken = id, secret.New(s.RefreshToken)
	t.AccessToken, t.ClientToken = secret.New(s.AccessToken), secret.New(s.ClientToken)
	return t, nil
}
