package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"text/tabwriter"
	"time"

	"tokenrefresh/pkg/pace"
)

// List prices of us-east-1 without free tiers in dollars, noted in November 2026. Look current ones
// up before you rely on them.
const (
	readPrice        = 0.125 / 1e6   // a request unit of DynamoDB: aws.amazon.com/dynamodb/pricing/on-demand
	writePrice       = 0.625 / 1e6   // the same
	runPrice         = 0.20 / 1e6    // aws.amazon.com/lambda/pricing
	gbSecondPrice    = 0.0000133334  // of arm64, the same
	secretsCallPrice = 0.05 / 10_000 // aws.amazon.com/secrets-manager/pricing
	secretPrice      = 0.40          // a month, the same
	sqsPrice         = 0.40 / 1e6    // a request to a standard queue: aws.amazon.com/sqs/pricing
	logGBPrice       = 0.50          // taken in: aws.amazon.com/cloudwatch/pricing
	metricPrice      = 0.30          // a month, the same
	alarmPrice       = 0.10          // a month, the same
)

const (
	month = 30 * 24 * time.Hour
	// ticks of a schedule of one minute.
	tick  = time.Minute
	ticks = float64(month / tick)

	// What a sweep keeps for itself, how many rows a message to other runs names, and how
	// many messages one of those gets at once.
	kept       = 2000
	perMessage = 250
	perRun     = 10
	// messageRequests is for sending, receiving and deleting a message on its own; in
	// batches it is less.
	messageRequests = 3

	// logLine is what a run writes, in gigabytes.
	logLine = 1e-6

	// Assumed of a provider and a deployment: how long a call takes, and the memory.
	assumedProvider = 300 * time.Millisecond
	assumedWrite    = 5 * time.Millisecond
	memoryMB        = 128
	// cpuMB is the memory at which Lambda gives a function one processor; less memory, less
	// of it.
	cpuMB = 1769
)

// usage is what something needs of the services, and of a function's time.
type usage struct{ reads, writes, secrets, seconds float64 }

// plus adds n times b.
func (a usage) plus(b usage, n float64) usage {
	return usage{a.reads + n*b.reads, a.writes + n*b.writes, a.secrets + n*b.secrets, a.seconds + n*b.seconds}
}

// measured is what the costs are computed from.
type measured struct {
	idle  usage // a tick with nothing due
	sweep usage // a sweep without its rows
	row   usage // each row of it
}

// measuredOf separates what belongs to a row from what belongs to the sweep, by two sweeps of
// different size.
func measuredOf(idle, small sweep, rounds []sweep) measured {
	big := rounds[0]
	row := big.usage().plus(small.usage(), -1)
	row = usage{}.plus(row, 1/float64(big.written-small.written))
	share := each(rounds, func(s sweep) float64 { return s.share(usual, s.took(providerCall), s.took(rowWritten)) }).median()
	cpu := each(rounds, func(s sweep) float64 { return s.cpu.Seconds() / float64(s.written) }).median()
	row.seconds = rowSeconds(share, cpu)
	without := small.usage().plus(row, -float64(small.written))
	without.seconds = (small.whole - small.working).Seconds()
	return measured{idle: idle.usage(), sweep: without, row: row}
}

func (s sweep) usage() usage {
	secrets := 0.0
	for _, c := range s.calls {
		if c.Op == "GetSecretValue" {
			secrets++
		}
	}
	return usage{s.units.Reads, s.units.Writes, secrets, s.whole.Seconds()}
}

// rowSeconds is what a row adds to the time of a sweep: what the workers wait, or what the
// processor needs if that is more.
func rowSeconds(share, cpu float64) float64 {
	waiting := (assumedProvider + assumedWrite).Seconds() / usual / share
	return max(waiting, cpu*cpuMB/memoryMB)
}

// bill is what a month with that many transactions costs, all of them open throughout, by service.
func (m measured) bill(transactions int) (refreshes float64, dollars map[string]float64) {
	refreshes = float64(transactions) * float64(month) / float64(interval(lifetime))
	due := refreshes / ticks
	// Transactions fall due independently of each other, so a tick finds none with this
	// probability.
	idle := ticks * math.Exp(-due)
	sweeps := ticks - idle
	messages := sweeps * math.Ceil(max(0, due-kept)/perMessage)
	runs := math.Ceil(messages / perRun) // of messages
	requests := 0.0
	if messages > 0 {
		requests = messages*messageRequests + sweeps // which ask how many are waiting
	}
	u := usage{}.plus(m.idle, idle).plus(m.sweep, sweeps+runs).plus(m.row, refreshes)
	return refreshes, map[string]float64{
		"writes": u.writes * writePrice,
		"reads":  u.reads * readPrice,
		"Lambda": (ticks+runs)*runPrice + u.seconds*memoryMB/1024*gbSecondPrice,
		"other":  u.secrets*secretsCallPrice + requests*sqsPrice + (ticks+runs)*logLine*logGBPrice,
	}
}

// interval is the mean time between two refreshes of a transaction: when it is due, and half
// a tick until it is found.
func interval(lifetime time.Duration) time.Duration {
	const names = 10_000
	var sum time.Duration
	for i := range names {
		sum += pace.Refresh(strconv.Itoa(i), lifetime)
	}
	return sum/names + tick/2
}

func writeMonths(out io.Writer, m measured) error {
	fmt.Fprintf(out, "\nA month of open transactions whose tokens live %v: each is refreshed every %v. A refresh takes %.2f\n"+
		"read and %.2f write units, a sweep %.1f and %.1f more. Provider calls of %v are assumed, with which a row\n"+
		"adds %.1f ms to a sweep of %d workers.\n\n", lifetime, interval(lifetime).Round(time.Second), m.row.reads, m.row.writes,
		m.sweep.reads, m.sweep.writes, assumedProvider, m.row.seconds*1000, usual)
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "open transactions\trefreshes\twrites\treads\tLambda\tother\tsum")
	for _, open := range []int{1000, 100_000, 1_000_000} {
		refreshes, d := m.bill(open)
		fmt.Fprintf(table, "%d\t%.1f million\t$%.2f\t$%.2f\t$%.2f\t$%.2f\t$%.2f\n", open, refreshes/1e6,
			d["writes"], d["reads"], d["Lambda"], d["other"], d["writes"]+d["reads"]+d["Lambda"]+d["other"])
	}
	return table.Flush()
}
