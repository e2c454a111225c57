// Package loop repeats jobs, as schedules do on AWS.
package loop

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
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
	var busy watch
	var jobs, beat sync.WaitGroup
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	if l.Beat != nil {
		beat.Go(func() { l.beat(working, &busy) })
	}
	for _, job := range l.Jobs {
		jobs.Go(func() {
			for ctx.Err() == nil {
				busy.begin(job.Name)
				l.do(working, job)
				busy.end(job.Name)
				pace.Sleep(ctx, l.Every-time.Since(began)%l.Every)
			}
		})
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
func (l *Loop) beat(ctx context.Context, busy *watch) {
	for {
		if name, since := busy.longest(); name != "" && time.Since(since) > hung {
			l.Log.ErrorContext(ctx, "a job hangs", "job", name, "since", since)
		} else {
			l.Beat()
		}
		if !pace.Sleep(ctx, l.BeatEvery) {
			return
		}
	}
}

// watch knows since when jobs are under way. It is safe for concurrent use.
type watch struct {
	mu    sync.Mutex
	since map[string]time.Time
}

func (w *watch) begin(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.since == nil {
		w.since = map[string]time.Time{}
	}
	w.since[name] = time.Now()
}

func (w *watch) end(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.since, name)
}

// longest is the job that has been under way for the longest; empty: none is.
func (w *watch) longest() (name string, since time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for n, s := range w.since {
		if name == "" || s.Before(since) {
			name, since = n, s
		}
	}
	return name, since
}
