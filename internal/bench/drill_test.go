package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/alarm"
	"tokenrefresh/internal/template"
	"tokenrefresh/pkg/announce"
	"tokenrefresh/pkg/config"
	"tokenrefresh/pkg/handler"
	"tokenrefresh/pkg/refresh"
	"tokenrefresh/pkg/telemetry"
)

var drilled = flag.Bool("drill", false, "play outages with a thousand accounts, and write the table of docs/many-accounts.md")

const (
	manyAccounts = "../../docs/many-accounts.md"
	drillBegins  = "<!-- make drill: begin -->\n"
	drillEnds    = "<!-- make drill: end -->\n"
)

// trouble is an outage of some of a thousand accounts.
type trouble struct {
	name  string
	rings string // what tells of it first: an alarm, or a notice
	begin func(c *cloud)
	known bool // the quota, to the function
	gone  bool // the schedule
}

var troubles = []trouble{
	{name: "The provider cannot be reached", rings: "breaks-soon", begin: func(c *cloud) { c.down = true }},
	{name: "The provider gives one in a hundred accounts no answer", rings: "breaks-soon", begin: func(c *cloud) { c.hangs = oneIn(100) }},
	{name: "One account's refresh token is revoked, without a login", rings: "a notice", begin: func(c *cloud) { c.refuses = first(1) }},
	{name: "The refresh tokens of all are revoked, without a login", rings: "a notice", begin: func(c *cloud) { c.refuses = oneIn(1) }},
	{name: "Something else leaves Secrets Manager half of the writes that are needed", rings: "persist-failed", begin: halve},
	{name: "There are twice as many accounts as the quota bears", rings: "breaks-soon", begin: halve, known: true},
	{name: "Secrets Manager takes no writes", rings: "persist-failed", begin: func(c *cloud) { c.quota = 0 }},
	{name: "The schedule is gone", rings: "expiry", gone: true},
}

// halve makes the quota half of what all accounts need.
func halve(c *cloud) { c.quota = float64(len(c.rows)) * 4 / interval(hesabeLife).Seconds() / 2 }

// oneIn is one in so many accounts, first so many of the first.
func oneIn(n int) func(string) bool {
	return func(account string) bool { return number(account)%n == 0 }
}

func first(n int) func(string) bool {
	return func(account string) bool { return number(account) < n }
}

func number(account string) (n int) {
	_, _ = fmt.Sscanf(account, "shop-%d", &n)
	return n
}

// watch is a function over a cloud, and what rings for it.
type watch struct {
	*cloud
	function *handler.Refresh
	log      bytes.Buffer
	alarms   []alarm.Alarm
	samples  []alarm.Sample
	ringing  map[string]bool
	rang     []string // in their order
	at       []time.Time
}

func newWatch(t *testing.T, c *cloud) *watch {
	t.Helper()
	w := &watch{cloud: c, ringing: map[string]bool{}}
	loaded, err := template.Load("../../template.yaml")
	assert.NilError(t, err)
	stack, err := loaded.Stack(nil)
	assert.NilError(t, err)
	w.alarms, err = alarm.All(stack)
	assert.NilError(t, err)
	w.alarms = slices.DeleteFunc(w.alarms, func(a alarm.Alarm) bool {
		return a.Dimensions["provider"] != c.Name() && a.Dimensions["FunctionName"] != "RefreshHesabe"
	})
	environment := stack.Environment("RefreshHesabe")
	cfg, err := config.ForRefresh(func(name string) string { return environment[name] })
	assert.NilError(t, err)
	cfg.Accounts = nil
	log := telemetry.NewLogger(&w.log, cfg.LogLevel)
	w.function = handler.NewRefresh(refresh.Engine{Provider: c, Secrets: c, Ledger: c, WriteRate: secretWrites}, cfg, log)
	w.function.Announce = &announce.Notifier{Bus: w, Log: log, Mark: func(ctx context.Context, _, account, told string) error {
		return c.SetTold(ctx, c.key(account), told)
	}}
	return w
}

// Put implements announce.Bus.
func (w *watch) Put(_ context.Context, events []announce.Event) error {
	for _, e := range events {
		if e.Type == announce.Failed {
			w.rings("a notice")
		}
		if len(e.Accounts) > 0 {
			w.rings("a digest of notices")
		}
	}
	return nil
}

func (w *watch) rings(what string) {
	if !slices.Contains(w.rang, what) {
		w.rang, w.at = append(w.rang, what), append(w.at, time.Now())
	}
}

// minute is one minute of the schedule, and then the alarms.
func (w *watch) minute(t *testing.T, gone bool) {
	t.Helper()
	began := time.Now()
	if !gone {
		w.run(t, began)
	}
	time.Sleep(time.Until(began.Add(tick)))
	hour := slices.IndexFunc(w.samples, func(s alarm.Sample) bool { return time.Since(s.At) < time.Hour })
	w.samples = w.samples[max(0, hour):]
	for _, a := range w.alarms {
		name := strings.TrimPrefix(a.Name[strings.LastIndex(a.Name, "refresh-"):], "refresh-hesabe-")
		if w.ringing[a.ID] = a.Rings(w.samples, time.Now(), w.ringing[a.ID]); w.ringing[a.ID] {
			w.rings(name)
		}
	}
}

