package announce_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenrefresh/pkg/announce"
	"tokenrefresh/pkg/outcome"
)

// bus keeps what it is given, as "type: outcome".
type bus struct {
	got  []string
	err  error
	wait time.Duration
}

func (b *bus) Put(ctx context.Context, events []announce.Event) error {
	for _, e := range events {
		b.got = append(b.got, string(e.Type)+": "+string(e.Outcome))
	}
	select {
	case <-time.After(b.wait):
		return b.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run is an end of a chain's run whose outcome the ledger has noted, or not.
type run struct {
	outcome       outcome.Outcome
	before, noted outcome.Outcome
}

func end(r run) announce.End {
	return announce.End{
		Event:  announce.Event{Provider: "hesabe", Account: "default", RunID: "run", Outcome: r.outcome},
		Before: r.before, Noted: r.noted,
	}
}

func TestWhatIsNews(t *testing.T) {
	t.Parallel()
	const (
		well = outcome.Refreshed
		bad  = outcome.Transient
	)
	for name, tt := range map[string]struct {
		runs []run
		want []string
	}{
		"each rotation": {
			[]run{{outcome.LoggedIn, "", outcome.LoggedIn}, {outcome.NotDue, outcome.LoggedIn, outcome.LoggedIn}, {well, outcome.LoggedIn, well}},
			[]string{"Token Rotated: logged_in", "Token Rotated: refreshed"},
		},
		"a failure that lasts, once, and its end": {
			[]run{{bad, well, bad}, {bad, bad, bad}, {outcome.NotDue, bad, bad}, {outcome.RateLimited, bad, outcome.RateLimited}, {well, outcome.RateLimited, well}},
			[]string{"Token Refresh Failed: transient", "Token Rotated: refreshed", "Token Recovered: refreshed"},
		},
		"a failure that the ledger could not note": {
			[]run{{bad, "", ""}, {bad, "", ""}, {outcome.NotDue, well, well}, {outcome.NotDue, well, well}},
			[]string{"Token Refresh Failed: transient", "Token Recovered: not_due"},
		},
		"a process that begins in the middle of one": {
			[]run{{bad, bad, bad}, {outcome.Dead, outcome.Dead, outcome.Dead}},
			[]string{"Token Refresh Failed: dead"},
		},
		"one that is still there": {[]run{{outcome.Dead, outcome.Dead, outcome.Dead}}, nil},
		"one that gets worse, and changes": {
			[]run{
				{bad, well, bad},
				{outcome.Misconfigured, bad, outcome.Misconfigured},
				{outcome.Uncertain, outcome.Misconfigured, outcome.Uncertain},
				{outcome.PersistFailed, outcome.Uncertain, outcome.PersistFailed},
			},
			[]string{
				"Token Refresh Failed: transient", "Token Refresh Failed: misconfigured", "Token Refresh Failed: uncertain",
				"Token Refresh Failed: persist_failed",
			},
		},
		"an attempt that had died": {
			[]run{{outcome.Busy, well, well}, {outcome.Recovered, well, outcome.Recovered}},
			[]string{"Token Rotated: recovered", "Token Recovered: recovered"},
		},
		"what says nothing": {
			[]run{
				{outcome.NotSeeded, "", ""},
				{outcome.Busy, well, well},
				{outcome.Paused, well, well},
				{outcome.Superseded, well, outcome.Superseded},
				{outcome.NotDue, well, well},
			}, nil,
		},
		"a pause is no recovery": {
			[]run{{bad, well, bad}, {outcome.Paused, bad, bad}, {outcome.Busy, bad, bad}, {bad, bad, bad}},
			[]string{"Token Refresh Failed: transient"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &bus{}
			d := &announce.Desk{Bus: b, Log: slog.New(slog.DiscardHandler)}
			for _, r := range tt.runs {
				d.Tell(t.Context(), []announce.End{end(r)})
			}
			if diff := cmp.Diff(tt.want, b.got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A sweep tells neither of its rotations nor, twice, of a failure; of the transactions
// that died it does each time.
func TestSweeps(t *testing.T) {
	t.Parallel()
	b := &bus{}
	d := &announce.Desk{Bus: b, Log: slog.New(slog.DiscardHandler)}
	for _, r := range []struct {
		run
		dead int
	}{
		{run{well, well, well}, 0},
		{run{well, well, well}, 2},
		{run{well, well, well}, 1},
		{run{bad, well, bad}, 0},
		{run{bad, bad, bad}, 1},
		{run{well, bad, well}, 0},
	} {
		e := end(r.run)
		e.Outcomes = map[outcome.Outcome]int{outcome.Dead: r.dead}
		d.Tell(t.Context(), []announce.End{e})
	}
	want := []string{
		"Token Refresh Failed: dead", "Token Refresh Failed: dead", "Token Refresh Failed: transient", "Token Refresh Failed: dead",
		"Token Recovered: refreshed",
	}
	if diff := cmp.Diff(want, b.got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

const (
	well = outcome.Refreshed
	bad  = outcome.Transient
)

// One account's failure says nothing of another's.
func TestAccountsAreToldApart(t *testing.T) {
	t.Parallel()
	b := &bus{}
	d := &announce.Desk{Bus: b, Log: slog.New(slog.DiscardHandler)}
	first, second := end(run{bad, "", ""}), end(run{well, well, well})
	second.Account = "shop-2"
	d.Tell(t.Context(), []announce.End{first, second})
	d.Tell(t.Context(), []announce.End{first, second})
	want := []string{"Token Refresh Failed: transient", "Token Rotated: refreshed", "Token Rotated: refreshed"}
	if diff := cmp.Diff(want, b.got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
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
				d := &announce.Desk{Bus: b, Log: slog.New(slog.NewJSONHandler(&log, nil))}
				d.Tell(ctx, []announce.End{end(run{well, well, well})})
				if took := time.Since(began); took != tt.want {
					t.Errorf("%s, want %s", took, tt.want)
				}
				if !strings.Contains(log.String(), `"WARN"`) {
					t.Errorf("logged %q", log.String())
				}
			})
		})
	}
	var none *announce.Desk
	none.Tell(t.Context(), []announce.End{end(run{well, well, well})}) // does nothing
}
