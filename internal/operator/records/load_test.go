package records_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/operator/bulk"
	"tokenrefresh/internal/operator/records"
	"tokenrefresh/internal/plant"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/sweep"
)

// batch is how many records the loader has under way at once.
const batch = 1024

var errDown = errors.New("model: the store is down")

// recorder is a Recorder in memory that keeps the order of arrival and, as the engine
// does, lets the later record win.
type recorder struct {
	// Fail says how a record ends; nil: it is stored.
	Fail func(sweep.Record) error
	// After is called after each batch.
	After func()

	rows    map[int64]sweep.Record
	batches int
	most    int // records of a batch
}

func (s *recorder) Record(_ context.Context, some []sweep.Record) []sweep.Recorded {
	if s.rows == nil {
		s.rows = map[int64]sweep.Record{}
	}
	results := make([]sweep.Recorded, len(some))
	for i, r := range some {
		results[i] = sweep.Recorded{TransactionID: r.TransactionID, Outcome: outcome.Recorded}
		if s.Fail != nil {
			if err := s.Fail(r); err != nil {
				results[i].Outcome, results[i].Err = outcome.Transient, err
				continue
			}
		}
		if s.rows[r.TransactionID].RecordedAt.After(r.RecordedAt) {
			results[i].Outcome = outcome.Superseded
			continue
		}
		s.rows[r.TransactionID] = r
	}
	s.batches++
	s.most = max(s.most, len(some))
	if s.After != nil {
		s.After()
	}
	return results
}

// loading is a file that is loaded once or several times.
type loading struct {
	*recorder
	path    string
	target  string
	refused []int
}

// file has lines of transactions 1 to n.
func file(t *testing.T, n int) *loading {
	t.Helper()
	var text bytes.Buffer
	for id := range n {
		fmt.Fprintf(&text, `{"transaction_id":%d,"refresh_token":"%s-%d"}`+"\n", id+1, plant.Marker, id+1)
	}
	path := filepath.Join(t.TempDir(), "f.jsonl")
	assert.NilError(t, os.WriteFile(path, text.Bytes(), 0o600))
	return &loading{recorder: &recorder{}, path: path, target: "here"}
}

func (l *loading) load(ctx context.Context, t *testing.T, restart bool) (bulk.Summary, error) {
	t.Helper()
	text, err := os.Open(l.path)
	assert.NilError(t, err)
	defer func() { _ = text.Close() }()
	load := records.Load(l.recorder, records.JSONLines, "")
	load.Text, load.Target, load.Progress, load.Restart, load.Moved = text, l.target, l.progress(), restart, func(int64) {}
	load.Refused = func(line int, err error) {
		l.refused = append(l.refused, line)
		assert.Check(t, !plant.Shown(err), "the error shows a token: %v", err)
	}
	summary, err := load.Run(ctx)
	assert.Check(t, !plant.Shown(err), "the error shows a token: %v", err)
	return summary, err
}

func (l *loading) progress() string { return l.path + ".progress" }

// wantProgress wants the progress to be kept, or not, without secrets.
func (l *loading) wantProgress(t *testing.T, want bool) {
	t.Helper()
	text, err := os.ReadFile(l.progress())
	if !want {
		assert.Check(t, errors.Is(err, fs.ErrNotExist), "the progress is left behind: %v", err)
		return
	}
	assert.NilError(t, err)
	assert.Check(t, !strings.Contains(string(text), plant.Marker), "the progress holds a token: %s", text)
	info, err := os.Stat(l.progress())
	assert.Check(t, err == nil && info.Mode().Perm() == 0o600, "mode %v, %v", info.Mode(), err)
}

func want(t *testing.T, got bulk.Summary, err error, want bulk.Summary) {
	t.Helper()
	assert.Check(t, err == nil, "error %v", err)
	assert.Check(t, is.DeepEqual(got, want), "summary")
}

