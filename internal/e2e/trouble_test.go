package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"tokenrefresh/internal/sandbox"
)

// mishaps are those of one invocation on its way to AWS.
type mishaps struct {
	random *rand.Rand

	mu     sync.Mutex
	seen   []string
	deaths int
}

// choose decides what befalls the calls: nothing, now and then something, or all
// from one call on.
func (m *mishaps) choose(f *function) fate {
	const calls = 12 // an attempt makes about so many
	rate, outage := 0.0, calls*2
	switch m.random.IntN(10) {
	case 0:
		outage = m.random.IntN(calls)
	case 1, 2, 3, 4:
		rate = 0.1
	}
	way := failures[m.random.IntN(len(failures))]
	n := 0
	return func(c call) mishap {
		n++
		switch {
		case n > outage:
			return m.saw(c, way.name, way.mishap)
		case m.random.Float64() >= rate:
			return nil
		case m.random.IntN(3) > 0:
			way := failures[m.random.IntN(len(failures))]
			return m.saw(c, way.name, way.mishap)
		}
		death := deaths[m.random.IntN(len(deaths))]
		die := death.mishap(f)
		return m.saw(c, death.name, func(do carry) *httptest.ResponseRecorder {
			m.mu.Lock()
			m.deaths++
			m.mu.Unlock()
			return die(do)
		})
	}
}

func (m *mishaps) saw(c call, name string, befalls mishap) mishap {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen = append(m.seen, c.name+" "+name)
	return befalls
}

// befallen lists what befell.
func (m *mishaps) befallen() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.seen)
}

// providerTrouble lets a next call to the provider go wrong, perhaps.
func (r *round) providerTrouble(p *player, random *rand.Rand) {
	if random.IntN(3) > 0 {
		return
	}
	moment := time.Duration(random.IntN(1000)) * time.Millisecond
	faults := []sandbox.Fault{
		sandbox.LoseReply(), sandbox.Drop(), sandbox.Truncate(), sandbox.Garbage(), sandbox.GzipBomb(),
		sandbox.Status(500), sandbox.Status(503).AfterActing(), sandbox.HTML(502), sandbox.HTML(200).AfterActing(),
		sandbox.Slow(moment), sandbox.Slow(moment).AfterActing(), sandbox.RateLimit("30"),
	}
	n := random.IntN(len(faults))
	if n == len(faults)-1 {
		r.mu.Lock()
		p.limits++
		r.mu.Unlock()
	}
	op := []sandbox.Op{sandbox.Refresh, sandbox.Login, sandbox.Any}[random.IntN(3)]
	p.sandbox.Inject(p.provider, op, 1, faults[n])
	r.count(tally{providerFaults: 1})
}

// people do to a credential what people do, or nothing.
func (r *round) people(t *testing.T, p *player) {
	t.Helper()
	did := ""
	switch p.random.IntN(24) {
	case 0, 1, 2:
		did = "a claim runs out"
		p.elapse(t, longestClaim)
	case 3, 4, 5, 6:
		did = "time passes"
		p.elapse(t, longestWait)
	case 7, 8:
		did = "credentials edited"
		p.seed(t, nil)
	case 9:
		did = "paused"
		p.pause(t, true)
	case 10, 11, 12, 13:
		did = "resumed"
		p.pause(t, false)
	case 14, 15:
		did = p.spoil(t)
	}
	if did == "" {
		return
	}
	r.count(tally{edits: 1})
	r.mu.Lock()
	defer r.mu.Unlock()
	p.history = append(p.history, did)
}

// spoil does to a chain what people had better not do.
func (p *player) spoil(t *testing.T) string {
	t.Helper()
	if p.provider == sandbox.Berbix {
		return ""
	}
	switch p.random.IntN(3) {
	case 0:
		p.seed(t, map[string]any{"password": "not-the-password"})
		return "wrong password"
	case 1:
		p.seedToken(t)
		return "new refresh token"
	}
	presented := p.sandbox.Stats(p.provider).Presented
	if len(presented) == 0 {
		return ""
	}
	p.edit(t, "tokens", fmt.Sprintf(`{"refresh_token":%q}`, presented[len(presented)-1]))
	return "spent token put back"
}
