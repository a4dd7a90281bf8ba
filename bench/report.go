package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
)

// A spread is the median of one figure a round, with the least and the greatest.
type spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

func spreadOf(values []float64) spread {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return spread{(sorted[(n-1)/2] + sorted[n/2]) / 2, sorted[0], sorted[n-1]}
}

func (s spread) String() string { return fmt.Sprintf("%.2f (%.2f–%.2f)", s.Median, s.Min, s.Max) }

// ratios divides round by round: what slows a whole round down cancels out.
func ratios(a, b []float64) []float64 {
	quotients := make([]float64, len(a))
	for i := range a {
		quotients[i] = a[i] / b[i]
	}
	return quotients
}

// A comparison is one load on several engines.
type comparison struct {
	load    load
	engines []engine
}

// A report is all that was measured, and where.
type report struct {
	Machine string   `json:"machine"`
	Date    string   `json:"date"`
	Results []result `json:"results"`
}

// A result is one row of the table.
type result struct {
	Network         string            `json:"network"`
	Batch           int               `json:"batch"`
	Size            int               `json:"size"`
	Threads         int               `json:"threads"`
	Engine          string            `json:"engine"`
	Train           bool              `json:"train"`
	ImagesPerSecond spread            `json:"images_per_second"`
	PeakRSSMB       float64           `json:"peak_rss_mb"`      // the greatest of the rounds
	Rounds          []float64         `json:"rounds"`           // images/s of each
	Ratios          map[string]spread `json:"ratios,omitempty"` // of ours, to each peer
}

func results(comparisons []comparison) []result {
	var rows []result
	for _, c := range comparisons {
		for _, e := range c.engines {
			row := result{
				Network: c.load.network, Batch: c.load.batch, Size: c.load.size, Threads: c.load.threads, Train: c.load.train, Engine: e.name,
				ImagesPerSecond: spreadOf(e.rates), PeakRSSMB: spreadOf(e.memory).Max, Rounds: e.rates, Ratios: map[string]spread{},
			}
			for _, other := range c.engines {
				if e.ours && !other.ours {
					row.Ratios[other.name] = spreadOf(ratios(e.rates, other.rates))
				}
			}
			rows = append(rows, row)
		}
	}
	return rows
}

func machine(ctx context.Context) string {
	cpu, commit := "unknown processor", []byte("unknown")
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if rest, ok := strings.CutPrefix(line, "model name"); ok {
				cpu = strings.Trim(rest, "\t :\n")
			}
		}
	}
	if out, err := output(ctx, "git", "describe", "--always", "--dirty"); err == nil {
		commit = out
	}
	return fmt.Sprintf("%s, %d cores, %s/%s, %s, inception %s", cpu, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), strings.TrimSpace(string(commit)))
}

func (r report) print(out io.Writer, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	}
	first := r.Results[0]
	_, err := fmt.Fprintf(out, "%s; %s.\n%d threads, %d x %d pixels, rounds: %d; median (least–greatest) of the rounds, each the median of %s runs.\n\n%s",
		r.Machine, r.Date, first.Threads, first.Size, first.Size, len(first.Rounds), load{train: first.Train}.runs(), table(r.Results))
	return err
}

// table is Markdown whose columns line up.
func table(results []result) string {
	var peers []string
	for _, r := range results {
		peers = slices.AppendSeq(peers, maps.Keys(r.Ratios))
	}
	slices.Sort(peers)
	peers = slices.Compact(peers)
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 1, ' ', 0)
	fmt.Fprint(w, "| network\t| batch\t| engine\t| images/s\t| peak MB\t|")
	for _, name := range peers {
		fmt.Fprintf(w, " ours / %s\t|", name)
	}
	fmt.Fprintf(w, "\n|---\t|---\t|---\t|---\t|---\t|%s\n", strings.Repeat("---\t|", len(peers)))
	for _, r := range results {
		fmt.Fprintf(w, "| %s\t| %d\t| %s\t| %v\t| %.0f\t|", r.Network, r.Batch, r.Engine, r.ImagesPerSecond, r.PeakRSSMB)
		for _, name := range peers {
			if ratio, ok := r.Ratios[name]; ok {
				fmt.Fprintf(w, " %v", ratio)
			}
			fmt.Fprint(w, "\t|")
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	return b.String()
}