func TestLoadIsBounded(t *testing.T) {
	t.Parallel()
	l := file(t, 5*batch+1)
	got, err := l.load(t.Context(), t, false)
	want(t, got, err, bulk.Summary{From: 1, Line: 5*batch + 1, Stored: 5*batch + 1})
	assert.Check(t, l.most == batch && l.batches == 6, "%d batches of up to %d", l.batches, l.most)
	l.wantProgress(t, false)
}

// After an interrupt the batch is completed; the next run goes on after it. Records without a time
// get that of the first run, or they would overtake later ones.
func TestInterruptedAndResumed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := file(t, 3*batch)
		ctx, cancel := context.WithCancel(t.Context())
		l.After = cancel
		got, err := l.load(ctx, t, false)
		assert.Assert(t, errors.Is(err, bulk.ErrStopped) && got.Line == batch && got.Stored == batch,
			"%+v, %v", got, err)
		l.wantProgress(t, true)

		time.Sleep(time.Minute)
		news := sweep.Record{TransactionID: 2 * batch, Status: store.StatusCompleted, RecordedAt: time.Now()}
		l.rows[news.TransactionID] = news
		time.Sleep(time.Minute)
		l.After = nil
		got, err = l.load(t.Context(), t, false)
		want(t, got, err, bulk.Summary{From: batch + 1, Line: 3 * batch, Stored: 2*batch - 1, Passed: 1})
		assert.Check(t, l.rows[news.TransactionID].Status == store.StatusCompleted,
			"what came between the runs is overtaken")
		assert.Check(t, len(l.rows) == 3*batch, "%d rows", len(l.rows))
		l.wantProgress(t, false)
	})
}

// A process that dies after a batch and before noting it stores the batch again.
func TestDiesWithinABatch(t *testing.T) {
	t.Parallel()
	l := file(t, 2*batch)
	l.After = func() {
		if l.batches == 2 {
			panic("killed")
		}
	}
	func() {
		defer func() { _ = recover() }()
		_, _ = l.load(t.Context(), t, false)
	}()
	before := map[int64]sweep.Record{}
	for id, r := range l.rows {
		before[id] = r
	}
	l.After = nil
	got, err := l.load(t.Context(), t, false)
	want(t, got, err, bulk.Summary{From: batch + 1, Line: 2 * batch, Stored: batch})
	for id, r := range before {
		assert.Assert(t, l.rows[id] == r, "transaction %d has changed", id)
	}
}

// A store that is down for a while only costs time; one that stays down ends the run, and the next
// run goes on there.
func TestStoreIsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := file(t, 2*batch)
		up := time.Now().Add(3 * time.Second)
		l.Fail = func(sweep.Record) error {
			if l.batches > 0 && time.Now().Before(up) {
				return errDown
			}
			return nil
		}
		got, err := l.load(t.Context(), t, false)
		want(t, got, err, bulk.Summary{From: 1, Line: 2 * batch, Stored: 2 * batch})

		l.batches, up = 0, time.Now().Add(time.Hour)
		got, err = l.load(t.Context(), t, false)
		assert.Assert(t, errors.Is(err, errDown) && got.Line == batch, "%+v, %v", got, err)
		time.Sleep(time.Hour)
		got, err = l.load(t.Context(), t, false)
		want(t, got, err, bulk.Summary{From: batch + 1, Line: 2 * batch, Stored: batch})
	})
}

// Without a permission nothing is tried a second time.
func TestForbidden(t *testing.T) {
	t.Parallel()
	l := file(t, batch)
	l.Fail = func(sweep.Record) error { return store.ErrForbidden }
	_, err := l.load(t.Context(), t, false)
	assert.Check(t, errors.Is(err, store.ErrForbidden) && l.batches == 1, "%d batches, %v", l.batches, err)
}

