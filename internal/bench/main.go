// Command bench measures what docs/speed.md, docs/costs.md and docs/many-accounts.md tell of the
// deployed functions: what a refresh costs, beside the smallest possible function and the program
// that most people would write; how many rows a sweep refreshes, at what price; and what a run does
// with thousands of accounts.
//
//	go run ./internal/bench [-only refresh|sweep|many]
//
// The programs run as Lambda would run them, against an AWS and a provider in this process,
// over TLS. Times are those of this machine; ratios, counts and sizes carry over.
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
	"runtime/debug"

	"tokenrefresh/internal/fakeaws"
	"tokenrefresh/internal/sandbox"
)

func main() {
	only := flag.String("only", "", "measure refresh, sweep or many; empty: all")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // stop has nothing left to do
	}
}

func run(ctx context.Context, only string) error {
	dir, err := os.MkdirTemp("", "token-refresh-bench-*")
	if err != nil {
		return fmt.Errorf("make the working directory: %w", err)
	}
	// The services allocate little, and what they collect is missing to the function.
	debug.SetGCPercent(400)
	fmt.Printf("%s %s/%s, %d CPUs.\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	for _, part := range []struct {
		name    string
		measure func(ctx context.Context, dir string, out io.Writer) error
	}{{"refresh", measureRefreshes}, {"sweep", measureSweeps}, {"many", measureMany}} {
		if err == nil && (only == "" || only == part.name) {
			err = part.measure(ctx, dir, os.Stdout)
		}
	}
	return errors.Join(err, os.RemoveAll(dir))
}

func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, "bench: "+format+" …\n", args...) }

// newWorld makes a world for one program alone. The template is that of the working directory.
func newWorld(dir, function string, provider sandbox.Provider) (*fakeaws.World, error) {
	w, err := fakeaws.NewWorld(".", dir, function, provider)
	if err != nil {
		return nil, fmt.Errorf("make an AWS by template.yaml (run in the root of the project): %w", err)
	}
	return w, nil
}
