package refresh

import (
	"runtime/debug"
	"sync"
)

// together runs all steps at once and waits for them. A step's panic becomes its
// caller's: left alone it would end the process, and the work on every credential.
func together(steps ...func()) {
	var wg sync.WaitGroup
	panics := make(chan panicked, len(steps))
	for _, step := range steps {
		wg.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					panics <- panicked{p, debug.Stack()}
				}
			}()
			step()
		})
	}
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
