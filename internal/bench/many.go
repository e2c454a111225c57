package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
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
	took     time.Duration
	outcomes map[string]int
	ends     []string // how it ended for each shop, in their order
	logged   int      // bytes
	secrets  int      // calls to Secrets Manager
	units    fakeaws.Units
	peakMiB  float64
}

// measureMany lets the shipped function look after thousands of accounts, at a share of a
// processor.
func measureMany(ctx context.Context, dir string, out io.Writer) error {
	binary, err := build(ctx, dir, "functions/refresh-hesabe")
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
	fmt.Fprintln(table, "accounts\tMB\tit takes\trefreshed\twhile their token lived\tleft\tpeak, MiB")
	runs := map[string]manyRun{}
	for _, one := range []struct {
		name      string
		shops     []shop
		megabytes int
	}{
		{"2,000 due", due, 512},
		{"2,000 due", due, 256},
		{"2,000 due", due, memoryMB},
		{"200 due, 40 of them hang", hanging, memoryMB},
		{"10,000, none due", idle, memoryMB},
		{"20,000, none due", slices.Concat(idle, idle), memoryMB},
	} {
		progress("%s at %d MB", one.name, one.megabytes)
		r, err := runMany(ctx, dir, binary, one.shops, one.megabytes)
		if errors.Is(err, errNoShare) {
			_, err = fmt.Fprintln(out, err)
			return err
		}
		if err != nil {
			return fmt.Errorf("%s at %d MB: %w", one.name, one.megabytes, err)
		}
		runs[one.name] = r
		fmt.Fprintf(table, "%s\t%d\t%.1f s\t%d\t%d\t%d\t%.0f\n", one.name, one.megabytes, r.took.Seconds(),
			r.outcomes["refreshed"], r.living(one.shops), r.outcomes["left"], r.peakMiB)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return writeCosts(out, runs["2,000 due"], runs["10,000, none due"], len(idle))
}

// writeCosts writes what Hesabe accounts cost a month: each refresh, and each row in each tick,
// as the runs have measured them.
func writeCosts(out io.Writer, busy, idle manyRun, rows int) error {
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
	logged := float64(busy.logged) / refreshed
	// The rows here are of the first hour; later they may be 1 KB.
	row := usage{reads: max(0.25, idle.units.Reads/float64(rows)), seconds: idle.took.Seconds() / float64(rows)}
	fmt.Fprintf(out, "\nA refresh takes %.1f calls to Secrets Manager, %.1f write units of DynamoDB and %.0f bytes of log;\n"+
		"a row %.2f read units in each tick.\n\n", refresh.secrets, refresh.writes, logged, row.reads)
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "Hesabe accounts\tsecrets\ttheir calls\tDynamoDB\tLambda\tlogs\tmetrics, alarms\tsum")
	for _, n := range []float64{200, 1000, 5000} {
		refreshes := n * float64(month) / float64(interval(hesabeLife))
		u := usage{}.plus(refresh, refreshes).plus(row, n*ticks)
		sum := 0.0
		fmt.Fprintf(table, "%.0f", n)
		for _, part := range []float64{
			secretsEach * n * secretPrice, u.secrets * secretsCallPrice, u.writes*writePrice + u.reads*readPrice,
			ticks*runPrice + u.seconds*memoryMB/1024*gbSecondPrice, refreshes * logged / 1e9 * logGBPrice,
			hesabeMetrics*metricPrice + hesabeAlarms*alarmPrice,
		} {
			sum += part
			fmt.Fprintf(table, "\t$%.2f", part)
		}
		fmt.Fprintf(table, "\t$%.2f\n", sum)
	}
	return table.Flush()
}

// living is how many of the refreshed shops had a token that lived when the run found them.
func (r manyRun) living(shops []shop) (n int) {
	for i, s := range shops {
		if s.expires > 0 && r.ends[i] == "refreshed" {
			n++
		}
	}
	return n
}

