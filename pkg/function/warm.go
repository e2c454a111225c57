package function

import (
	"context"
	"crypto/x509"
	"io"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"

	"tokenrefresh/pkg/rehearsal"
	"tokenrefresh/pkg/store"
)

const (
	// maxWarmUp is the longest that a function prepares itself. Without a network it still starts.
	maxWarmUp = 300 * time.Millisecond
	// wholeProcessor is the memory, in MB, at which Lambda gives a function a whole processor.
	wholeProcessor = 1769
)

// warmUp does what the first invocation would spend its small share of a processor on. While a
// function starts it has a whole one. It opens the connections to AWS and to the provider, and
// refreshes once in memory. Its only call reads the credentials of the first account, because they
// name the provider's host. It writes nothing and presents no token. A failure is left to the first
// invocation.
func (p parts) warmUp(build func(surroundings) (parts, error)) {
	ctx, cancel := context.WithTimeout(context.Background(), maxWarmUp)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = x509.SystemCertPool() }) // which reads the roots once for all
	wg.Go(func() { contained(func() { p.connect(ctx) }) })
	rehearsed := make(chan struct{})
	go func() {
		defer close(rehearsed)
		contained(func() { p.rehearse(build) })
	}()
	wg.Wait()
	select {
	case <-rehearsed:
	case <-ctx.Done():
	}
}

// contained stops a panic from ending the process: the first invocation will show what is wrong.
func contained(work func()) {
	defer func() { _ = recover() }()
	work()
}

// connect opens the connections that the first refresh needs.
func (p parts) connect(ctx context.Context) {
	if !p.clients.Prepare(ctx) {
		return
	}
	key := store.Key{Provider: p.provider.Name(), Account: p.cfg.Accounts[0]}
	credentials, err := p.clients.Secrets(p.cfg.SecretPrefix).Current(ctx, key, store.Credentials)
	if err != nil {
		return
	}
	session, err := p.provider.Open(credentials.Value)
	if err != nil {
		return
	}
	if s, ok := session.(interface{ Prepare(ctx context.Context) }); ok {
		s.Prepare(ctx)
	}
}

// rehearse builds the function once more and lets it refresh in memory.
func (p parts) rehearse(build func(surroundings) (parts, error)) {
	network := rehearsal.For(p.provider)
	defer network.Close()
	double, err := build(surroundings{rehearsal.Environment(os.Getenv), network.Dial, io.Discard})
	if err != nil {
		return
	}
	// The engine needs a deadline; this one is never reached.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, _ = double.handler.Invoke(ctx, []byte("{}"))
}

// oneThread limits a function with less than a whole processor to one thread of Go code. Further
// threads would only spend its small share looking for work.
func oneThread() {
	if mb, err := strconv.Atoi(os.Getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")); err == nil && mb < wholeProcessor {
		runtime.GOMAXPROCS(1)
	}
}
