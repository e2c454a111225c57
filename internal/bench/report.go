package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// report is the whole outcome. Times are milliseconds.
type report struct {
	Rounds    int                 `json:"rounds"`
	LatencyMS float64             `json:"latency_ms"`
	Programs  []programReport     `json:"programs"`
	Targets   []target            `json:"targets"`
	ZipBytes  map[string]int64    `json:"zip_bytes_amd64"`
	Refresh   map[string][]string `json:"calls_of_a_refresh"`
	Tick      []string            `json:"calls_of_a_tick_with_nothing_due"`
}

type programReport struct {
	Name      string       `json:"name"`
	Init      spread       `json:"init_ms"`
	Cold      spread       `json:"cold_ms"`
	CPU       spread       `json:"cold_cpu_ms"`
	Warm      *spread      `json:"warm_ms,omitempty"`
	PeakRSS   int64        `json:"peak_rss_bytes,omitempty"`
	ColdConns *connections `json:"connections_until_first_answer,omitempty"`
	WarmConns *connections `json:"connections_opened_warm,omitempty"`
}

// target is what a figure should be at most, or at least, with what was measured.
type target struct {
	Name     string  `json:"name"`
	Measured float64 `json:"measured"`
	Limit    float64 `json:"limit"`
	AtLeast  bool    `json:"at_least,omitempty"`
	Met      bool    `json:"met"`
	Note     string  `json:"note,omitempty"`
}

func atMost(name string, measured, limit float64, note string) target {
	return target{Name: name, Measured: measured, Limit: limit, Met: measured <= limit, Note: note}
}

func atLeast(name string, measured, limit float64, note string) target {
	return target{Name: name, Measured: measured, Limit: limit, AtLeast: true, Met: measured >= limit, Note: note}
}

func quartiles(s spread) string { return fmt.Sprintf("quartiles %.2f–%.2f", s.Q1, s.Q3) }

func newReport(m *measurements) report {
	r := report{
		Rounds: m.rounds, LatencyMS: milliseconds(m.latency), ZipBytes: m.zips, Refresh: map[string][]string{},
	}
	for _, p := range m.programs {
		cold := m.cold[p]
		pr := programReport{Name: p.name, Init: spreadOf(cold.init), Cold: spreadOf(cold.total), CPU: spreadOf(cold.cpu)}
		if warm, ok := m.warm[p]; ok {
			took := spreadOf(warm.took)
			pr.Warm, pr.PeakRSS, pr.ColdConns, pr.WarmConns = &took, warm.peakRSS, &warm.cold, &warm.warm
			r.Refresh[p.name] = describe(warm.calls[0])
			if !warm.tickSkipped {
				r.Tick = describe(waves(warm.tick))
			}
		}
		r.Programs = append(r.Programs, pr)
	}
	r.Targets = m.targets()
	return r
}

func (m *measurements) targets() []target {
	bare, naive, own := m.cold[m.bare], m.cold[m.naive], m.cold[m.own]
	warm := m.warm[m.own]
	initRatio := spreadOf(ratios(own.init, bare.init))
	coldRatio := spreadOf(ratios(own.total, naive.total))
	warmRatio := spreadOf(warm.overRoundTrips())
	trips := make([]float64, len(warm.calls))
	for i, w := range warm.calls {
		trips[i] = float64(len(w))
	}
	opened := warm.cold.plus(warm.warm)
	targets := []target{
		atMost("init, × bare", initRatio.Median, 1.7, quartiles(initRatio)),
		atMost("cold start to first answer, × naive", coldRatio.Median, 0.55, quartiles(coldRatio)),
		atMost("warm refresh, × its sequential round trips", warmRatio.Median, 1.05,
			fmt.Sprintf("%.0f round trips of %v, %s", spreadOf(trips).Median, m.latency, quartiles(warmRatio))),
		atMost(fmt.Sprintf("connections for %d refreshes", len(warm.took)), float64(opened.sum()), 4, opened.String()),
		atMost("peak memory, MiB", float64(warm.peakRSS)/(1<<20), 20, ""),
		atMost("AWS calls of a tick with nothing due", float64(len(warm.tick)), 1, ""),
	}
	for _, name := range deployed {
		targets = append(targets, atMost("zip of "+name+" for amd64, MB", float64(m.zips[name])/1e6, 3.8, ""))
	}
	return targets
}

func writeTargets(w io.Writer, targets []target) {
	fmt.Fprintf(w, "\ntarget\tmeasured\twanted\t\t\n")
	for _, t := range targets {
		verdict, sign := "ok", "≤"
		if !t.Met {
			verdict = "MISSED"
		}
		if t.AtLeast {
			sign = "≥"
		}
		fmt.Fprintf(w, "%s\t%.3g\t%s %.3g\t%s\t%s\n", t.Name, t.Measured, sign, t.Limit, verdict, t.Note)
	}
}

func (r report) writeText(w io.Writer) error {
	fmt.Fprintf(w, "Medians (quartiles) of %d rounds, the programs in turn.\n\n", r.Rounds)
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintf(table, "program\tinit, ms\tcold start to answer, ms\tof it CPU, ms\twarm refresh at %v a call, ms\tpeak, MiB\n",
		time.Duration(r.LatencyMS*float64(time.Millisecond)))
	for _, p := range r.Programs {
		warm, peak := "–", "–"
		if p.Warm != nil {
			warm, peak = p.Warm.String(), fmt.Sprintf("%.1f", float64(p.PeakRSS)/(1<<20))
		}
		fmt.Fprintf(table, "%s\t%v\t%v\t%v\t%s\t%s\n", p.Name, p.Init, p.Cold, p.CPU, warm, peak)
	}
	writeTargets(table, r.Targets)
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, p := range r.Programs {
		if p.Warm == nil {
			continue
		}
		fmt.Fprintf(w, "%s refresh: %s\n", p.Name, strings.Join(r.Refresh[p.Name], " → "))
		fmt.Fprintf(w, "  connections until the first answer: %v; opened in the %d warm refreshes: %v\n",
			p.ColdConns, r.Rounds, p.WarmConns)
	}
	_, err := fmt.Fprintf(w, "tick with nothing due: %s\n", strings.Join(r.Tick, " → "))
	return err
}
