package wire

import (
	"maps"
	"time"
)

// Stats are what a server has seen.
type Stats struct {
	Connections int // accepted
	Ops         map[string]Op
}

// Op is what became of the calls of one name.
type Op struct {
	Calls       int
	Took        time.Duration // all of them together
	First, Last time.Time     // the first began, the last was answered
}

// Mean is how long a call took; 0 without any.
func (o Op) Mean() time.Duration {
	if o.Calls == 0 {
		return 0
	}
	return o.Took / time.Duration(o.Calls)
}

// Stats are those up to now.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{Connections: s.stats.Connections, Ops: maps.Clone(s.stats.Ops)}
}

func (s *Server) count(op string, start, end time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.stats.Ops[op]
	if !ok {
		o.First = start
		if s.stats.Ops == nil {
			s.stats.Ops = map[string]Op{}
		}
	}
	o.Calls++
	o.Took += end.Sub(start)
	if start.Before(o.First) {
		o.First = start
	}
	o.Last = end
	s.stats.Ops[op] = o
}
