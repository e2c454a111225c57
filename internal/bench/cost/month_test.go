package cost_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tokenrefresh/internal/bench/cost"
)

// Prices and needs in round numbers, so that a bill can be told by hand.
var (
	prices = cost.Prices{
		DynamoDBRead: 1, DynamoDBWrite: 10, LambdaRequest: 2, LambdaGBSecond: 4, SecretsCall: 3, SQSRequest: 5, LogGB: 1e6,
	}
	measured = cost.Measured{
		Idle:     cost.Usage{Reads: 5},
		Sweep:    cost.Usage{Reads: 6, Writes: 17, SecretsCalls: 1},
		Row:      cost.Usage{Reads: 1, Writes: 3},
		IdleTime: 10 * time.Millisecond, SweepTime: 40 * time.Millisecond, Workers: 32, Efficiency: 1,
		CPU: time.Nanosecond,
	}
	assumed = cost.Assumed{Lifetime: time.Hour, Provider: 315 * time.Millisecond, Write: 5 * time.Millisecond, MemoryMB: 1024}
)

const ticks = 30 * 24 * 60

func quantities(m cost.Month) map[string]float64 {
	out := map[string]float64{}
	for _, item := range m.Items {
		out[item.Name] = item.Quantity
	}
	return out
}

var about = cmpopts.EquateApprox(1e-6, 1e-6)

func TestOfNothing(t *testing.T) {
	t.Parallel()
	m := cost.Of(0, measured, assumed, prices)
	want := map[string]float64{
		"DynamoDB reads": 5 * ticks, "DynamoDB writes": 0, "Lambda requests": ticks, "Lambda time": ticks * 0.01,
		"Secrets Manager": 0, "SQS": 0, "logs": ticks * 1e-6,
	}
	if diff := cmp.Diff(want, quantities(m), about); diff != "" {
		t.Errorf("quantities (-want +got):\n%s", diff)
	}
	if want := ticks * (5.0 + 2 + 0.04 + 1); math.Abs(m.Dollars-want) > 1e-6*want {
		t.Errorf("$%f, want $%f", m.Dollars, want)
	}
}

// With many transactions every tick finds some due, and one run does them.
func TestOfWhatOneRunDoes(t *testing.T) {
	t.Parallel()
	m := cost.Of(50_000, measured, assumed, prices)
	refreshes := 50_000 * 30 * 24 * 60 / cost.Interval(time.Hour).Minutes()
	if math.Abs(m.Refreshes-refreshes) > 1 {
		t.Fatalf("%f refreshes, want %f", m.Refreshes, refreshes)
	}
	want := map[string]float64{
		"DynamoDB reads": 6*ticks + refreshes, "DynamoDB writes": 17*ticks + 3*refreshes, "Lambda requests": ticks,
		"Lambda time": ticks*0.04 + refreshes*0.01, "Secrets Manager": ticks, "SQS": 0, "logs": ticks * 1e-6,
	}
	if diff := cmp.Diff(want, quantities(m), about); diff != "" {
		t.Errorf("quantities (-want +got):\n%s", diff)
	}
}

// A million are 21,000 at a tick: 2,000 for the sweep, and 77 messages of 250 for others.
func TestOfWhatIsHandedOver(t *testing.T) {
	t.Parallel()
	got := quantities(cost.Of(1_000_000, measured, assumed, prices))
	due := 1_000_000 / cost.Interval(time.Hour).Minutes()
	messages := math.Ceil((due-2000)/250) * ticks
	if messages != 77*ticks {
		t.Fatalf("%f messages a tick", messages/ticks)
	}
	if want := 3*messages + ticks; got["SQS"] != want {
		t.Errorf("%f requests to SQS, want %f", got["SQS"], want)
	}
	if want := ticks + messages/10; got["Lambda requests"] != want {
		t.Errorf("%f invocations, want %f", got["Lambda requests"], want)
	}
}

func TestIntervalIsWhenARowIsDueAndHalfATick(t *testing.T) {
	t.Parallel()
	// Of an hour four fifths, spread over the last twentieth of them.
	if got := cost.Interval(time.Hour); got < 46*time.Minute || got > 48*time.Minute {
		t.Errorf("%v, want about 47m18s", got)
	}
}

func TestRowTime(t *testing.T) {
	t.Parallel()
	slow := measured
	slow.CPU, slow.Efficiency = time.Millisecond, 0.5
	for name, tt := range map[string]struct {
		measured cost.Measured
		memory   int
		want     time.Duration
	}{
		"workers wait":                  {measured, 128, 10 * time.Millisecond},
		"workers wait half for nothing": {slow, 1769, 20 * time.Millisecond},
		"a small part of a processor":   {slow, 1769 / 29, 29 * time.Millisecond},
		"as much memory as a processor": {slow, 1769, 20 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := assumed
			a.MemoryMB = tt.memory
			if got := cost.RowTime(tt.measured, a); got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}
