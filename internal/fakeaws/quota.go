package fakeaws

import "time"

// quota is how many writes a second Secrets Manager takes: AWS names 50 for all of an account
// and region together. What a second does not use is good for the next one.
type quota struct {
	rate, left float64 // rate 0: no limit
	filled     time.Time
}

// secretWrites are the operations that count.
var secretWrites = map[string]bool{"PutSecretValue": true, "UpdateSecretVersionStage": true}

// LimitWrites makes Secrets Manager throttle more writes a second than that; 0: it throttles
// none.
func (a *AWS) LimitWrites(rate float64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.writes = quota{rate: rate, left: rate, filled: time.Now()}
}

// Throttled counts the writes that were throttled.
func (a *AWS) Throttled() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.throttled
}

func (q *quota) take(now time.Time) bool {
	if q.rate == 0 {
		return true
	}
	q.left = min(q.rate, q.left+q.rate*now.Sub(q.filled).Seconds())
	q.filled = now
	if q.left < 1 {
		return false
	}
	q.left--
	return true
}
