package refresh_test

import (
	"cmp"
	"flag"
	"fmt"
	"hash/fnv"
	"sync"
	"testing"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/refresh"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/store"
)

var worlds = flag.Int("seeds", 5, "how many worlds TestChaos lives through, with and without a login each")

// chaos is a world in which runs overlap, calls fail, processes die or freeze, people
// edit, pause and force. What happens depends on the seed, and not on scheduling.
type chaos struct {
	*rt.World
	seed  int
	login bool
	over  bool // no more of it
}

// roll is a number below n that depends on what alone.
func (c *chaos) roll(n int, what ...any) int {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, c.seed, c.login, what)
	return int(h.Sum64() >> 33 % uint64(n))
}

// chance is true p times in a thousand, while it lasts.
func (c *chaos) chance(p int, what ...any) bool { return c.roll(1000, what...) < p && !c.over }

// id identifies a call.
func id(call rt.Call) string { return fmt.Sprint(call.Process, call.Site, call.Nth) }

func (c *chaos) latency(call rt.Call) time.Duration {
	return time.Duration(1000+c.roll(30_000, "latency", id(call))) * time.Microsecond
}

func (c *chaos) fault(call rt.Call) rt.Fault {
	if c.chance(4, "freeze", id(call)) {
		// The whole process stands still; when it wakes up its call goes ahead, although
		// its claim may have run out.
		time.Sleep(time.Duration(1+c.roll(300, "wake", id(call))) * time.Second)
	}
	fault := rt.Faults[c.roll(len(rt.Faults), "which", id(call))]
	if c.Provider.Reuse > 0 && fault == rt.LandLater && call.Op == rt.Refresh {
		fault = rt.FailAfter // nothing is promised of a request that arrives hours later
	}
	if c.chance(10<<(c.seed%5), "fault", id(call)) && heals(fault, call.Site) {
		return fault
	}
	return rt.None
}

// people acts as people do between two ticks.
func (c *chaos) people(minute int) {
	for n, one := range []struct {
		chance int
		do     func()
	}{
		{10, func() { c.Seed(rt.Default) }},
		{20, c.credentials},
		{20, func() { c.Ledger.Pause(rt.Default, true) }},
		{300, func() { c.Ledger.Pause(rt.Default, false) }},
		{30, func() { c.quota(true, c.chance(500, "both", minute)) }},
		{15, func() { c.quota(false, false) }},
		{100, c.Land},
	} {
		if c.chance(one.chance, "people", n, minute) {
			one.do()
		}
	}
}

func (c *chaos) quota(tokens, access bool) {
	c.Secrets.Quota(rt.Default, store.TokensDoc, tokens)
	c.Secrets.Quota(rt.Default, store.AccessDoc, access)
}

func (c *chaos) credentials() {
	if c.login {
		c.Secrets.Put(rt.Default, store.Credentials, c.Provider.Credentials())
	} else {
		loginOff(c.World)
	}
}

// live lets the world run for so long, a tick a minute, each in a process of its own.
func (c *chaos) live(from, to int) {
	var running sync.WaitGroup
	for minute := from; minute < to; minute++ {
		c.people(minute)
		for n := range 2 {
			if n == 0 || c.chance(50, "twice", minute) {
				running.Go(func() {
					run(c.World, c.fault, refresh.Request{
						RunID: fmt.Sprint("run ", minute, n), Force: c.chance(20, "force", minute, n),
					})
				})
			}
		}
		time.Sleep(time.Minute)
	}
	running.Wait()
}

// TestChaos lives through hours of all that at once. No token is ever presented again, unless its
// provider takes it again, and tokens never go back. At the end, credentials with a login are
// healthy, and those without are healthy or rightly report that their token was presented.
func TestChaos(t *testing.T) {
	t.Parallel()
	for seed := range *worlds {
		for _, login := range []bool{true, false} {
			inBubble(t, fmt.Sprintf("seed %d, login %t", seed, login), func(t *testing.T) {
				liveThrough(t, seed, login, 0)
			})
			inBubble(t, fmt.Sprintf("seed %d, login %t, taken again for ever", seed, login), func(t *testing.T) {
				liveThrough(t, seed, login, providers.Always)
			})
		}
	}
}

func liveThrough(t *testing.T, seed int, login bool, reuse time.Duration) {
	t.Helper()
	c := &chaos{World: rt.New(), seed: seed, login: login}
	c.Flows = true
	c.Provider.Reuse = reuse
	c.Latency = c.latency
	c.Seed(rt.Default)
	c.credentials()
	c.live(0, 3*60)

	c.over = true
	c.Land()
	c.Ledger.Pause(rt.Default, false)
	c.quota(false, false)
	c.live(3*60, 5*60) // a login's back-off is an hour at most

	if broken := cmp.Or(always(c.World), lostReply(c.World, false)); broken != "" {
		t.Error(broken)
	}
	waits := !login && (reuse == 0 || chain(c.World).RefreshToken == "") && needsPerson(c.World, false)
	if broken := unhealthy(c.World); broken != "" && !waits {
		t.Errorf("%s; last %s", broken, row(c.World).LastOutcome)
	}
}
