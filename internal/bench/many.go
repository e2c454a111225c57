package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"tokenrefresh/internal/fakeaws"
	"tokenrefresh/internal/runtimeapi"
	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

const (
	// Of a run over many accounts: what Secrets Manager takes a second, and how long calls take.
	secretWrites = 50
	manyProvider = 300 * time.Millisecond
	manyAWS      = 20 * time.Millisecond
	manyTimeout  = 60 * time.Second // the template's
	hesabeLife   = 15 * time.Minute
)

// shop is what an account's row says when a run finds it.
type shop struct {
	due     time.Duration // ago; negative: to come
	expires time.Duration // from now
	hangs   bool          // its provider does not answer
}

// manyRun is what one run over many accounts has done.
type manyRun struct {
	took      time.Duration
	outcomes  map[string]int
	ends      []string // how it ended for each shop, in their order
	logged    int      // bytes
	throttled int
	secrets   int // calls to Secrets Manager
	units     fakeaws.Units
	peakMiB   float64
	cpu       time.Duration
}

// measureMany lets the shipped function look after thousands of accounts, at a share of a
// processor.
func measureMany(ctx context.Context, p plan, out io.Writer) error {
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	progress("building refresh-hesabe")
	binary, err := build(ctx, p.temporaryFiles, "functions/refresh-hesabe", "")
	if err != nil {
		return err
	}
	due := slices.Repeat([]shop{{due: time.Minute, expires: -time.Minute}}, 1000) // whose names come first
	due = append(due, slices.Repeat([]shop{{due: time.Minute, expires: 2 * time.Minute}}, 1000)...)
	hanging := slices.Repeat([]shop{{due: time.Minute, expires: 2 * time.Minute}}, 200)
	for i := range hanging {
		hanging[i].hangs = i%5 == 0
	}
	idle := slices.Repeat([]shop{{due: -5 * time.Minute, expires: 8 * time.Minute}}, 10_000)

	fmt.Fprintf(out, "\nOne run of refresh-hesabe with the template's settings at its share of a processor; the provider takes\n"+
		"%v, AWS %v, and Secrets Manager %d writes a second.\n\n", manyProvider, manyAWS, secretWrites)
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "accounts\tMB\tit takes\tof it CPU\trefreshed\tleft\tothers\tthrottled\tcalls to Secrets Manager\t"+
		"log, KB\tpeak, MiB")
	var targets []target
	runs := map[string]manyRun{}
	for _, one := range []struct {
		name      string
		shops     []shop
		megabytes int
		targets   func(manyRun) []target
	}{
		{"2,000 due", due, 128, func(r manyRun) []target {
			return []target{
				{name: "refreshes of a run at 128 MB", measured: float64(r.outcomes["refreshed"]), least: true, limit: 480},
				{name: "of them whose tokens live, share", measured: r.living(due), least: true, limit: 0.7},
			}
		}},
		{"2,000 due", due, 256, nil},
		{"2,000 due", due, 512, nil},
		{"200 due, 40 of them hang", hanging, 128, func(r manyRun) []target {
			healthy := float64(r.outcomes["refreshed"])
			return []target{{name: "refreshed of 160 beside 40 that hang", measured: healthy, least: true, limit: 160}}
		}},
		{"20,000, none due", slices.Concat(idle, idle), 128, func(r manyRun) []target {
			return []target{{name: "memory with 20,000 idle accounts, MiB", measured: r.peakMiB, limit: 128}}
		}},
		{"10,000, none due", idle, 128, func(r manyRun) []target {
			return []target{
				{name: "10,000 idle accounts at 128 MB, s", measured: r.took.Seconds(), limit: 4},
				{name: "their log, KB", measured: float64(r.logged) / 1024, limit: 64},
			}
		}},
	} {
		progress("%s at %d MB", one.name, one.megabytes)
		r, err := runMany(ctx, p, binary, one.shops, one.megabytes)
		if err != nil {
			fmt.Fprintf(out, "Skipped, %s at %d MB: %v\n", one.name, one.megabytes, err)
			continue
		}
		if one.megabytes == memoryMB {
			runs[one.name] = r
		}
		others := 0
		for what, n := range r.outcomes {
			if what != "refreshed" && what != "left" {
				others += n
			}
		}
		fmt.Fprintf(table, "%s\t%d\t%.1f s\t%.2f s\t%d\t%d\t%d\t%d\t%d\t%.0f\t%.0f\n", one.name, one.megabytes,
			r.took.Seconds(), r.cpu.Seconds(),
			r.outcomes["refreshed"], r.outcomes["left"], others, r.throttled, r.secrets, float64(r.logged)/1024, r.peakMiB)
		if one.targets != nil {
			targets = append(targets, one.targets(r)...)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(runs) < 3 {
		return writeTargets(out, targets)
	}
	costs, err := writeCosts(out, runs["2,000 due"], runs["10,000, none due"], len(idle))
	return errors.Join(err, writeTargets(out, append(targets, costs...)))
}

// writeCosts writes what Hesabe accounts cost a month: each refresh, and each row in each tick,
// as the runs have measured them.
func writeCosts(out io.Writer, busy, idle manyRun, rows int) ([]target, error) {
	const (
		secretsEach   = 3
		hesabeMetrics = 11 // at most: some come in few hours alone
		hesabeAlarms  = 11
	)
	refreshed := float64(busy.outcomes["refreshed"])
	refresh := usage{
		writes: busy.units.Writes / refreshed, secrets: float64(busy.secrets) / refreshed,
		seconds: 1. / (secretWrites / 4.), // as fast as the quota allows
	}
	// The rows here are of the first hour; later they may be 1 KB.
	row := usage{reads: max(0.25, idle.units.Reads/float64(rows)), seconds: idle.took.Seconds() / float64(rows)}
	fmt.Fprintf(out, "\nA refresh takes %.1f calls to Secrets Manager, %.1f write units of DynamoDB and %.0f bytes of log;\n"+
		"a row %.2f read units in each tick.\n\n", refresh.secrets, refresh.writes, float64(busy.logged)/refreshed, row.reads)
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "Hesabe accounts\trefreshes a month\tsecrets\ttheir calls\tDynamoDB\tLambda\tlogs\tmetrics, alarms\tsum")
	var targets []target
	for _, n := range []float64{200, 1000, 5000} {
		refreshes := n * float64(month) / float64(interval(hesabeLife))
		u := usage{}.plus(refresh, refreshes).plus(row, n*ticks)
		parts := []float64{
			secretsEach * n * list.secret, u.secrets * list.secretsCall, u.writes*list.dynamoDBWrite + u.reads*list.dynamoDBRead,
			ticks*list.lambdaRequest + u.seconds*memoryMB/1024*list.lambdaGBSecond,
			refreshes * float64(busy.logged) / refreshed / 1e9 * list.logGB, hesabeMetrics*list.metric + hesabeAlarms*list.alarm,
		}
		sum := 0.0
		fmt.Fprintf(table, "%.0f\t%.1f million\t", n, refreshes/1e6)
		for _, part := range parts {
			sum += part
			fmt.Fprintf(table, "$%.2f\t", part)
		}
		fmt.Fprintf(table, "$%.2f\n", sum)
		if n == 1000 {
			targets = append(targets, target{name: "1,000 accounts a month, $", measured: sum, limit: 1400})
		}
	}
	return targets, table.Flush()
}

