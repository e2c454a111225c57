// Command bench measures what a cold start, a refresh and an idle tick of the
// deployed functions cost, against the smallest possible function and against the
// program that most people would write.
//
//	go run ./internal/bench [-rounds 25] [-latency 20ms] [-json]
//
// The programs run as Lambda would run them, against an AWS and a provider in this
// process, over TLS. Absolute times are this machine's; the ratios, the counts and
// the sizes are what carries over.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"tokenrefresh/internal/bench/endpoint"
)

// deployed are the functions that are shipped. The first is the one measured.
var deployed = []string{"refresh-hesabe", "refresh-tconnect", "refresh-berbix"}

func main() {
	rounds := flag.Int("rounds", 25, "measured rounds")
	latency := flag.Duration("latency", 20*time.Millisecond, "time that each call takes in the warm refreshes")
	asJSON := flag.Bool("json", false, "print JSON")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *rounds, *latency, *asJSON); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // stop has nothing left to do
	}
}

func run(ctx context.Context, rounds int, latency time.Duration, asJSON bool) error {
	if rounds < 1 || latency <= 0 {
		return errors.New("-rounds and -latency must be positive")
	}
	dir, err := os.MkdirTemp("", "token-refresh-bench-*")
	if err != nil {
		return fmt.Errorf("make the working directory: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	m, err := measure(ctx, dir, rounds, latency)
	if err != nil {
		return err
	}
	if asJSON {
		return newReport(m).writeJSON(os.Stdout)
	}
	return newReport(m).writeText(os.Stdout)
}

// measurements are all that a run has found.
type measurements struct {
	rounds  int
	latency time.Duration

	bare, naive, own *program
	programs         []*program // the three, in order

	zips map[string]int64 // bytes by function
	cold map[*program]*coldSeries
	warm map[*program]*warmSeries
}

func measure(ctx context.Context, dir string, rounds int, latency time.Duration) (*measurements, error) {
	m := &measurements{rounds: rounds, latency: latency, zips: map[string]int64{}}
	progress("building")
	if err := m.weigh(ctx, dir); err != nil {
		return nil, err
	}
	if err := m.prepare(ctx, dir); err != nil {
		return nil, err
	}
	defer m.naive.world.close()
	defer m.own.world.close()
	progress("measuring cold starts")
	var err error
	if m.cold, err = measureCold(ctx, m.programs, rounds); err != nil {
		return nil, err
	}
	progress("measuring warm refreshes")
	m.warm, err = measureWarm(ctx, []*program{m.naive, m.own}, rounds, latency)
	return m, err
}

// weigh builds the deployed functions and notes the sizes of their packages.
func (m *measurements) weigh(ctx context.Context, dir string) error {
	for _, name := range deployed {
		binary, err := build(ctx, dir, "functions/"+name, "amd64")
		if err != nil {
			return err
		}
		if m.zips[name], err = zipped(binary); err != nil {
			return err
		}
	}
	return nil
}

// prepare builds the programs for this machine and gives each its world.
func (m *measurements) prepare(ctx context.Context, dir string) error {
	ca, err := endpoint.NewAuthority()
	if err != nil {
		return err
	}
	bundle := filepath.Join(dir, "roots.pem")
	if err := trust(bundle, ca); err != nil {
		return err
	}
	naive, err := newWorld(ctx, ca)
	if err != nil {
		return err
	}
	ours, err := newWorld(ctx, ca)
	if err != nil {
		return err
	}
	env, err := templateEnv("template.yaml", "RefreshHesabe")
	if err != nil {
		return err
	}
	maps.Copy(env, ours.env(bundle))
	m.bare = &program{name: "bare"}
	m.naive = &program{name: "naive", env: naive.env(bundle), world: naive, answer: `"refreshed":1`}
	m.own = &program{name: deployed[0], env: env, world: ours, event: `{"force":true}`, answer: `"refreshed":1`}
	m.programs = []*program{m.bare, m.naive, m.own}
	packages := map[*program]string{
		m.bare:  "internal/bench/programs/bare",
		m.naive: "internal/bench/programs/naive",
		m.own:   "functions/" + deployed[0],
	}
	for p, pkg := range packages {
		if p.binary, err = build(ctx, dir, pkg, ""); err != nil {
			return err
		}
	}
	return nil
}

func progress(what string) { fmt.Fprintln(os.Stderr, "bench: "+what+" …") }
