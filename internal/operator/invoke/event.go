// Package invoke runs a provider's function once: its handler in this process, on the home
// that an operator names, or the function that is deployed.
package invoke

import (
	"encoding/json"

	"tokenrefresh/pkg/handler"
)

// Event is a request to a function. The zero value asks for a plain tick.
type Event struct {
	Account       string `json:"account,omitempty"`
	Force         bool   `json:"force,omitempty"`
	DryRun        bool   `json:"dry_run,omitempty"`
	TransactionID int64  `json:"transaction_id,omitempty"`
	// Rejected is the attempt whose access token the provider refuses, although it is published.
	Rejected string `json:"rejected,omitempty"`
}

func (e Event) payload() []byte {
	payload, err := json.Marshal(e)
	if err != nil {
		panic(err) // of strings, numbers and booleans there is none
	}
	return payload
}

// decode reads a function's answer.
func decode(answer []byte) (handler.Result, error) {
	var r handler.Result
	err := json.Unmarshal(answer, &r)
	return r, err
}
