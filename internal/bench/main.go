// Command bench measures two things of the deployed functions: what a cold start, a refresh
// and an idle tick cost, against the smallest possible function and against the program that
// most people would write; and how many rows a sweep refreshes, at what price.
//
//	go run ./internal/bench [-only refresh|sweep|many]
//	    [-rounds 25] [-latency 20ms]                               of the refreshes
//	    [-sweeps 3] [-rows 10000] [-provider 20ms] [-dynamodb 5ms] of the sweeps
//
// The programs run as Lambda would run them, against an AWS and a provider in this process,
// over TLS. Absolute times are this machine's; the ratios, the counts and the sizes carry over.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"time"
)

// plan is what the flags ask for.
type plan struct {
	only           string
	rounds         int
	latency        time.Duration // of each call in a warm refresh
	sweeps, rows   int
	provider, aws  time.Duration // what a call takes in a sweep
	temporaryFiles string
}

func main() {
	var p plan
	flag.StringVar(&p.only, "only", "", "measure refresh, sweep or many; empty: all")
	flag.IntVar(&p.rounds, "rounds", 25, "measured rounds of refreshes")
	flag.DurationVar(&p.latency, "latency", 20*time.Millisecond, "time that each call takes in the warm refreshes")
	flag.IntVar(&p.sweeps, "sweeps", 3, "measured rounds of sweeps")
	flag.IntVar(&p.rows, "rows", 10_000, "due rows of a sweep")
	flag.DurationVar(&p.provider, "provider", 20*time.Millisecond, "time that a provider call takes in a sweep")
	flag.DurationVar(&p.aws, "dynamodb", 5*time.Millisecond, "time that a call to AWS takes in a sweep")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := p.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // stop has nothing left to do
	}
}

func (p plan) run(ctx context.Context) (err error) {
	if p.rounds < 1 || p.latency <= 0 || p.sweeps < 1 || p.rows < few || p.provider <= 0 || p.aws <= 0 {
		return fmt.Errorf("-rounds, -sweeps and the latencies must be positive, and -rows at least %d", few)
	}
	if p.temporaryFiles, err = os.MkdirTemp("", "token-refresh-bench-*"); err != nil {
		return fmt.Errorf("make the working directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(p.temporaryFiles)) }()
	fmt.Printf("%s %s/%s, %d CPUs.\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	for _, part := range []struct {
		name    string
		measure func(context.Context, plan, io.Writer) error
	}{{"refresh", measureRefreshes}, {"sweep", measureSweeps}, {"many", measureMany}} {
		if p.only != "" && p.only != part.name {
			continue
		}
		if err := part.measure(ctx, p, os.Stdout); err != nil {
			return err
		}
	}
	return nil
}

func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, "bench: "+format+" …\n", args...) }
