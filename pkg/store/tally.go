package store

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Tally counts events of the last day by the hour. It is text, because most rows are only read:
// the time of the last event in seconds since the epoch, then how many events there were in its
// hour and in each hour before, as in "1772366400 1 5 5". Empty: there were none.
type Tally string

const (
	hour = int64(time.Hour / time.Second)
	// tallyHours are the hours that are counted: those of a day, and the one in which it begins.
	tallyHours = 25
	// maxTally limits the counts. No store of versions takes as many.
	maxTally = 9999
)

var errTally = errors.New("not the counts of hours")

// ParseTally reads a Tally, and refuses any other text.
func ParseTally(text string) (Tally, error) {
	if _, _, err := Tally(text).read(make([]int, 0, tallyHours)); err != nil {
		return "", err
	}
	return Tally(text), nil
}

// Add counts events at those times, in their order. It forgets events more than a day and an hour
// before the last one. Events in the future, which a wrong clock has counted, count for the hour of
// the next event.
func (t Tally) Add(times ...time.Time) Tally {
	if len(times) == 0 {
		return t
	}
	last, counts, err := t.read(make([]int, 0, tallyHours))
	if err != nil {
		last, counts = 0, nil
	}
	for _, at := range times {
		now := max(at.Unix(), 0)
		counts = advance(counts, now/hour-last/hour)
		counts[0] = min(counts[0]+1, maxTally)
		last = now
	}
	for counts[len(counts)-1] == 0 {
		counts = counts[:len(counts)-1]
	}
	b := strconv.AppendInt(make([]byte, 0, 80), last, 10)
	for _, n := range counts {
		b = strconv.AppendInt(append(b, ' '), int64(n), 10)
	}
	return Tally(b)
}

// advance moves the counts on by some hours.
func advance(counts []int, hours int64) []int {
	switch {
	case len(counts) == 0, hours >= tallyHours:
		return []int{0}
	case hours > 0:
		counts = append(make([]int, hours), counts...)
	case hours < 0:
		ahead := min(int(-hours), len(counts)-1)
		for _, n := range counts[:ahead] {
			counts[ahead] += n
		}
		counts = counts[ahead:]
	}
	return counts[:min(len(counts), tallyHours)]
}

// Since counts the events since then, and all others in the hour of then.
func (t Tally) Since(then time.Time) int {
	last, counts, err := t.read(make([]int, 0, tallyHours))
	if err != nil {
		return 0
	}
	sum := 0
	for i, n := range counts {
		if last/hour-int64(i) >= then.Unix()/hour {
			sum += n
		}
	}
	return sum
}

// Last is the time of the last event, UTC; zero: there was none.
func (t Tally) Last() time.Time {
	last, counts, err := t.read(make([]int, 0, tallyHours))
	if err != nil || len(counts) == 0 {
		return time.Time{}
	}
	return time.Unix(last, 0).UTC()
}

// read appends the counts to into.
func (t Tally) read(into []int) (last int64, counts []int, err error) {
	counts = into
	if t == "" {
		return 0, nil, nil
	}
	first, rest, more := strings.Cut(string(t), " ")
	parsed, err := strconv.ParseUint(first, 10, 40)
	if err != nil || !more {
		return 0, nil, errTally
	}
	for more {
		first, rest, more = strings.Cut(rest, " ")
		n, err := strconv.ParseUint(first, 10, 16)
		if err != nil || n > maxTally || len(counts) == tallyHours {
			return 0, nil, errTally
		}
		counts = append(counts, int(n))
	}
	return int64(parsed), counts, nil
}
