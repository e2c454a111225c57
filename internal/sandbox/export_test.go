package sandbox

// AwaitIdle returns when no call to p is running. The caller knows that one has begun.
func (s *Sandbox) AwaitIdle(p Provider) { s.host(p).running.Wait() }
