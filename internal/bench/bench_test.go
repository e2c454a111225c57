package main

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/fakeaws"
)

const ms = time.Millisecond

// about forgives what floating point rounds.
var about = cmpopts.EquateApprox(1e-6, 1e-6)

func call(op string, from, to int) fakeaws.Call {
	zero := time.Unix(0, 0)
	return fakeaws.Call{Op: op, Start: zero.Add(time.Duration(from) * ms), End: zero.Add(time.Duration(to) * ms)}
}

func TestRoundTrips(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		calls []fakeaws.Call
		want  []time.Duration
	}{
		"none":                    {nil, nil},
		"one after the other":     {[]fakeaws.Call{call("Query", 0, 20), call("GetItem", 20, 41)}, []time.Duration{20 * ms, 21 * ms}},
		"long beside two short":   {[]fakeaws.Call{call("Long", 0, 50), call("A", 1, 20), call("B", 21, 41)}, []time.Duration{50 * ms, 20 * ms}},
		"three together, and one": {[]fakeaws.Call{call("A", 0, 20), call("B", 1, 25), call("C", 2, 22), call("D", 30, 50)}, []time.Duration{24 * ms, 20 * ms}},
	} {
		assert.Check(t, is.DeepEqual(roundTrips(tt.calls), tt.want), name)
	}
}

func TestSeries(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]series{
		"–":                {},
		"3.00 (3.00–3.00)": {3},
		"3.00 (2.00–4.00)": {5, 1, 3, 2, 4},
		"2.50 (1.75–3.25)": {1, 2, 3, 4},
		"1.00 (1.00–1.00)": {1, 1, 1, 1, 1000},
	} {
		got := s.String()
		assert.Check(t, got == want, "%v: %s, want %s", []float64(s), got, want)
	}
	assert.Check(t, is.DeepEqual(series{2, 50}.over(series{1, 100}), series{2, 0.5}), "by round")
}

// sample has rows due, each written once: half of what eight workers could do in the time.
func sample(rows int, secrets float64) sweep {
	s := sweep{
		written: rows, whole: 40*ms + time.Duration(rows)*ms, units: fakeaws.Units{Reads: 5 + float64(rows), Writes: 17 + 3*float64(rows)},
		cpu: time.Duration(rows) * ms / 100,
	}
	for range int(secrets) {
		s.calls = append(s.calls, call("GetSecretValue", 0, 5))
	}
	s.calls = append(s.calls, call(rowsRead, 5, 10))
	for i := range rows {
		s.calls = append(s.calls, call(providerCall, 10+i, 30+i), call(rowWritten, 30+i, 35+i))
	}
	_, s.working = span(s.calls)
	return s
}

func TestSweepIsMeasured(t *testing.T) {
	t.Parallel()
	s := sample(970, 1)
	written, took := span(s.calls)
	assert.Check(t, written == 970 && took == 999*ms, "%d rows in %v, want 970 in 999ms", written, took)
	assert.Check(t, is.Equal(s.took(rowWritten), 5*ms), "a write")
	got, want := s.share(32, 20*ms, 5*ms), 970/0.999/(32/0.025)
	assert.Check(t, math.Abs(got-want) <= 1e-9, "%f of the ideal, want %f", got, want)
}

// What two sweeps of different size need is separated into rows and sweep.
func TestMeasured(t *testing.T) {
	t.Parallel()
	idle := sweep{units: fakeaws.Units{Reads: 5}, whole: 8 * ms}
	got := measuredOf(idle, sample(50, 1), []sweep{sample(970, 1)})
	want := measured{
		idle: usage{reads: 5, seconds: 0.008}, sweep: usage{reads: 5, writes: 17, secrets: 1, seconds: 0.011},
		row: usage{reads: 1, writes: 3, seconds: 0.305 / (970 / 0.999 * 0.025)},
	}
	assert.Check(t, is.DeepEqual(got, want, cmp.AllowUnexported(measured{}, usage{}), about))
	if got := rowSeconds(1, 0.01); math.Abs(got-0.01*1769/128) > 1e-9 {
		t.Errorf("a row that needs more processor than 128 MB has adds %f s", got)
	}
}

// Needs in round numbers, so that a bill can be told by hand.
func TestBill(t *testing.T) {
	t.Parallel()
	m := measured{
		idle: usage{reads: 5, seconds: 0.01}, sweep: usage{reads: 6, writes: 17, secrets: 1, seconds: 0.04},
		row: usage{reads: 1, writes: 3, seconds: 0.01},
	}
	minutes := interval(lifetime).Minutes()
	if minutes < 46 || minutes > 48 { // of an hour four fifths, spread over the last twentieth of them, and half a tick
		t.Fatalf("refreshed each %f minutes", minutes)
	}
	for open, want := range map[int]struct{ reads, writes, runs, seconds, secrets, sqs float64 }{
		0: {reads: 5 * ticks, runs: ticks, seconds: ticks * 0.01},
		// With many transactions every tick finds some due, and one run does them.
		50_000: {
			reads: 6*ticks + 50_000*ticks/minutes, writes: 17*ticks + 3*50_000*ticks/minutes, runs: ticks,
			seconds: ticks*0.04 + 50_000*ticks/minutes*0.01, secrets: ticks,
		},
		// A million are 21,000 at a tick: 2,000 for the sweep, and 77 messages of 250 for others.
		1_000_000: {
			reads: 6*(ticks+7.7*ticks) + 1e6*ticks/minutes, writes: 17*(ticks+7.7*ticks) + 3e6*ticks/minutes, runs: 8.7 * ticks,
			seconds: 8.7*ticks*0.04 + 1e6*ticks/minutes*0.01, secrets: 8.7 * ticks, sqs: 3*77*ticks + ticks,
		},
	} {
		refreshes, dollars := m.bill(open)
		assert.Check(t, is.DeepEqual(dollars, map[string]float64{
			"reads": want.reads * readPrice, "writes": want.writes * writePrice, "Lambda": want.runs*runPrice + want.seconds/8*gbSecondPrice,
			"other": want.secrets*secretsCallPrice + want.sqs*sqsPrice + want.runs*1e-6*logGBPrice,
		}, about), "%d open", open)
		assert.Check(t, math.Abs(refreshes-float64(open)*ticks/minutes) < 1)
	}
	var out strings.Builder
	assert.NilError(t, writeMonths(&out, m))
	assert.Check(t, is.Contains(out.String(), "913.3 million"))
}
