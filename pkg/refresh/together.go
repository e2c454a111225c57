package refresh

import (
	"runtime/debug"
	"sync"
)

// together runs all steps at once, the first on the caller's own stack, which has grown already,
// and waits for them. A step's panic becomes the caller's: otherwise it would end the process, and
// the work on every credential.
func together(steps ...func()) {
	if len(steps) == 0 {
		return
	}
	var wg sync.WaitGroup
	panics := make(chan panicked, len(steps))
	contained := func(step func()) {
		defer func() {
			if p := recover(); p != nil {
				panics <- panicked{p, debug.Stack()}
			}
		}()
		step()
	}
	for _, step := range steps[1:] {
		wg.Go(func() { contained(step) })
	}
	contained(steps[0])
	wg.Wait()
	select {
	case p := <-panics:
		panic(p)
	default:
	}
}

// panicked is a panic that was carried over from another goroutine.
type panicked struct {
	value any
	stack []byte
}
