package announce_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/announce"
	"tokenrefresh/pkg/outcome"
)

// bus keeps what it is given, as "type: outcome of accounts".
type bus struct {
	got  []string
	err  error
	wait time.Duration
}

func (b *bus) Put(ctx context.Context, events []announce.Event) error {
	for _, e := range events {
		who := e.Account
		if len(e.Accounts) > 0 {
			who = fmt.Sprintf("%d accounts %v", len(e.Accounts), e.Outcomes)
		}
		b.got = append(b.got, fmt.Sprintf("%s: %s of %s", e.Type, e.Outcome, who))
	}
	select {
	case <-time.After(b.wait):
		return b.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// rows are the notified troubles, by account.
type rows struct {
	mu   sync.Mutex
	told map[string]string
	err  error
}

func (r *rows) mark(_ context.Context, _, account, told string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.told[account] = told
	}
	return r.err
}

// newNotifier is a notifier whose ledger remembers.
func newNotifier() (*announce.Notifier, *bus, *rows) {
	b, r := &bus{}, &rows{told: map[string]string{}}
	return &announce.Notifier{Bus: b, Mark: r.mark, Log: slog.New(slog.DiscardHandler)}, b, r
}

// run is an end of a chain's run.
type run struct {
	outcome outcome.Outcome
	noted   outcome.Outcome // by the ledger, as the last one
	trouble string
}

func (r run) end(told string) announce.End {
	return announce.End{
		Event:   announce.Event{Provider: "hesabe", Account: "default", RunID: "run", Outcome: r.outcome},
		Trouble: r.trouble, Told: told, Noted: r.noted,
	}
}

const (
	well = outcome.Refreshed
	bad  = outcome.Transient
)

func TestWhatIsNews(t *testing.T) {
	t.Parallel()
	dead := run{outcome.Dead, outcome.Dead, "dead 1 1"}
	for name, tt := range map[string]struct {
		runs []run
		want []string
	}{
		"each rotation": {
			[]run{{outcome.LoggedIn, outcome.LoggedIn, ""}, {outcome.NotDue, outcome.LoggedIn, ""}, {well, well, ""}, {outcome.Recovered, outcome.Recovered, ""}},
			[]string{"Token Rotated: logged_in of default", "Token Rotated: refreshed of default", "Token Rotated: recovered of default"},
		},
		"what passes by itself, or has an alarm alone": {
			[]run{
				{bad, bad, ""},
				{outcome.NotDue, bad, ""},
				{outcome.RateLimited, outcome.RateLimited, ""},
				{outcome.Misconfigured, outcome.Misconfigured, ""},
				{outcome.PersistFailed, outcome.PersistFailed, ""},
				{outcome.NotSeeded, "", ""},
				{outcome.Busy, well, ""},
				{outcome.Paused, well, ""},
				{outcome.Superseded, outcome.Superseded, ""},
			}, nil,
		},
		"a trouble that lasts, once, and its end": {
			[]run{dead, dead, {outcome.Busy, outcome.Dead, dead.trouble}, dead, {bad, bad, ""}, {outcome.Paused, bad, ""}, {outcome.NotDue, bad, ""}, {well, well, ""}, {outcome.NotDue, well, ""}},
			[]string{"Token Refresh Failed: dead of default", "Token Rotated: refreshed of default", "Token Recovered: refreshed of default"},
		},
		"another trouble": {
			[]run{dead, {outcome.Uncertain, outcome.Uncertain, "uncertain 1 1"}, {outcome.Dead, outcome.Dead, "dead 2 1"}},
			[]string{"Token Refresh Failed: dead of default", "Token Refresh Failed: uncertain of default", "Token Refresh Failed: dead of default"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, b, r := newNotifier()
			for _, one := range tt.runs {
				d.Notify(t.Context(), []announce.End{one.end(r.told["default"])})
			}
			assert.Check(t, is.DeepEqual(b.got, tt.want))
		})
	}
}

// An event that the bus refused, or that the ledger did not note, is sent again.
func TestNoticesAreToldUntilTheyAreMarked(t *testing.T) {
	t.Parallel()
	d, b, r := newNotifier()
	dead := run{outcome.Dead, outcome.Dead, "dead"}
	steps := []struct {
		bus, ledger error
		want        int
	}{{errors.New("no bus"), nil, 1}, {nil, errors.New("no ledger"), 1}, {nil, nil, 1}, {nil, nil, 0}}
	for i, step := range steps {
		b.got, b.err, r.err = nil, step.bus, step.ledger
		d.Notify(t.Context(), []announce.End{dead.end(r.told["default"])})
		assert.Check(t, len(b.got) == step.want, "step %d: %v", i, b.got)
	}
}

// One digest reports many accounts, and never more than it can hold.
func TestDigest(t *testing.T) {
	t.Parallel()
	for accounts, want := range map[int][]int{1: {1}, 10: {10}, 11: {1}, 500: {1}, 1201: {1, 1, 1}} {
		d, b, r := newNotifier()
		for n, want := range append(want, 0) {
			var ends []announce.End
			for i := range accounts {
				one := run{outcome.Dead, outcome.Dead, "dead"}
				if i%3 == 0 {
					one.outcome, one.trouble = outcome.Uncertain, "uncertain"
				}
				account := fmt.Sprint("shop-", i)
				e := one.end(r.told[account])
				e.Account = account
				ends = append(ends, e)
			}
			b.got = nil
			d.Notify(t.Context(), ends)
			assert.Check(t, len(b.got) == want, "%d accounts, run %d: %d events: %v", accounts, n, len(b.got), b.got)
			if accounts == 11 && n == 0 && b.got[0] != "Token Refresh Failed: dead of 11 accounts map[dead:7 uncertain:4]" {
				t.Errorf("%v", b.got)
			}
		}
		assert.Check(t, len(r.told) == accounts, "%d of %d accounts are marked", len(r.told), accounts)
	}
}

// A sweep reports no rotations, and refused credentials once. It reports dead transactions each
// time.
func TestSweeps(t *testing.T) {
	t.Parallel()
	d, b, r := newNotifier()
	refused := run{outcome.Misconfigured, outcome.Misconfigured, "misconfigured"}
	for _, one := range []struct {
		run
		dead int
	}{
		{run{well, well, ""}, 0}, {run{well, well, ""}, 2}, {run{well, well, ""}, 1}, {refused, 0}, {refused, 1}, {run{well, well, ""}, 0},
	} {
		e := one.end(r.told["default"])
		e.Outcomes = map[outcome.Outcome]int{outcome.Dead: one.dead}
		d.Notify(t.Context(), []announce.End{e})
	}
	want := []string{
		"Token Refresh Failed: dead of default", "Token Refresh Failed: dead of default", "Token Refresh Failed: misconfigured of default",
		"Token Refresh Failed: dead of default", "Token Recovered: refreshed of default",
	}
	assert.Check(t, is.DeepEqual(b.got, want))
}

// The bus costs a run two seconds at most, its answer never, and its failure is a line.
func TestBusIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		left, want time.Duration
	}{
		"no deadline":       {0, 2 * time.Second},
		"much time":         {time.Minute, 2 * time.Second},
		"a second":          {time.Second, 500 * time.Millisecond},
		"no time for it":    {100 * time.Millisecond, 0},
		"the run is over":   {-time.Second, 0},
		"a bus that is bad": {0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if tt.left != 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.left)
					defer cancel()
				}
				var log bytes.Buffer
				b := &bus{wait: time.Hour}
				if tt.want == 0 && tt.left == 0 {
					b.wait, b.err = 0, errors.New("AccessDeniedException")
				}
				began := time.Now()
				d := &announce.Notifier{Bus: b, Log: slog.New(slog.NewJSONHandler(&log, nil))}
				d.Notify(ctx, []announce.End{run{well, well, ""}.end("")})
				assert.Check(t, is.Equal(time.Since(began), tt.want))
				assert.Check(t, strings.Contains(log.String(), `"WARN"`), "logged %q", log.String())
			})
		})
	}
	var none *announce.Notifier
	none.Notify(t.Context(), []announce.End{run{well, well, ""}.end("")}) // does nothing
}
