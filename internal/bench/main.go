// Command bench measures two things of the deployed functions: what a cold start, a
// refresh and an idle tick cost, against the smallest possible function and against the
// program that most people would write; and how many rows a sweep gets done, at what
// price.
//
//	go run ./internal/bench [-only refresh|sweep] [-json]
//	    [-rounds 25] [-latency 20ms]                                           of the refreshes
//	    [-sweeps 3] [-tries 1] [-rows 10000] [-provider 20ms] [-dynamodb 5ms]  of the sweeps
//
// The programs run as Lambda would run them, against an AWS and a provider in this
// process, over TLS. Absolute times are this machine's; the ratios, the counts and
// the sizes are what carries over.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"time"

	"tokenrefresh/internal/bench/endpoint"
)

// deployed are the functions that are shipped. The first is the one measured.
var deployed = []string{"refresh-hesabe", "refresh-tconnect", "refresh-berbix"}

// options are the command's flags.
type options struct {
	only    string
	asJSON  bool
	rounds  int
	latency time.Duration
	sweeps  sweepPlan
}

func main() {
	var o options
	flag.StringVar(&o.only, "only", "", "measure refresh or sweep; empty: both")
	flag.BoolVar(&o.asJSON, "json", false, "print JSON")
	flag.IntVar(&o.rounds, "rounds", 25, "measured rounds of refreshes")
	flag.DurationVar(&o.latency, "latency", 20*time.Millisecond, "time that each call takes in the warm refreshes")
	flag.IntVar(&o.sweeps.rounds, "sweeps", 3, "measured rounds of sweeps")
	flag.IntVar(&o.sweeps.tries, "tries", 1, "how often a round is tried while others take more than a twentieth of the machine")
	flag.IntVar(&o.sweeps.rows, "rows", 10_000, "due rows of a sweep")
	flag.DurationVar(&o.sweeps.provider, "provider", 20*time.Millisecond, "time that a provider call takes in a sweep")
	flag.DurationVar(&o.sweeps.aws, "dynamodb", 5*time.Millisecond, "time that a call to AWS takes in a sweep")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // stop has nothing left to do
	}
}

// outcome is all that is printed.
type outcome struct {
	Machine string       `json:"machine"`
	Refresh *report      `json:"refresh,omitempty"`
	Sweep   *sweepReport `json:"sweep,omitempty"`
}

func run(ctx context.Context, o options) error {
	if o.rounds < 1 || o.latency <= 0 {
		return errors.New("-rounds and -latency must be positive")
	}
	dir, err := os.MkdirTemp("", "token-refresh-bench-*")
	if err != nil {
		return fmt.Errorf("make the working directory: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	out := outcome{
		Machine: fmt.Sprintf("%s %s/%s, %d CPUs", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU()),
	}
	if o.only != "sweep" {
		m, err := measure(ctx, dir, o.rounds, o.latency)
		if err != nil {
			return err
		}
		r := newReport(m)
		out.Refresh = &r
	}
	if o.only != "refresh" {
		s, err := measureSweeps(ctx, dir, o.sweeps)
		if err != nil {
			return err
		}
		r := newSweepReport(s)
		out.Sweep = &r
	}
	return out.write(o.asJSON)
}

func (o outcome) write(asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(o)
	}
	fmt.Println(o.Machine + ".")
	var refresh, sweep error
	if o.Refresh != nil {
		fmt.Println()
		refresh = o.Refresh.writeText(os.Stdout)
	}
	if o.Sweep != nil {
		fmt.Println()
		sweep = o.Sweep.writeText(os.Stdout)
	}
	return errors.Join(refresh, sweep)
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
