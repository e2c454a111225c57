package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenrefresh/internal/bench/cost"
	"tokenrefresh/internal/bench/transactions"
)

const ms = time.Millisecond

func TestIdeal(t *testing.T) {
	t.Parallel()
	for workers, want := range map[int]float64{8: 320, 32: 1280, 128: 5120} {
		if got := ideal(workers, 20*ms, 5*ms); got != want {
			t.Errorf("%d workers: %g rows a second, want %g", workers, got, want)
		}
	}
}

func TestForeign(t *testing.T) {
	t.Parallel()
	if got := foreign(3*time.Second, 4*time.Second, time.Second); got != 0 {
		t.Errorf("less than our own: %g, want 0", got)
	}
	if got := foreign(3*time.Second, time.Second, time.Hour); got <= 0 || got >= 1 {
		t.Errorf("two seconds of an hour: %g, want a small share", got)
	}
}

func TestTemplateTimeout(t *testing.T) {
	t.Parallel()
	got, err := templateTimeout("../../template.yaml")
	if err != nil || got < 10*time.Second {
		t.Errorf("%v, error %v", got, err)
	}
	if _, err := templateTimeout("nowhere.yaml"); err == nil {
		t.Error("no error for a template that is not there")
	}
}

// sample is two rounds with each crew: a second of work in which the workers did half of
// what they could, and then all of it.
func sample() *sweeps {
	s := &sweeps{
		plan:   sweepPlan{rounds: 2, rows: 10_000, provider: 20 * ms, aws: 5 * ms},
		series: map[int][]sweep{},
		idle:   sweep{whole: 8 * ms, units: transactions.Units{Reads: 5}, calls: map[string]int{"Query due": 8}},
		small: sweep{
			written: 50, whole: 90 * ms, working: 50 * ms, secretsCalls: 1, units: transactions.Units{Reads: 55, Writes: 167},
		},
		crowd: sweep{peakRSS: 32 << 20},
	}
	for _, workers := range crews {
		full := workers * 40
		for _, written := range []int{full / 2, full} {
			s.series[workers] = append(s.series[workers], sweep{
				workers: workers, written: written, working: time.Second, provider: 20 * ms, update: 5 * ms,
				calls: map[string]int{transactions.UpdateItem: written}, secretsCalls: 1,
				connections: sweepConnections{Provider: workers, DynamoDB: workers + workers/4},
				units:       transactions.Units{Reads: 5 + float64(written), Writes: 17 + 3*float64(written)},
				peakRSS:     20 << 20, cpu: time.Duration(written) * ms / 2,
			})
		}
	}
	return s
}

func TestEfficiencyIsByRound(t *testing.T) {
	t.Parallel()
	s := sample()
	s.series[8][1].provider = 35 * ms // took longer than it should have: so much less was possible
	nominal, measured := s.efficiency(8)
	if diff := cmp.Diff([]float64{0.5, 1}, nominal); diff != "" {
		t.Errorf("of the ideal (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]float64{0.5, 1.6}, measured); diff != "" {
		t.Errorf("of the measured ideal (-want +got):\n%s", diff)
	}
}

// What two sweeps of different size need is told apart into rows and sweep.
func TestMeasured(t *testing.T) {
	t.Parallel()
	got := sample().measured()
	want := cost.Measured{
		Idle: cost.Usage{Reads: 5}, Sweep: cost.Usage{Reads: 5, Writes: 17, SecretsCalls: 1}, Row: cost.Usage{Reads: 1, Writes: 3},
		IdleTime: 8 * ms, SweepTime: 40 * ms, Workers: 32, Efficiency: 0.75, CPU: ms / 2,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSweepReport(t *testing.T) {
	t.Parallel()
	r := newSweepReport(sample())
	met := map[string]bool{}
	for _, target := range r.Targets {
		met[target.Name] = target.Met
	}
	want := map[string]bool{
		"rate of 8 workers, of the ideal": false, "rate of 32 workers, of the ideal": false, "rate of 128 workers, of the ideal": true,
		"connections of 8 workers, a worker and host": false, "connections of 32 workers, a worker and host": false,
		"connections of 128 workers, a worker and host": false,
		"writes to DynamoDB a row":                      true, "peak memory of 32 workers, MiB": true,
	}
	if diff := cmp.Diff(want, met); diff != "" {
		t.Errorf("targets met (-want +got):\n%s", diff)
	}
	var out bytes.Buffer
	if err := r.writeText(&out); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"MISSED", "0.75 (0.62–0.88)", "Query due 8", "1000000", "Secrets Manager"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("no %q in\n%s", part, out.String())
		}
	}
}
