package refresh_test

import (
	"sync"
	"time"

	"tokenrefresh/pkg/providers"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// scenario is the beginning of histories: a world in which the next tick has work.
type scenario struct {
	name  string
	login bool // the credentials can log in
	// unsent: a token was claimed and not sent, which only its provider knows.
	unsent bool
	// reuse is for how long the provider takes a token again; asks: it says whether it has acted;
	// resort: a token is presented once more with nothing left to lose.
	reuse        time.Duration
	asks, resort bool
	setup        func(w *rt.World)
	// meanwhile is what happens from outside before a tick.
	meanwhile func(w *rt.World, tick int)
	quiet     int // from this tick on meanwhile does nothing
}

func scenarios() []scenario {
	base := []scenario{
		{name: "a refresh", setup: setupDue},
		{name: "a seed", setup: func(w *rt.World) { w.Seed(rt.Default) }},
		{name: "died before the send", unsent: true, setup: setupDied(at(sends, 1, 0, rt.DieBefore))},
		{name: "died after the send", setup: setupDied(at(sends, 1, 0, rt.DieAfter))},
		{name: "died before the promote", setup: setupDied(at(promotes, 1, 0, rt.DieBefore))},
		{name: "died with only the escrow kept", setup: setupDied(onlyEscrow)},
		{name: "died with only the version kept", setup: setupDied(onlyVersion)},
		{name: "unpublished", setup: setupUnpublished},
		{name: "carried by the escrow", setup: setupCarried},
		{name: "quota that lasts", setup: setupCarried, meanwhile: quotaUntil(5), quiet: 5},
		{name: "an edit during the send", setup: setupEdited},
		{name: "an edit after a death", setup: setupDied(at(sends, 1, 0, rt.DieAfter)), meanwhile: seedBefore(0), quiet: 1},
		{name: "an unreadable reply", setup: setupDue, meanwhile: wrongKeyUntil(3), quiet: 4},
	}
	all := []scenario{{name: "a first login", login: true, setup: func(*rt.World) {}}}
	for _, s := range base {
		without := s
		without.name += ", no login"
		without.setup = func(w *rt.World) {
			loginOff(w)
			s.setup(w)
		}
		s.login = true
		all = append(all, s, without)
	}
	return append(all, forgiving(all)...)
}

// forgiving are scenarios again at providers that take a token again, for a while or for ever, or
// that say whether they have acted on it.
func forgiving(strict []scenario) []scenario {
	var all []scenario
	again := func(s scenario, how string, reuse time.Duration, asks, resort bool) {
		s.name += ", " + how
		s.reuse, s.asks, s.resort = reuse, asks, resort
		setup := s.setup
		s.setup = func(w *rt.World) {
			w.Provider.Reuse, w.Provider.Asks, w.Provider.LastResort = reuse, asks, resort
			setup(w)
		}
		all = append(all, s)
	}
	for _, s := range strict {
		switch s.name {
		case "a refresh, no login", "died before the send, no login", "died after the send, no login":
			again(s, "asked", 0, true, false)
			again(s, "presented again as a last resort", 0, false, true)
			again(s, "asked, and presented again as a last resort", 0, true, true)
			again(s, "taken again for a while", grace, false, false)
			again(s, "taken again for ever", providers.Always, false, false)
		case "a refresh", "carried by the escrow, no login":
			again(s, "taken again for a while", grace, false, false)
			again(s, "taken again for ever", providers.Always, false, false)
		}
	}
	return all
}

// grace is for how long a token is taken again that is taken for a while.
const grace = 10 * time.Minute

// setupDied leaves an attempt that died under hook, its claim run out.
func setupDied(hook rt.Hook) func(w *rt.World) {
	return func(w *rt.World) {
		setupDue(w)
		tick(w, hook)
		w.Advance(2 * time.Minute)
	}
}

// onlyEscrow lets a process die when the escrow alone has the reply.
func onlyEscrow(c rt.Call) rt.Fault {
	switch {
	case c.Op == rt.Stage:
		return rt.FailBefore
	case c.Op == rt.Write && c.Nth == 3:
		return rt.DieBefore
	}
	return rt.None
}

// onlyVersion lets a process die when the secret alone has the reply.
func onlyVersion(c rt.Call) rt.Fault {
	switch {
	case c.Op == rt.Write && c.Nth > 1:
		return rt.FailBefore
	case c.Op == rt.Promote:
		return rt.DieBefore
	}
	return rt.None
}

func setupUnpublished(w *rt.World) {
	setupDue(w)
	tick(w, at(stagesAccess, 1, 0, rt.FailBefore))
	w.Advance(time.Minute)
}

// setupCarried leaves a chain that lives in the escrow and is due, the quota over.
func setupCarried(w *rt.World) {
	setupDue(w)
	w.Secrets.Quota(rt.Default, store.TokensDoc, true)
	tick(w, nil)
	w.Secrets.Quota(rt.Default, store.TokensDoc, false)
	w.Advance(12 * time.Minute)
}

// setupEdited lets a person seed a new refresh token while the first request is
// under way.
func setupEdited(w *rt.World) {
	setupDue(w)
	var once sync.Once
	w.Provider.OnCall = func(rt.Op) { once.Do(func() { w.Seed(rt.Default) }) }
}

func quotaUntil(end int) func(w *rt.World, tick int) {
	return func(w *rt.World, tick int) { w.Secrets.Quota(rt.Default, store.TokensDoc, tick < end) }
}

// seedBefore puts a refresh token of a new family into tokens before a tick.
func seedBefore(n int) func(w *rt.World, tick int) {
	return func(w *rt.World, tick int) {
		if tick == n {
			w.Seed(rt.Default)
		}
	}
}

// wrongKeyUntil lets the provider encrypt its replies with a key that the credentials don't have,
// until a person corrects them.
func wrongKeyUntil(end int) func(w *rt.World, tick int) {
	return func(w *rt.World, tick int) {
		switch tick {
		case 0:
			w.Provider.Key = "another"
		case end:
			good := w.Provider.Credentials()
			if current := w.Secrets.Get(rt.Default, store.Credentials); current.Value == secret.New(`{"key":""}`) {
				good = w.Provider.CredentialsWithoutLogin()
			}
			w.Secrets.Put(rt.Default, store.Credentials, good)
		}
	}
}

// order is how long calls take, so that parallel ones end in a known order.
type order func(rt.Call) time.Duration

// orders let the calls of a parallel group end in different orders, and no two that follow
// different calls at the same moment.
func orders() []order {
	var all []order
	for _, us := range [][3]int{{1000, 2130, 3370}, {3370, 2130, 1000}} {
		all = append(all, func(c rt.Call) time.Duration {
			switch c.Doc {
			case store.TokensDoc:
				return time.Duration(us[0]) * time.Microsecond
			case store.AccessDoc:
				return time.Duration(us[1]) * time.Microsecond
			default:
				return time.Duration(us[2]) * time.Microsecond
			}
		})
	}
	return all
}
