package loop_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/operator/loop"
)

// diary notes when a job began, in time since the test began.
type diary struct {
	began time.Time
	mu    sync.Mutex
	at    []time.Duration
}

func newDiary() *diary { return &diary{began: time.Now()} }

func (d *diary) note() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = append(d.at, time.Since(d.began))
	return len(d.at)
}

func (d *diary) want(t *testing.T, want ...time.Duration) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	assert.Check(t, is.DeepEqual(d.at, want), "began at")
}

const minute = time.Minute

// Each job is done at once and at each tick. A job that takes longer skips the ticks that it
// misses, never runs twice at once, and delays no other.
func TestTicks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		quick, slow := newDiary(), newDiary()
		var under atomic.Int32
		l := loop.Loop{Every: minute, Log: slog.New(slog.DiscardHandler), Jobs: []loop.Job{
			{Name: "quick", Do: func(context.Context) { quick.note() }},
			{Name: "slow", Do: func(context.Context) {
				assert.Check(t, under.Add(1) <= 1, "the slow job is under way twice")
				if slow.note() == 2 {
					time.Sleep(150 * time.Second)
				}
				time.Sleep(time.Second)
				under.Add(-1)
			}},
		}}
		ctx, cancel := context.WithTimeout(t.Context(), 5*minute+30*time.Second)
		defer cancel()
		l.Run(ctx)
		quick.want(t, 0, minute, 2*minute, 3*minute, 4*minute, 5*minute)
		slow.want(t, 0, minute, 4*minute, 5*minute)
	})
}

// Jobs under way at the end of the loop are completed: their context goes on.
func TestEndWaitsForWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		began := time.Now()
		var finished error
		l := loop.Loop{Every: minute, Log: slog.New(slog.DiscardHandler), Jobs: []loop.Job{
			{Name: "idle", Do: func(context.Context) {}},
			{Name: "busy", Do: func(ctx context.Context) {
				cancel()
				time.Sleep(40 * time.Second)
				finished = ctx.Err()
			}},
		}}
		l.Run(ctx)
		if took := time.Since(began); took != 40*time.Second || finished != nil {
			t.Errorf("it ends after %s, the job's context with %v", took, finished)
		}
		before := newDiary()
		l.Jobs = []loop.Job{{Name: "late", Do: func(context.Context) { before.note() }}}
		l.Run(ctx)
		before.want(t)
	})
}

// A defect in one run must end neither the process nor later runs, and the value of a panic may be
// a token.
func TestPanicIsContained(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		d := newDiary()
		l := loop.Loop{Every: minute, Log: slog.New(slog.NewTextHandler(&out, nil)), Jobs: []loop.Job{
			{Name: "frail", Do: func(context.Context) { d.note(); panic("planted-secret") }},
		}}
		ctx, cancel := context.WithTimeout(t.Context(), minute+time.Second)
		defer cancel()
		l.Run(ctx)
		d.want(t, 0, minute)
		if said := out.String(); strings.Count(said, "msg=panic job=frail type=string") != 2 || strings.Contains(said, "planted-secret") {
			t.Errorf("it logs:\n%s", said)
		}
	})
}

// The watchdog gets signs of life from a loop to its end, and none once a job hangs.
func TestBeat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		beats := newDiary()
		l := loop.Loop{
			Every: minute, Log: slog.New(slog.NewTextHandler(&out, nil)),
			Beat: func() { beats.note() }, BeatEvery: 2 * minute,
			Jobs: []loop.Job{
				{Name: "quick", Do: func(context.Context) {}},
				{Name: "hanging", Do: func(context.Context) { time.Sleep(9*minute + time.Second) }},
			},
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*minute+time.Second)
		defer cancel()
		l.Run(ctx)
		beats.want(t, 0, 2*minute, 4*minute)
		said := out.String()
		assert.Check(t, strings.Count(said, `msg="a job hangs" job=hanging`) == 2, "it logs:\n%s", said)
	})
}