// run invokes the function, and takes the metrics that it writes.
func (w *watch) run(t *testing.T, began time.Time) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), manyTimeout)
	defer cancel()
	w.log.Reset()
	failed := 0.0
	if _, err := w.function.Invoke(ctx, []byte(`{}`)); err != nil {
		failed = 1
	}
	for line := range strings.Lines(w.log.String()) {
		told, err := alarm.Samples([]byte(line))
		assert.Assert(t, err == nil, "%v: %s", err, line)
		for _, s := range told {
			s.At = began
			w.samples = append(w.samples, s)
		}
	}
	for _, metric := range []string{"Errors", "AsyncEventsDropped", "Throttles"} {
		s := alarm.Sample{At: began, Namespace: "AWS/Lambda", Metric: metric, Dimensions: map[string]string{"FunctionName": "RefreshHesabe"}}
		if metric != "Throttles" {
			s.Value = failed
		}
		w.samples = append(w.samples, s)
	}
}

// TestDrillOfAThousand plays outages of some of a thousand accounts: what tells of them first is
// what is meant to. Without -drill there are fewer accounts.
//
//nolint:tparallel // its subtests are to end before it goes on
func TestDrillOfAThousand(t *testing.T) {
	t.Parallel()
	accounts := 100
	if *drilled {
		accounts = 1000
	}
	rows := make([]string, len(troubles))
	t.Run("outages", func(t *testing.T) {
		for i, o := range troubles {
			if o.known && !*drilled {
				continue // in half of what so few need, the writes of one refresh do not fit
			}
			t.Run(o.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { rows[i] = o.play(t, accounts) })
			})
		}
	})
	if *drilled && !t.Failed() {
		table := "| outage | what rings first | after | which is | then |\n|---|---|---|---|---|\n" + strings.Join(rows, "")
		before, _, after := drillTable(t)
		assert.NilError(t, os.WriteFile(manyAccounts, []byte(before+drillBegins+table+drillEnds+after), 0o600))
	}
}

// play begins the outage once all is well, and returns what it has found as a line of the table.
func (o trouble) play(t *testing.T, accounts int) string {
	t.Helper()
	const well, longest, watched = 40, 180, 10 // minutes
	c := newCloud(accounts)
	w := newWatch(t, c)
	for range well {
		w.minute(t, false)
	}
	w.rang, w.at = nil, nil
	assert.Assert(t, !slices.ContainsFunc(w.alarms, func(a alarm.Alarm) bool { return w.ringing[a.ID] }),
		"rings while all is well: %v\n%s", w.ringing, w.log.String())
	began := time.Now()
	if o.begin != nil {
		o.begin(c)
	}
	if o.known {
		w.function.Engine.WriteRate = c.quota
	}
	for minute := 0; minute < longest && (len(w.rang) == 0 || time.Since(w.at[0]) < watched*time.Minute); minute++ {
		w.minute(t, o.gone)
	}
	assert.Assert(t, len(w.rang) != 0 && w.rang[0] == o.rings, "%v ring, want %s first", w.rang, o.rings)
	ends, ended := time.Time{}, 0
	for _, until := range c.published {
		if until.Before(time.Now()) {
			ended++
			if ends.IsZero() || until.Before(ends) {
				ends = until
			}
		}
	}
	which, then := "no token ended", "–"
	switch before := ends.Sub(w.at[0]).Round(30 * time.Second); {
	case ended > 0 && before < 0:
		which = minutes(-before) + " after the first token ended"
	case ended > 0:
		which = minutes(before) + " before the first token ends"
	}
	if len(w.rang) > 1 {
		then = "`" + strings.Join(w.rang[1:], "`, `") + "`"
	}
	after := w.at[0].Sub(began).Round(30 * time.Second)
	return fmt.Sprintf("| %s | `%s` | %s | %s | %s |\n", o.name, w.rang[0], minutes(after), which, then)
}

func minutes(d time.Duration) string { return fmt.Sprintf("%g min", d.Minutes()) }

// drillTable splits the document at its table.
func drillTable(t *testing.T) (before, table, after string) {
	t.Helper()
	text, err := os.ReadFile(manyAccounts)
	assert.NilError(t, err)
	before, rest, ok := strings.Cut(string(text), drillBegins)
	table, after, there := strings.Cut(rest, drillEnds)
	assert.Assert(t, ok && there, "%s has no table", manyAccounts)
	return before, table, after
}

// The document tells of the outages that are drilled, and of what rings first.
func TestDrillOfAThousandIsDocumented(t *testing.T) {
	t.Parallel()
	_, table, _ := drillTable(t)
	for _, o := range troubles {
		assert.Check(t, strings.Contains(table, fmt.Sprintf("| %s | `%s` |", o.name, o.rings)),
			"run make drill: the table does not say that %s rings first if this happens: %s", o.rings, o.name)
	}
}