// A row that cannot be stored affects no other. The same command tries it again, with all its lines
// in their order.
func TestPoisonedRow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := file(t, 2*batch)
		text, err := os.OpenFile(l.path, os.O_APPEND|os.O_WRONLY, 0)
		assert.NilError(t, err)
		fmt.Fprintf(text, `{"transaction_id":7,"status":"completed"}`+"\n")
		assert.NilError(t, text.Close())
		l.Fail = func(r sweep.Record) error {
			if r.TransactionID == 7 && r.Status != store.StatusCompleted {
				return errDown
			}
			return nil
		}
		for range 2 {
			got, err := l.load(t.Context(), t, false)
			assert.Assert(t, err == nil && got.Failed == 1 && slices.Equal(l.refused, []int{7}),
				"%+v of %v, %v", got, l.refused, err)
			l.refused = nil
			l.wantProgress(t, true)
		}
		l.Fail = nil
		got, err := l.load(t.Context(), t, false)
		want(t, got, err, bulk.Summary{From: 2*batch + 2, Line: 2*batch + 1, Stored: 2})
		if l.rows[7].Status != store.StatusCompleted {
			t.Errorf("an older line came last: %+v", l.rows[7])
		}
		l.wantProgress(t, false)
	})
}

// A run does not continue the progress of another target or another text.
func TestProgressOfAnother(t *testing.T) {
	t.Parallel()
	l := file(t, 2*batch)
	ctx, cancel := context.WithCancel(t.Context())
	l.After = cancel
	_, err := l.load(ctx, t, false)
	assert.Assert(t, errors.Is(err, bulk.ErrStopped), err)
	l.After, l.batches = nil, 0

	l.target = "elsewhere"
	_, err = l.load(t.Context(), t, false)
	assert.Check(t, err != nil && strings.Contains(err.Error(), "--restart"), "another home: %v", err)
	l.target = "here"
	text, err := os.ReadFile(l.path)
	assert.NilError(t, err)
	edited := bytes.Replace(text, []byte(`"transaction_id":9,`), []byte(`"transaction_id":8,`), 1)
	assert.NilError(t, os.WriteFile(l.path, edited, 0o600))
	if _, err := l.load(t.Context(), t, false); err == nil || !strings.Contains(err.Error(), "line 1024 of the file, or one before it, has changed") {
		t.Errorf("another text: %v", err)
	}
	assert.NilError(t, os.WriteFile(l.path, text[:100], 0o600))
	_, err = l.load(t.Context(), t, false)
	assert.Check(t, err != nil, "a text that was cut goes on")
	assert.Check(t, l.batches == 0, "%d batches were recorded", l.batches)
	assert.NilError(t, os.WriteFile(l.path, edited, 0o600))
	got, err := l.load(t.Context(), t, true)
	want(t, got, err, bulk.Summary{From: 1, Line: 2 * batch, Stored: 2 * batch})
	l.wantProgress(t, false)
}

func TestProgressThatCannotBeRead(t *testing.T) {
	t.Parallel()
	l := file(t, 1)
	assert.NilError(t, os.WriteFile(l.progress(), nil, 0o600))
	_, err := l.load(t.Context(), t, false)
	assert.Check(t, err != nil && strings.Contains(err.Error(), "--restart"), "error %v", err)
	got, err := l.load(t.Context(), t, true)
	want(t, got, err, bulk.Summary{From: 1, Line: 1, Stored: 1})
}

// Refused lines of an interrupted run count in the end.
func TestRefusedBeforeAnInterrupt(t *testing.T) {
	t.Parallel()
	l := file(t, 2*batch)
	text, err := os.ReadFile(l.path)
	assert.NilError(t, err)
	assert.NilError(t, os.WriteFile(l.path, append([]byte("wrong\n"), text...), 0o600))
	ctx, cancel := context.WithCancel(t.Context())
	l.After = cancel
	_, err = l.load(ctx, t, false)
	assert.Assert(t, errors.Is(err, bulk.ErrStopped), err)
	l.After = nil
	got, err := l.load(t.Context(), t, false)
	want(t, got, err, bulk.Summary{From: batch + 2, Line: 2*batch + 1, Stored: batch, Refused: 1})
	assert.Check(t, slices.Equal(l.refused, []int{1}), "told of %v", l.refused)
}
