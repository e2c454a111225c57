package sweep

// worker does one job after the other.
type worker chan func()

// crew is the workers of a run that have nothing to do. They stay: a goroutine that is
// made for each row would grow its stack, which calls need deep, for each row.
type crew chan worker

// newCrew hires n workers, until they are dismissed.
func newCrew(n int) crew {
	idle := make(crew, n)
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

// dismiss waits for the workers' jobs, and ends them.
func (c crew) dismiss() {
	for range cap(c) {
		close(<-c)
	}
}