// living is the share of the refreshed shops whose tokens lived when the run found them.
func (r manyRun) living(shops []shop) float64 {
	n := 0
	for i, s := range shops {
		if s.expires > 0 && r.ends[i] == "refreshed" {
			n++
		}
	}
	return float64(n) / float64(r.outcomes["refreshed"])
}

// runMany starts the function, makes shops of its first account, and lets it run once.
func runMany(ctx context.Context, p plan, binary string, shops []shop, megabytes int) (manyRun, error) {
	w, err := newWorld(p, "RefreshHesabe", sandbox.Hesabe) //nolint:contextcheck // its servers outlive ctx
	if err != nil {
		return manyRun{}, err
	}
	defer w.close()
	silent, err := fakeaws.Serve(w.ca, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then the server notices when the client goes away
		<-r.Context().Done()
	}))
	if err != nil {
		return manyRun{}, err
	}
	defer silent.Close()
	one := program{name: "refresh-hesabe", binary: binary, env: w.env}
	f, err := runtimeapi.Start(ctx, runtimeapi.Options{Binary: binary, Env: w.env, Timeout: manyTimeout})
	if err != nil {
		return manyRun{}, err
	}
	defer f.Close()
	if _, err := one.invoke(ctx, f, "{}", `"logged_in":1`); err != nil {
		return manyRun{}, err
	}
	if err := w.open(shops, silent.URL); err != nil {
		return manyRun{}, err
	}
	for _, s := range []*fakeaws.Server{w.secrets, w.tables} {
		s.SetLatency(manyAWS)
	}
	w.provider.SetLatency(manyProvider)
	w.aws.LimitWrites(secretWrites)
	w.takeCalls()
	units := w.aws.Units()
	release, err := limit(f, megabytes)
	if err != nil {
		return manyRun{}, err
	}
	defer release()
	defer f.Close() // before the group goes
	before, cpu := len(f.Logs()), f.Process().CPU
	answer, err := one.invoke(ctx, f, "{}", `"outcomes"`)
	if err != nil {
		return manyRun{}, err
	}
	r := manyRun{took: answer.Duration, logged: len(f.Logs()) - before, throttled: w.aws.Throttled()}
	r.peakMiB, r.cpu = float64(f.Process().PeakRSS)/mib, f.Process().CPU-cpu
	r.secrets = len(w.secrets.TakeCalls())
	r.units = w.aws.Units()
	r.units.Reads, r.units.Writes = r.units.Reads-units.Reads, r.units.Writes-units.Writes
	var said struct {
		Outcomes    map[string]int
		Credentials []struct{ Account, Outcome string }
	}
	if err := json.Unmarshal(answer.Payload, &said); err != nil {
		return r, err
	}
	r.outcomes = said.Outcomes
	for _, c := range said.Credentials {
		if strings.HasPrefix(c.Account, "shop-") {
			r.ends = append(r.ends, c.Outcome)
		}
	}
	return r, nil
}

