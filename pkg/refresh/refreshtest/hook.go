package refreshtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// Op names a port call.
type Op string

// The port calls.
const (
	Rows      Op = "Rows"
	RowOf     Op = "Row"
	Write     Op = "Write"
	Current   Op = "Current"
	CurrentID Op = "CurrentID"
	ByID      Op = "ByID"
	Stage     Op = "Stage"
	Promote   Op = "Promote"
	Refresh   Op = "Refresh"
	Login     Op = "Login"
	Ask       Op = "Ask"
)

// Site is the place of a call in an attempt.
type Site struct {
	Op  Op
	Doc store.Document // of the secrets; else empty
}

// String is "Stage(tokens)" or "Write".
func (s Site) String() string {
	if s.Doc == "" {
		return string(s.Op)
	}
	return fmt.Sprintf("%s(%s)", s.Op, s.Doc)
}

// ToProvider reports whether the call goes to the provider.
func (s Site) ToProvider() bool { return s.Op == Refresh || s.Op == Login || s.Op == Ask }

// Reads reports whether the call changes nothing, wherever it goes.
func (s Site) Reads() bool {
	return slices.Contains([]Op{Rows, RowOf, Current, CurrentID, ByID, Ask}, s.Op)
}

// Call is one port call of one process.
type Call struct {
	Site
	Key store.Key
	// Process counts the world's engines, from 1.
	Process int
	// Nth counts the process's calls from that site, from 1. Unlike the order of
	// calls that are made in parallel it does not depend on scheduling.
	Nth int
	// Began is when the call was made.
	Began time.Time

	process *process
}

// Slept notes that the call's process stood still, with its own clock: deadlines that have passed
// meanwhile do not prevent its next calls.
func (c Call) Slept() {
	c.process.mu.Lock()
	defer c.process.mu.Unlock()
	c.process.slept = true
}

// String is "Stage(tokens)#2".
func (c Call) String() string { return fmt.Sprintf("%s#%d", c.Site, c.Nth) }

// Fault is how a port call goes wrong.
type Fault int

// The faults.
const (
	None       Fault = iota
	FailBefore       // not done, and reported as failed; to the provider: not sent
	FailAfter        // done, and reported as failed; to the provider: the reply is lost
	DieBefore        // the process dies; the call was not done
	DieAfter         // the process dies; the call was done
	LandLater        // reported as failed, and done by World.Land
	Stale            // of Current and CurrentID: the answer as of before the last change
	// Of Refresh and Login: answers of a provider that has not acted.
	AnswerUnknown
	AnswerRefused
	AnswerRateLimited
	AnswerTurnedAway
	AnswerMaybeRefused
	// BrokenTurnedAway: the same although the provider has acted, against the assumption.
	BrokenTurnedAway
	// OddReply: tokens with a refresh token that cannot be read.
	OddReply
)

// Faults are all of them.
var Faults = []Fault{
	FailBefore, FailAfter, DieBefore, DieAfter, LandLater, Stale, AnswerUnknown, AnswerRefused, AnswerRateLimited,
	AnswerTurnedAway, AnswerMaybeRefused, BrokenTurnedAway, OddReply,
}

// String names the fault.
func (f Fault) String() string {
	names := [...]string{
		"none", "fails undone", "fails although done", "dies before", "dies after", "lands later", "reads stale",
		"answered unknown", "answered refused", "answered rate limited",
		"answered turned away", "answered perhaps refused", "answered turned away although done", "answered oddly",
	}
	return names[f]
}

// On reports whether the fault has an effect at site.
func (f Fault) On(site Site) bool {
	switch f {
	case Stale:
		return site.Op == Current || site.Op == CurrentID
	case FailAfter, DieAfter, LandLater:
		return !site.Reads()
	case None, FailBefore, DieBefore:
		return true
	default: // of an answer
		return site.ToProvider() && !site.Reads()
	}
}

// Hook decides how a call ends. It is called from several goroutines at once. A nil
// Hook lets all calls succeed.
type Hook func(Call) Fault

// errPassing is the error of a failed call. The call may have been done.
var errPassing = errors.New("model: passing trouble")

// process is one run of a program: it may die.
type process struct {
	world  *World
	hook   Hook
	number int
	skew   time.Duration

	mu    sync.Mutex
	dead  bool
	slept bool
	count map[Site]int
}

// now is the process's own clock.
func (p *process) now() time.Time { return p.world.Now().Add(p.skew) }

// checkClaim notes a violation if a process is about to call the provider although another has
// claimed since. A process that froze between its last look and the call is excused, and so are
// claims that ended early by wrong clocks.
func (p *process) checkClaim() {
	p.mu.Lock()
	dead := p.dead
	p.mu.Unlock()
	w := p.world
	if len(w.Accounts) != 1 {
		return
	}
	defer w.lock()()
	for key, claimant := range w.claimant {
		if _, exists := w.Ledger.rows[key]; exists && claimant != p.number && !dead && !w.skewed {
			w.wrong("process %d calls the provider under the claim of %d", p.number, claimant)
		}
	}
}

// received notes a reply that reached the process.
func (p *process) received(refreshToken secret.String) {
	defer p.world.lock()()
	p.world.deeds = append(p.world.deeds, Deed{Kind: Received, RefreshToken: refreshToken.Reveal()})
}

// call makes one port call under the hook. act does the call's work on the world, and locks it for
// that.
func (p *process) call(ctx context.Context, site Site, key store.Key, act func(Fault) error) error {
	c, err := p.begin(ctx, site, key)
	if err != nil {
		return err
	}
	fault := None
	if p.hook != nil {
		fault = p.hook(c)
	}
	if latency := p.world.Latency; latency != nil {
		select {
		case <-time.After(latency(c)):
		case <-ctx.Done():
			if !p.awoken() {
				return ctx.Err()
			}
		}
	}
	p.mu.Lock() // a call is done, and its process dies, in one step
	defer p.mu.Unlock()
	if p.dead {
		return errPassing
	}
	switch fault {
	case FailBefore:
		return failed(site, providers.NotSent)
	case FailAfter:
		_ = act(fault)
		return failed(site, providers.Unknown)
	case DieBefore, DieAfter:
		if fault == DieAfter {
			_ = act(fault)
		}
		p.dead = true
		return errPassing
	case LandLater:
		p.world.later(func() { _ = act(fault) })
		return failed(site, providers.Unknown)
	default:
		return act(fault)
	}
}

func (p *process) awoken() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.slept
}

// begin counts a call; a dead process makes none, and a cancelled one does nothing.
func (p *process) begin(ctx context.Context, site Site, key store.Key) (Call, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		return Call{}, errPassing
	}
	if err := ctx.Err(); err != nil && !p.slept {
		return Call{}, err
	}
	p.count[site]++
	c := Call{Site: site, Key: key, Process: p.number, Nth: p.count[site], Began: time.Now(), process: p}
	p.world.record(c)
	return c, nil
}

// failed is the error of a call that a fault ended.
func failed(site Site, kind providers.Kind) error {
	if !site.ToProvider() {
		return errPassing
	}
	return &providers.Error{Kind: kind, Provider: Name, Op: string(site.Op), Err: errPassing}
}
