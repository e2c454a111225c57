package main

import (
	"bytes"
	"context"
	"fmt"
	"syscall"
	"time"

	"tokenrefresh/internal/bench/transactions"
	"tokenrefresh/internal/runtimeapi"
)

// sweep is what one invocation of a new process did.
type sweep struct {
	workers int
	written int           // rows
	working time.Duration // from the first read of a row to the last write of one
	whole   time.Duration // the invocation
	// provider and update are how long the fakes held a call, on average.
	provider, update time.Duration
	calls            map[string]int // to DynamoDB, by what they count as
	secretsCalls     int
	connections      sweepConnections
	units            transactions.Units
	peakRSS          int64
	cpu, fakeCPU     time.Duration // of the function's process, and of this one meanwhile
	foreign          float64       // share of the machine that others took
}

// rate is rows a second.
func (s sweep) rate() float64 { return float64(s.written) / s.working.Seconds() }

// ideal is the rate of workers that do nothing but wait, for a provider call and a write
// a row.
func ideal(workers int, provider, write time.Duration) float64 {
	return float64(workers) / (provider + write).Seconds()
}

// run starts the function, lets it work on all that is due, and ends it. What it says of
// itself must be what the services have seen.
func (st *stage) run(ctx context.Context, total, due, workers int) (s sweep, err error) {
	scene, err := st.scene(ctx, total, due, workers)
	if err != nil {
		return sweep{}, err
	}
	defer func() {
		if broken := scene.close(); err == nil {
			err = broken
		}
	}()
	f, err := runtimeapi.Start(ctx, runtimeapi.Options{Binary: st.binary, Env: scene.env, Timeout: st.timeout})
	if err != nil {
		return sweep{}, err
	}
	defer f.Close()
	began, own, all := time.Now(), ownCPU(), busy()
	r, err := f.Invoke(ctx, []byte("{}"))
	elapsed, fakeCPU, busy := time.Since(began), ownCPU()-own, busy()-all
	switch {
	case err != nil:
		return sweep{}, err
	case r.FunctionError != nil:
		return sweep{}, fmt.Errorf("the sweep failed: %w\n%s", r.FunctionError, f.Logs())
	}
	f.Close()
	s = scene.seen()
	s.whole, s.fakeCPU = r.Duration, fakeCPU
	s.peakRSS, s.cpu = f.Process().PeakRSS, f.Process().CPU
	s.foreign = foreign(busy, s.cpu+s.fakeCPU, elapsed)
	tally := scene.rows.Tally()
	s.written = tally.Written
	said := fmt.Sprintf(`"refreshed":%d`, tally.Written)
	if due == 0 {
		said = `"not_due":1`
	}
	if tally.Odd > 0 || !bytes.Contains(r.Payload, []byte(said)) {
		return s, fmt.Errorf("the sweep answered %s; %d rows were written, %d not as they should\n%s",
			r.Payload, tally.Written, tally.Odd, f.Logs())
	}
	return s, nil
}

// ownCPU is the processor time of this process so far.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