// runMany starts the function, makes shops of its first account, and lets it run once.
func runMany(ctx context.Context, dir, binary string, shops []shop, megabytes int) (r manyRun, err error) {
	w, err := newWorld(dir, "RefreshHesabe", sandbox.Hesabe)
	if err != nil {
		return r, err
	}
	defer w.Close()
	silent, err := fakeaws.Serve(w.CA, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then the server notices when the client goes away
		<-r.Context().Done()
	}))
	if err != nil {
		return r, err
	}
	defer silent.Close()
	f, err := runtimeapi.Start(ctx, runtimeapi.Options{Binary: binary, Env: w.Env, Timeout: manyTimeout})
	if err != nil {
		return r, err
	}
	defer f.Close()
	p := program{binary: binary, answer: `"logged_in":1`}
	if _, err := p.invoke(ctx, f, "{}"); err != nil {
		return r, err
	}
	if err := open(w, shops, silent.URL); err != nil {
		return r, err
	}
	w.Secrets.SetLatency(manyAWS)
	w.Tables.SetLatency(manyAWS)
	w.Provider.SetLatency(manyProvider)
	w.LimitWrites(secretWrites)
	w.TakeCalls()
	units, logged := w.Units(), len(f.Logs())
	release, err := limit(f, megabytes)
	if err != nil {
		return r, err
	}
	defer release()
	defer f.Close() // before the group goes
	p.answer = `"outcomes"`
	answer, err := p.invoke(ctx, f, "{}")
	if err != nil {
		return r, err
	}
	r = manyRun{took: answer.Duration, logged: len(f.Logs()) - logged, secrets: len(w.Secrets.TakeCalls())}
	r.peakMiB = float64(f.Process().PeakRSS) / mib
	r.units = fakeaws.Units{Reads: w.Units().Reads - units.Reads, Writes: w.Units().Writes - units.Writes}
	var result struct {
		Outcomes    map[string]int
		Credentials []struct{ Account, Outcome string }
	}
	if err := json.Unmarshal(answer.Payload, &result); err != nil {
		return r, err
	}
	r.outcomes = result.Outcomes
	for _, c := range result.Credentials {
		if strings.HasPrefix(c.Account, "shop-") {
			r.ends = append(r.ends, c.Outcome)
		}
	}
	return r, nil
}

func text(value string) json.RawMessage { return json.RawMessage(`{"S":"` + value + `"}`) }

// dayOld gives a row what a day of refreshes leaves in it.
func dayOld(row fakeaws.Item, now time.Time) {
	var staged store.Tally
	var spent []string
	for at := now.Add(-24 * time.Hour); at.Before(now); at = at.Add(12 * time.Minute) {
		staged = staged.Add(at)
		spent = append(spent, secret.New(at.String()).Fingerprint())
	}
	packed, whole := store.PackSpent(spent[len(spent)-store.SpentKept:])
	row["staged"], row["spent_short"] = text(string(staged)), text(packed)
	row["spent"] = json.RawMessage(`{"L":[` + string(text(whole[0])) + "," + string(text(whole[1])) + `]}`)
}

// open makes the secrets and rows of shops, like those of the first account.
func open(w *fakeaws.World, shops []shop, silent string) error {
	_, credentials := w.CurrentVersion(w.Secret("credentials"))
	id, tokens := w.CurrentVersion(w.Secret("tokens"))
	_, access := w.CurrentVersion(w.Secret("access"))
	var chain struct {
		RefreshToken string `json:"refresh_token"`
	}
	if err := json.Unmarshal([]byte(tokens), &chain); err != nil {
		return err
	}
	table := w.Env["LEDGER_TABLE"]
	row := w.Items(table, string(sandbox.Hesabe))[0]
	now := time.Now().UTC()
	dayOld(row, now)
	at := func(d time.Duration) json.RawMessage { return text(now.Add(d).Format("2006-01-02T15:04:05.000Z")) }
	for i, s := range shops {
		account := fmt.Sprintf("shop-%05d", i)
		name := func(document string) string {
			return strings.Join([]string{w.Env["SECRET_PREFIX"], string(sandbox.Hesabe), account, document}, "/")
		}
		item := maps.Clone(row)
		item["account"] = text(account)
		item["refresh_at"], item["access_expires_at"], item["issued_at"] = at(-s.due), at(s.expires), at(s.expires-hesabeLife)
		ownCredentials, ownTokens := credentials, tokens
		if s.hangs {
			ownCredentials = strings.ReplaceAll(ownCredentials, w.Provider.URL, silent)
			item["host"] = text(strings.TrimPrefix(silent, "https://"))
		}
		if s.due > 0 {
			ownTokens = strings.ReplaceAll(ownTokens, chain.RefreshToken, w.Sandbox.Issue(sandbox.Hesabe).RefreshToken)
		}
		w.PutSecret(name("credentials"), "first", ownCredentials)
		w.PutSecret(name("access"), id, access)
		w.PutSecret(name("tokens"), id, ownTokens)
		w.PutItem(table, item)
	}
	return nil
}
