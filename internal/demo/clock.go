package demo

import (
	"sync/atomic"
	"time"
)

// clock is the wall clock, moved ahead by hand: the story of an hour is told in
// seconds, and every stored time is still a real one.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(c.offset()) }

func (c *clock) offset() time.Duration { return time.Duration(c.ahead.Load()) }

// set moves the clock to d after its start.
func (c *clock) set(d time.Duration) { c.ahead.Store(int64(d)) }
