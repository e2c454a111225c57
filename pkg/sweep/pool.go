package sweep

// worker runs jobs one after the other.
type worker chan func()

// pool holds the idle workers of a run. They live as long as the run: calls need a deep stack,
// which a new goroutine for each row would have to grow each time.
type pool chan worker

// newPool starts n workers. close ends them.
func newPool(n int) pool {
	idle := make(pool, n)
	for range n {
		w := make(worker)
		go func() {
			for job := range w {
				job()
				idle <- w
			}
		}()
		idle <- w
	}
	return idle
}

// close waits for the jobs under way and ends the workers.
func (p pool) close() {
	for range cap(p) {
		close(<-p)
	}
}
