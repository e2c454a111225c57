package cost

import (
	"math"
	"strconv"
	"time"

	"tokenrefresh/pkg/pace"
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
)

// Usage is what something needs of DynamoDB and Secrets Manager.
type Usage struct {
	Reads, Writes float64 // request units
	SecretsCalls  float64
}

// Measured is what the sizes of a month are computed from.
type Measured struct {
	Idle  Usage // a tick with nothing due
	Sweep Usage // a sweep beside its rows
	Row   Usage // each row of it

	IdleTime   time.Duration // of a tick with nothing due
	SweepTime  time.Duration // of a sweep beside its rows
	Workers    int
	Efficiency float64       // of the workers, compared with the ideal
	CPU        time.Duration // of the function, for a row
}

// Assumed is what nobody can measure here.
type Assumed struct {
	Lifetime        time.Duration // of access tokens
	Provider, Write time.Duration // how long a call takes
	MemoryMB        int           // of the function
}

// Item is one line of a month.
type Item struct {
	Name     string  `json:"name"`
	Quantity float64 `json:"quantity"`
	Unit     string  `json:"unit"`
	Dollars  float64 `json:"dollars"`
}

// Month is the bill for that many open transactions.
type Month struct {
	Transactions int     `json:"transactions"`
	Refreshes    float64 `json:"refreshes"`
	Items        []Item  `json:"items"`
	Dollars      float64 `json:"dollars"`
}

// Of computes a month of that many transactions, all of them open throughout.
func Of(transactions int, m Measured, a Assumed, p Prices) Month {
	refreshes := float64(transactions) * float64(month) / float64(Interval(a.Lifetime))
	due := refreshes / ticks
	// Transactions fall due independently of each other, so a tick finds none with this
	// probability.
	idle := ticks * math.Exp(-due)
	sweeps := ticks - idle
	messages := sweeps * math.Ceil(max(0, due-kept)/perMessage)
	runs := math.Ceil(messages / perRun) // of messages

	reads := idle*m.Idle.Reads + (sweeps+runs)*m.Sweep.Reads + refreshes*m.Row.Reads
	writes := idle*m.Idle.Writes + (sweeps+runs)*m.Sweep.Writes + refreshes*m.Row.Writes
	secrets := idle*m.Idle.SecretsCalls + (sweeps+runs)*m.Sweep.SecretsCalls + refreshes*m.Row.SecretsCalls
	seconds := idle*m.IdleTime.Seconds() + (sweeps+runs)*m.SweepTime.Seconds() + refreshes*RowTime(m, a).Seconds()
	requests := 0.0
	if messages > 0 {
		requests = messages*messageRequests + sweeps // which ask how many are waiting
	}
	out := Month{Transactions: transactions, Refreshes: refreshes}
	for _, item := range []Item{
		{"DynamoDB writes", writes, "units", writes * p.DynamoDBWrite},
		{"DynamoDB reads", reads, "units", reads * p.DynamoDBRead},
		{"Lambda requests", ticks + runs, "requests", (ticks + runs) * p.LambdaRequest},
		{"Lambda time", seconds * gigabytes(a.MemoryMB), "GB-s", seconds * gigabytes(a.MemoryMB) * p.LambdaGBSecond},
		{"Secrets Manager", secrets, "calls", secrets * p.SecretsCall},
		{"SQS", requests, "requests", requests * p.SQSRequest},
		{"logs", (ticks + runs) * logLine, "GB", (ticks + runs) * logLine * p.LogGB},
	} {
		out.Items = append(out.Items, item)
		out.Dollars += item.Dollars
	}
	return out
}

// Interval is the mean time between two refreshes of a transaction: when it is due, and
// half a tick until it is found.
func Interval(lifetime time.Duration) time.Duration {
	const names = 10_000
	var sum time.Duration
	for i := range names {
		sum += pace.Refresh(strconv.Itoa(i), lifetime)
	}
	return sum/names + tick/2
}

// cpuMB is the memory at which Lambda gives a function one processor; less memory, less
// of it.
const cpuMB = 1769

// RowTime is what a row adds to the time of a sweep: what the workers wait, or what the
// processor needs if that is more.
func RowTime(m Measured, a Assumed) time.Duration {
	waiting := float64(a.Provider+a.Write) / float64(m.Workers) / m.Efficiency
	working := float64(m.CPU) * cpuMB / float64(a.MemoryMB)
	return time.Duration(max(waiting, working))
}

func gigabytes(megabytes int) float64 { return float64(megabytes) / 1024 }
