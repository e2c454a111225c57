package pace

import "sync"

// Each calls do with each number below n, limit of them at once, and returns when all have
// returned.
func Each(n, limit int, do func(i int)) {
	slots := make(chan struct{}, max(1, limit))
	var all sync.WaitGroup
	for i := range n {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			do(i)
		})
	}
	all.Wait()
}
