package function

import (
	"context"
	"log/slog"
)

// EnvironmentError lists all mistakes in a function's environment. The caller of the
// function sees its name as the error's type.
type EnvironmentError struct{ Mistakes error }

// Error implements error.
func (e EnvironmentError) Error() string {
	return "the environment of this function is wrong, nothing was done:\n" + e.Mistakes.Error()
}

// Unwrap returns the mistakes.
func (e EnvironmentError) Unwrap() error { return e.Mistakes }

// refuser answers each invocation of a function that cannot work. A process that ends
// instead tells its caller nothing, and Lambda starts it again each time.
type refuser struct {
	err error
	log *slog.Logger
}

// Invoke implements lambda.Handler.
func (r refuser) Invoke(ctx context.Context, _ []byte) ([]byte, error) {
	r.log.ErrorContext(ctx, "the environment is wrong", "error", r.err.Error())
	return nil, r.err
}
