package announce

import "time"

// Acted is the type of events about what a person has done.
const Acted Type = "Operator Acted"

// Act is what a person has done to an account. It holds no token, key or password.
type Act struct {
	At       time.Time `json:"at"`
	By       string    `json:"by"`                // who: on AWS the caller's ARN, on a machine the user
	Act      string    `json:"act"`               // the verb, such as "pause" or "seed credentials"
	Provider string    `json:"provider"`          // empty: several
	Account  string    `json:"account,omitempty"` // empty: several
	Details  string    `json:"details,omitempty"` // what of it, for people
	Tool     string    `json:"tool"`              // the release of tokenctl
}
