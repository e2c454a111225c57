// Samlocal runs the functions as a person does who follows docs/invoking.md: the SAM CLI, AWS's
// runtime emulator and a container engine, an emulated AWS and `tokenctl sandbox`. Every
// event file of every function must answer as internal/samples says. It runs in the
// project's folder after `make sam-local` has built what it needs, and leaves nothing
// running, however it ends.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// limit is far more than a run takes.
const limit = 15 * time.Minute

// interrupted is the exit code of an interrupt, as shells have it.
const interrupted = 130

// inside is the argument of the process that has namespaces of its own.
const inside = "inside"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := run(ctx, os.Args[1:])
	switch {
	case errors.Is(err, errNoEngine) && os.Getenv("CI") != "true":
		fmt.Println("Skipped:", err)
	case err != nil && errors.Is(ctx.Err(), context.Canceled):
		fmt.Fprintln(os.Stderr, "sam-local: interrupted")
		os.Exit(interrupted)
	case err != nil:
		fmt.Fprintln(os.Stderr, "sam-local:", err)
		os.Exit(1)
	}
}

// errNoEngine is in the error of a machine without a container engine.
var errNoEngine = errors.New("there is no container engine")

func run(ctx context.Context, args []string) error {
	if len(args) == 2 && args[0] == inside {
		return runInside(ctx, args[1])
	}
	gateway, err := findEngine(ctx)
	if err == nil {
		return play(ctx, reachableFrom(gateway))
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if reason := cannotBring(); reason != "" {
		return fmt.Errorf("%w: start Docker or Finch, or name an engine in DOCKER_HOST; "+
			"as root on Debian this brings its own, but %s (%w)", errNoEngine, reason, err)
	}
	fmt.Println("No container engine answers: using Debian's packages, in namespaces of their own.")
	return bring(ctx)
}
