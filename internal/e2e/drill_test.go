package e2e_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/alarm"
	"tokenrefresh/internal/runtimeapi"
	"tokenrefresh/internal/sandbox"
)

// drill plays an outage against a function, minute by minute, and watches the template's
// alarms over what it tells.
type drill struct {
	*credential
	f       *function
	alarms  []alarm.Alarm
	samples []alarm.Sample
	ringing map[string]bool // by short name
	rang    []string        // short names in the order in which they began to ring

	clock   time.Time     // the drill's; a minute begins
	began   time.Time     // the drill's, when its credential got its tokens
	real    time.Time     // and the machine's
	elapsed time.Duration // by which rows were moved
	minutes int           // that it has lasted
	logged  int           // how much of the log was read
	letters int           // in the queue of failed runs
	waits   bool          // an event that Lambda cannot start the function for

	transaction sandbox.Transaction // Berbix's
	ends        time.Time           // of the readers' access token, on the drill's clock
	ended       time.Time           // when it did, or was revoked; zero: never
}

const (
	// maxPeriods is how far back an alarm looks that takes missing data for a breach.
	maxPeriods = 5
	// healthyMinutes is how long a drill is without an outage. In the next minute a
	// refresh is due.
	healthyMinutes = maxPeriods + 1
)

// newDrill makes a credential that has its tokens and is due in healthyMinutes.
func newDrill(t *testing.T, o calamity) *drill {
	t.Helper()
	w := newWorld(t, nil) // a scheduled run looks at all accounts
	c := w.credential(t, o.provider, defaultAccount, sandbox.Options{})
	d := &drill{
		credential: c, f: c.startWith(t, o.environment), ringing: map[string]bool{},
		began: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	all, err := alarm.All(w.stack.Template)
	assert.NilError(t, err)
	d.alarms = slices.DeleteFunc(all, func(a alarm.Alarm) bool {
		return a.Dimensions["provider"] != string(o.provider) && a.Dimensions["FunctionName"] != c.logicalID && a.Dimensions["QueueName"] == ""
	})
	d.prepare(t, o)
	return d
}

// prepare gets tokens and lets the time pass until the first healthy minute.
func (d *drill) prepare(t *testing.T, o calamity) {
	t.Helper()
	d.seed(t, nil)
	var due time.Time
	if o.provider == sandbox.Berbix {
		d.transaction = d.newTransaction()
		d.record(t, d.f, d.transaction)
		d.f.want(t, d.f.tick, "refreshed")
		due = d.credential.transaction(t, d.transaction.ID).at(t, "refresh_at")
	} else {
		d.f.want(t, d.f.tick, "logged_in")
		due = d.ledger(t).at(t, "refresh_at")
	}
	if o.noLogin {
		d.seed(t, noLogin[o.provider])
	}
	d.real = time.Now()
	wait := time.Until(due)
	first := wait.Truncate(time.Minute) // tick that is due
	if first < wait {
		first += time.Minute
	}
	d.clock = d.began.Add(first - (healthyMinutes+1)*time.Minute)
	d.logged = len(d.f.Logs())
}

// minute runs the next minute: what the schedule does in it, and then the alarms.
func (d *drill) minute(t *testing.T, scheduled func(t *testing.T, d *drill)) {
	t.Helper()
	d.clock = d.clock.Add(time.Minute)
	if behind := (d.clock.Sub(d.began) - time.Since(d.real) - d.elapsed).Truncate(time.Second); behind > 0 {
		d.elapsed += behind
		d.elapse(t, behind)
		if d.transaction.ID != 0 {
			d.elapseTransaction(t, d.transaction.ID, behind)
		}
	}
	scheduled(t, d)
	d.listen(t)
	d.ends = d.clock.Add(time.Until(d.expiry(t)))
	d.tell("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "DeadLetters.QueueName", float64(d.letters))
	if d.minutes++; d.minutes >= maxPeriods {
		d.look()
	}
	if d.ended.IsZero() && !d.usable(t) {
		d.ended = d.clock
		if d.ends.Before(d.ended) {
			d.ended = d.ends
		}
	}
}

// invoke is what the schedule does: an asynchronous run, of which the failed event is
// kept in the queue.
func (d *drill) invoke(t *testing.T, event string) {
	t.Helper()
	_, err := d.f.try(t.Context(), event)
	var fault *runtimeapi.FunctionError
	failed := 0.0
	if errors.As(err, &fault) {
		failed = 1
		d.letters++
	} else if err != nil {
		t.Fatal(err)
	}
	d.tell("AWS/Lambda", "Errors", "FunctionName", d.logicalID, failed)
	d.tell("AWS/Lambda", "AsyncEventsDropped", "FunctionName", d.logicalID, failed) // as it is not tried again
	d.tell("AWS/Lambda", "Throttles", "FunctionName", d.logicalID, 0)
}

// tell adds what AWS measures by itself.
func (d *drill) tell(namespace, metric, dimension, of string, value float64) {
	d.samples = append(d.samples, alarm.Sample{
		At: d.clock, Namespace: namespace, Metric: metric, Dimensions: map[string]string{dimension: of}, Value: value,
	})
}

// listen takes the metrics that the function has written since.
func (d *drill) listen(t *testing.T) {
	t.Helper()
	news := d.f.Logs()[d.logged:]
	news = news[:strings.LastIndex(news, "\n")+1]
	d.logged += len(news)
	for line := range strings.Lines(news) {
		if !strings.HasPrefix(line, "{") {
			continue // of a process that died
		}
		told, err := alarm.Samples([]byte(line))
		assert.Assert(t, err == nil, "%v: %s", err, line)
		for _, s := range told {
			s.At = d.clock
			d.samples = append(d.samples, s)
		}
	}
}

// expiry is when the newest access token ends, by the machine's clock.
func (d *drill) expiry(t *testing.T) time.Time {
	t.Helper()
	if d.provider == sandbox.Berbix {
		return d.credential.transaction(t, d.transaction.ID).at(t, "access_expires_at")
	}
	return d.ledger(t).at(t, "access_expires_at")
}

// look asks the alarms at the end of the minute.
func (d *drill) look() {
	for _, a := range d.alarms {
		name := d.short(a)
		rings := a.Rings(d.samples, d.clock.Add(time.Minute), d.ringing[name])
		if rings && !d.ringing[name] && !slices.Contains(d.rang, name) {
			d.rang = append(d.rang, name)
		}
		d.ringing[name] = rings
	}
}

// last are the last lines of the log.
func (d *drill) last() string {
	lines := strings.Split(strings.TrimSpace(d.f.Logs()), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}

// usable reports whether readers have a token that the provider takes.
func (d *drill) usable(t *testing.T) bool {
	t.Helper()
	if !d.clock.Before(d.ends) {
		return false
	}
	if d.provider == sandbox.Berbix {
		return true
	}
	return d.sandbox.Valid(d.provider, d.current(t, "access").fields["access_token"])
}

// short is the name of an alarm without stack and function: "breaks-soon".
func (d *drill) short(a alarm.Alarm) string {
	name := strings.TrimPrefix(a.Name, d.stack.Name+"-")
	return strings.TrimPrefix(name, "refresh-"+string(d.provider)+"-")
}

// crossing says when the alarm of that short name rings.
func (d *drill) crossing(name string) string {
	i := slices.IndexFunc(d.alarms, func(a alarm.Alarm) bool { return d.short(a) == name })
	if i < 0 {
		return ""
	}
	return d.alarms[i].Crossing()
}

// finding is what a drill has found.
type finding struct {
	calamity calamity
	alarms   []string // in the order in which they rang
	crossing string
	after    time.Duration // from the begin of the outage to the first alarm
	before   time.Duration // from the first alarm to the end of the readers' token
	ended    bool          // whether it ends, and none came instead
}

const (
	// watched is for how long an outage lasts after the first alarm, for the table.
	watched = 10 * time.Minute
	// tooLong is how long one may be unheard.
	tooLong = 3 * time.Hour
)

// play lets the outage last until an alarm rings, and then for a while.
func (d *drill) play(t *testing.T, o calamity) finding {
	t.Helper()
	tick := func(t *testing.T, d *drill) {
		t.Helper()
		d.invoke(t, d.f.tick)
	}
	for range healthyMinutes {
		d.minute(t, tick)
	}
	assert.Assert(t, len(d.rang) == 0, "rings while all is well: %v\n%s", d.rang, d.last())
	if o.begin != nil {
		o.begin(t, d)
	}
	if o.minute != nil {
		tick = o.minute
	}
	began, ends := d.clock.Add(time.Minute), d.ends
	var first time.Time
	for first.IsZero() || *writeDrill && d.clock.Before(first.Add(watched)) {
		assert.Assert(t, d.clock.Sub(began) <= tooLong, "nothing rings\n%s", d.last())
		d.minute(t, tick)
		if first.IsZero() && len(d.rang) > 0 {
			first = d.clock.Add(time.Minute)
			// Of those that ring in the same minute the one that says most.
			if i := slices.Index(d.rang, o.alarm); i > 0 {
				d.rang = append([]string{o.alarm}, slices.Delete(d.rang, i, i+1)...)
			}
		}
	}
	d.f.wire.clear()
	found := finding{
		calamity: o, alarms: d.rang, crossing: d.crossing(d.rang[0]), after: first.Sub(began), ended: !d.ends.After(ends.Add(time.Minute)),
	}
	if found.before = ends.Sub(first); !d.ended.IsZero() {
		found.ended, found.before = true, d.ended.Sub(first)
	}
	return found
}

// TestDrill plays outages against the real functions: the alarm that is meant for each
// must be the first to ring, and none may ring before it begins. Without -drill it plays
// one for each alarm.
//
//nolint:tparallel // its only subtest is to end before it goes on
func TestDrill(t *testing.T) {
	t.Parallel()
	found := make([]finding, len(calamities))
	t.Run("outages", func(t *testing.T) {
		played := map[string]bool{}
		for i, o := range calamities {
			if played[o.alarm] && !*writeDrill {
				continue
			}
			played[o.alarm] = true
			t.Run(o.name, func(t *testing.T) {
				t.Parallel()
				d := newDrill(t, o)
				found[i] = d.play(t, o)
				if found[i].alarms[0] != o.alarm {
					t.Errorf("%v ring, want %s first\n%s", found[i].alarms, o.alarm, d.last())
				}
				d.heard.check(t, d.sandbox.Secrets())
				n := d.sandbox.Stats(d.provider).Replays
				assert.Check(t, n == 0, "%d replays", n)
			})
		}
	})
	if *writeDrill && !t.Failed() {
		writeTable(t, found)
	}
}
