// Package loop repeats jobs, as schedules do on AWS.
package loop

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"tokenrefresh/pkg/pace"
)

// hung is how long a job may take before the loop no longer counts as alive: far beyond
// the minute after which a run ends by itself.
const hung = 5 * time.Minute

// Job is the work of each tick.
type Job struct {
	Name string
	Do   func(ctx context.Context)
}

// Loop does every job at its start and then at each tick. Jobs don't wait for each other.
type Loop struct {
	Every time.Duration
	Jobs  []Job
	Log   *slog.Logger

	// Beat is called every BeatEvery as long as no job hangs; nil: no call.
	Beat      func()
	BeatEvery time.Duration
}

// Run returns when ctx has ended and the jobs under way are done: the context of a job outlives
// ctx. A job that is still busy with an earlier tick skips the next. A job that panics is done
// again at the next tick.
func (l *Loop) Run(ctx context.Context) {
	began := time.Now()
	since := make([]atomic.Pointer[time.Time], len(l.Jobs)) // when each began that is under way
	var jobs, beat sync.WaitGroup
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	for i, job := range l.Jobs {
		jobs.Go(func() {
			for ctx.Err() == nil {
				since[i].Store(new(time.Now()))
				l.do(working, job)
				since[i].Store(nil)
				pace.Sleep(ctx, l.Every-time.Since(began)%l.Every)
			}
		})
	}
	if l.Beat != nil {
		beat.Go(func() { l.beat(working, since) })
	}
	jobs.Wait()
	stop()
	beat.Wait()
}

// do does a job once and contains its panic, whose value may hold anything; its type and
// the stack may be shown.
func (l *Loop) do(ctx context.Context, job Job) {
	defer func() {
		if p := recover(); p != nil {
			l.Log.ErrorContext(ctx, "panic", "job", job.Name, "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
		}
	}()
	job.Do(ctx)
}

// beat calls Beat until ctx ends.
func (l *Loop) beat(ctx context.Context, since []atomic.Pointer[time.Time]) {
	for going := true; going; going = pace.Sleep(ctx, l.BeatEvery) {
		hangs := false
		for i, job := range l.Jobs {
			if at := since[i].Load(); at != nil && time.Since(*at) > hung {
				hangs = true
				l.Log.ErrorContext(ctx, "a job hangs", "job", job.Name, "since", *at)
			}
		}
		if !hangs {
			l.Beat()
		}
	}
}
