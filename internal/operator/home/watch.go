package home

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
)

// silence is how long an operator waits for AWS before a message names the call.
const silence = 5 * time.Second

// Watch sees the calls to AWS of one command: it reports a call that takes long, and remembers why
// calls fail, whatever happens to their errors. It is safe for concurrent use.
type Watch struct {
	// Say shows the operator a line, once, before its call returns. It may be called from any
	// goroutine; nil: no line.
	Say func(line string)
	// After is how long a call takes before that; zero: 5 s.
	After time.Duration

	mu    sync.Mutex
	told  bool
	cause *AccessError
}

// Trouble is why calls fail because of the caller's side; nil if the last call has succeeded, or
// has failed for another reason.
func (w *Watch) Trouble() *AccessError {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cause
}

// attach lets the watch see the calls of all clients made from cfg.
func (w *Watch) attach(cfg *aws.Config, o Options) {
	cfg.APIOptions = append(cfg.APIOptions, func(stack *middleware.Stack) error {
		var done bool // with last guarded by the watch
		var last error
		if err := stack.Initialize.Add(middleware.InitializeMiddlewareFunc("Watch", func(
			ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
		) (middleware.InitializeOutput, middleware.Metadata, error) {
			waiting := time.AfterFunc(w.after(), func() { w.waits(ctx, &done, &last) })
			defer waiting.Stop()
			out, metadata, err := next.HandleInitialize(ctx, in)
			w.mu.Lock()
			defer w.mu.Unlock()
			done, w.cause = true, TroubleOf(err, cfg.Region, o.Profile)
			return out, metadata, err
		}), middleware.After); err != nil {
			return err
		}
		return stack.Finalize.Add(middleware.FinalizeMiddlewareFunc("WatchAttempt", func( // within the retries
			ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
		) (middleware.FinalizeOutput, middleware.Metadata, error) {
			out, metadata, err := next.HandleFinalize(ctx, in)
			w.mu.Lock()
			defer w.mu.Unlock()
			last = err
			return out, metadata, err
		}), middleware.After)
	})
}

func (w *Watch) after() time.Duration { return cmp.Or(w.After, silence) }

// waits reports the call, unless it has ended. last is how its last attempt has ended.
func (w *Watch) waits(ctx context.Context, done *bool, last *error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if *done || w.told || w.Say == nil || ctx.Err() != nil {
		return
	}
	w.told = true
	line := fmt.Sprintf("waiting for AWS: %s in %s has not answered for %s",
		awsmiddleware.GetServiceID(ctx), awsmiddleware.GetRegion(ctx), w.after())
	if *last != nil {
		line += ": " + rootOf(*last).Error()
	}
	w.Say(line + "; Ctrl-C ends it")
}