// dayOld gives a row what a day of refreshes leaves in it.
func dayOld(row fakeaws.Item, now time.Time) {
	var staged store.Tally
	var spent []string
	for at := now.Add(-24 * time.Hour); at.Before(now); at = at.Add(12 * time.Minute) {
		staged = staged.Add(at)
		spent = append(spent, secret.New(at.String()).Fingerprint())
	}
	packed, whole := store.PackSpent(spent[len(spent)-store.SpentKept:])
	text := func(value string) json.RawMessage { return json.RawMessage(`{"S":"` + value + `"}`) }
	row["staged"], row["spent_short"] = text(string(staged)), text(packed)
	row["spent"] = json.RawMessage(`{"L":[` + string(text(whole[0])) + "," + string(text(whole[1])) + `]}`)
}

// open makes the secrets and rows of shops, like those of the first account.
func (w *world) open(shops []shop, silent string) error {
	_, credentials := w.aws.Secret(w.secret(sandbox.Hesabe, "credentials"))
	id, tokens := w.aws.Secret(w.secret(sandbox.Hesabe, "tokens"))
	_, access := w.aws.Secret(w.secret(sandbox.Hesabe, "access"))
	var chain struct {
		RefreshToken string `json:"refresh_token"`
	}
	if err := json.Unmarshal([]byte(tokens), &chain); err != nil {
		return err
	}
	table := w.env["LEDGER_TABLE"]
	row := w.aws.Items(table, string(sandbox.Hesabe))[0]
	now := time.Now().UTC()
	dayOld(row, now)
	for i, s := range shops {
		account := fmt.Sprintf("shop-%05d", i)
		name := func(document string) string {
			return strings.Join([]string{w.env["SECRET_PREFIX"], string(sandbox.Hesabe), account, document}, "/")
		}
		own := credentials
		if s.hangs {
			own = strings.ReplaceAll(own, w.provider.URL, silent)
		}
		w.aws.PutSecret(name("credentials"), "first", own)
		w.aws.PutSecret(name("access"), id, access)
		if s.due > 0 {
			tokens = strings.ReplaceAll(tokens, chain.RefreshToken, w.sandbox.Issue(sandbox.Hesabe).RefreshToken)
			_ = json.Unmarshal([]byte(tokens), &chain) // it was JSON
		}
		w.aws.PutSecret(name("tokens"), id, tokens)
		item := fakeaws.Item{}
		for attribute, value := range row {
			item[attribute] = value
		}
		at := func(t time.Time) json.RawMessage {
			return json.RawMessage(`{"S":"` + t.Format("2006-01-02T15:04:05.000Z") + `"}`)
		}
		item["account"] = json.RawMessage(`{"S":"` + account + `"}`)
		item["refresh_at"], item["access_expires_at"] = at(now.Add(-s.due)), at(now.Add(s.expires))
		item["issued_at"] = at(now.Add(s.expires - hesabeLife))
		if s.hangs {
			item["host"] = json.RawMessage(`{"S":"` + strings.TrimPrefix(silent, "https://") + `"}`)
		}
		w.aws.PutItem(table, item)
	}
	return nil
}
