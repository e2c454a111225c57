package exchange

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter is the longest wait that an answer can ask for.
const maxRetryAfter = time.Hour

// ParseRetryAfter reads a Retry-After header: seconds, or an HTTP date, which is compared with now.
// The result is between a second and an hour; it is 0 if the header is absent or unreadable.
func ParseRetryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if at, err := http.ParseTime(value); err == nil {
		return min(max(at.Sub(now), time.Second), maxRetryAfter)
	}
	seconds, err := strconv.ParseFloat(value, 64)
	switch {
	case err != nil && !math.IsInf(seconds, 1): // digits beyond float64 give +Inf and an error
		return 0
	case !(seconds >= 0): // negative or not a number
		return 0
	case seconds >= maxRetryAfter.Seconds():
		return maxRetryAfter
	}
	return max(time.Duration(math.Ceil(seconds))*time.Second, time.Second)
}
