package handler

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"tokenrefresh/pkg/brief"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/release"
)

// Result is what a function answers.
type Result struct {
	Provider    string                  `json:"provider"`
	Version     string                  `json:"version,omitempty"` // of the function's code
	RunID       string                  `json:"run_id"`
	Outcomes    map[outcome.Outcome]int `json:"outcomes"`
	Credentials []Credential            `json:"credentials"`
	// Warnings are the warnings of a run over transactions. Those of a credential are in
	// Credentials.
	Warnings []string `json:"warnings,omitempty"`
	// BatchItemFailures is set for SQS batches only. It is empty if all went well.
	BatchItemFailures *[]BatchItemFailure `json:"batchItemFailures,omitempty"`
}

func newResult(provider, runID string) Result {
	return Result{
		Provider: provider, Version: release.Version, RunID: runID, Outcomes: map[outcome.Outcome]int{}, Credentials: []Credential{},
	}
}

// count adds what a part of the run has counted.
func (r *Result) count(outcomes map[outcome.Outcome]int) {
	for what, n := range outcomes {
		r.Outcomes[what] += n
	}
}

// Credential is how the run ended for one credential.
type Credential struct {
	Account         string          `json:"account"`
	Outcome         outcome.Outcome `json:"outcome"`
	Source          string          `json:"source,omitempty"`
	AccessExpiresAt string          `json:"access_expires_at,omitempty"` // RFC 3339 UTC
	VersionID       string          `json:"version_id,omitempty"`
	Reason          string          `json:"reason,omitempty"` // of a dry run: why it came to the outcome
	Error           string          `json:"error,omitempty"`
	Warnings        []string        `json:"warnings,omitempty"`
}

// BatchItemFailure names an SQS message to deliver again.
type BatchItemFailure struct {
	ItemIdentifier string `json:"itemIdentifier"`
}

// NeedsPersonError is the function error of a run that panicked, could not read the ledger, did not
// record a transaction, or was for a named account that needs a person. The alarms on function
// errors depend on it.
type NeedsPersonError struct {
	Result Result
	Cause  error
}

// Error implements error: the first credentials at fault with what to do, and how many there
// are.
func (e *NeedsPersonError) Error() string {
	run := e.Result.Provider + ", run " + e.Result.RunID
	if len(e.Result.Credentials) > 1 {
		counts := strings.TrimSuffix(strings.TrimPrefix(fmt.Sprint(e.Result.Outcomes), "map["), "]")
		run += " (" + counts + ")"
	}
	return brief.Text(fmt.Sprintf("%s: %v", run, e.Cause), brief.MaxError)
}

// Unwrap gives the causes to errors.Is and errors.As.
func (e *NeedsPersonError) Unwrap() error { return e.Cause }

// EventError is the function error of an event that was refused: it lists all mistakes in it,
// and nothing was done. The caller of the function sees its name as the error's type.
type EventError struct{ Mistakes error }

// Error implements error.
func (e *EventError) Error() string { return e.Mistakes.Error() }

// Unwrap returns the mistakes.
func (e *EventError) Unwrap() error { return e.Mistakes }

// answer returns the payload of a result, and the function error, if there are causes.
func answer(r Result, causes []error) ([]byte, error) {
	if err := brief.Errors(causes...); err != nil {
		return nil, &NeedsPersonError{Result: r, Cause: err}
	}
	return json.Marshal(r)
}

// cause is a credential's part of a function error.
func (c Credential) cause() error { return fmt.Errorf("%s: %s: %s", c.Account, c.Outcome, c.Error) }

// level is the level of a line about an outcome: WARN if it passes by itself, ERROR if a person
// must act.
func level(what outcome.Outcome) slog.Level {
	switch {
	case what.NeedsPerson():
		return slog.LevelError
	case what.Passes():
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// stamp writes a time, and nothing for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
