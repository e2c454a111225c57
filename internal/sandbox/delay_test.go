package sandbox_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
)

func TestHold(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		b := start(t, sandbox.Options{})
		gate := sandbox.NewGate()
		fault := sandbox.Hold(gate)
		if after {
			fault = fault.AfterActing()
		}
		b.Inject(sandbox.Hesabe, sandbox.Refresh, 1, fault)
		pair := b.Issue(sandbox.Hesabe)
		reply := make(chan answer)
		go func() { reply <- b.refresh(t.Context(), sandbox.Hesabe, pair.RefreshToken) }()
		assert.NilError(t, gate.Await(t.Context(), 1))
		acted := !b.Valid(sandbox.Hesabe, pair.AccessToken)
		assert.Check(t, acted == after, "acted while held: %v, want %v", acted, after)
		gate.Release()
		gate.Release() // again is no harm
		tokens(t, <-reply)
	}
}

func TestGateAwaitEndsWithContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := sandbox.NewGate().Await(ctx, 1)
	assert.Check(t, errors.Is(err, context.Canceled), err)
}

// A delay ends when the client goes away. Where it came first, the provider doesn't act.
func TestDelayEndsWithClient(t *testing.T) {
	t.Parallel()
	b := start(t, sandbox.Options{})
	gate := sandbox.NewGate() // never released
	b.Inject(sandbox.Hesabe, sandbox.Refresh, 1, sandbox.Hold(gate))
	b.Inject(sandbox.TConnect, sandbox.Refresh, 1, sandbox.Hold(gate).AfterActing())
	pairs := map[sandbox.Provider]sandbox.Tokens{
		sandbox.Hesabe: b.Issue(sandbox.Hesabe), sandbox.TConnect: b.Issue(sandbox.TConnect),
	}
	ctx, cancel := context.WithCancel(t.Context())
	replies := make(chan answer)
	for p, pair := range pairs {
		go func() { replies <- b.refresh(ctx, p, pair.RefreshToken) }()
	}
	assert.NilError(t, gate.Await(t.Context(), 2))
	cancel()
	for range pairs {
		got := <-replies
		assert.Check(t, errors.Is(got.err, context.Canceled), "status %d, error %v", got.status, got.err)
	}
	for p := range pairs {
		b.AwaitIdle(p)
	}
	tokens(t, b.refresh(t.Context(), sandbox.Hesabe, pairs[sandbox.Hesabe].RefreshToken))
	got := b.refresh(t.Context(), sandbox.TConnect, pairs[sandbox.TConnect].RefreshToken)
	assert.Check(t, got.status == http.StatusBadRequest, "TConnect had acted, and took the token again: %d", got.status)
}

func TestDelaysBeforeAndAfterAddUp(t *testing.T) {
	t.Parallel()
	b := start(t, sandbox.Options{})
	before, after := sandbox.NewGate(), sandbox.NewGate()
	b.Inject(sandbox.Hesabe, sandbox.Login, 1, sandbox.Hold(before), sandbox.Hold(after).AfterActing())
	reply := make(chan answer)
	go func() { reply <- b.login(t.Context(), sandbox.Hesabe) }()
	for _, gate := range []*sandbox.Gate{before, after} {
		assert.NilError(t, gate.Await(t.Context(), 1))
		gate.Release()
	}
	tokens(t, <-reply)
}

func TestCloseEndsDelays(t *testing.T) {
	t.Parallel()
	b := start(t, sandbox.Options{})
	arrived := make(chan struct{})
	b.OnActed(func(context.Context, sandbox.Call) { close(arrived) })
	b.Inject(sandbox.Hesabe, sandbox.Login, 1, sandbox.Slow(time.Hour).AfterActing())
	reply := make(chan answer)
	go func() { reply <- b.login(t.Context(), sandbox.Hesabe) }()
	<-arrived
	b.Close()
	got := <-reply
	assert.Check(t, got.err != nil, "replied %d", got.status)
	b.Close() // again is no harm
	got = b.login(t.Context(), sandbox.Hesabe)
	assert.Check(t, got.err != nil, "it serves after Close")
}

func TestCloseWaitsForHook(t *testing.T) {
	t.Parallel()
	b := start(t, sandbox.Options{})
	arrived, ended := make(chan struct{}), false
	b.OnActed(func(ctx context.Context, _ sandbox.Call) {
		close(arrived)
		<-ctx.Done()
		ended = true
	})
	go b.login(t.Context(), sandbox.Hesabe)
	<-arrived
	b.Close()
	assert.Check(t, ended, "the hook was still running")
}

func TestOnActed(t *testing.T) {
	t.Parallel()
	b := start(t, sandbox.Options{})
	pair := b.Issue(sandbox.Hesabe)
	var calls []sandbox.Call
	var valid []bool
	b.OnActed(func(_ context.Context, c sandbox.Call) {
		calls = append(calls, c)
		valid = append(valid, b.Valid(sandbox.Hesabe, pair.AccessToken))
	})
	b.Inject(sandbox.Hesabe, sandbox.Refresh, 1, sandbox.Status(500))
	for range 3 { // not acted upon, good, a replay
		b.refresh(t.Context(), sandbox.Hesabe, pair.RefreshToken)
	}
	b.OnActed(nil)
	b.refresh(t.Context(), sandbox.Hesabe, pair.RefreshToken)
	want := []sandbox.Call{
		{Provider: sandbox.Hesabe, Op: sandbox.Refresh, Number: 2, OK: true},
		{Provider: sandbox.Hesabe, Op: sandbox.Refresh, Number: 3},
	}
	assert.Check(t, len(calls) == len(want) && calls[0] == want[0] && calls[1] == want[1],
		"calls %v, want %v", calls, want)
	assert.Check(t, len(valid) != 0 && !valid[0], "the hook ran before the provider had acted")
}
