package cli

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/internal/reproduce"
)

// reproduceFlags are the flags of `reproduce`.
type reproduceFlags struct {
	claim   string
	data    string
	train   string
	test    string
	budget  time.Duration
	seeds   int
	images  int
	folder  string
	json    bool
	backend backendFlags
}

func reproduceCommand() *cobra.Command {
	var f reproduceFlags
	cmd := &cobra.Command{
		Use:   "reproduce --data DATA",
		Short: "Test the paper's claims with trainings that two cores can run",
		Long: `Test the paper's claims: train pairs of narrow networks at equal cost with equal
seeds, and write what was measured, with intervals, and whether each claim held, to
report.html and report.md in the folder of --out.

residual   Inception-v4 against Inception-ResNet-v2 of the same cost
scaling    very wide residual blocks with scales of 1 against 0.17, 0.10 and 0.20
averaging  parameters against their running averages
crops      1, 12 and 144 crops, and one network against both

How long the trainings are follows from --budget and from the speed of this machine.`,
		Example: "  inception reproduce --claim residual --data cifar10.tar.gz\n  inception reproduce --budget 4h --seeds 5 --data cifar10.tar.gz --out claims",
		Args:    takes(),
		RunE:    func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.claim, "claim", "all", "residual, scaling, averaging, crops or all")
	addData(cmd, &f.data)
	addSplit(cmd, &f.train, "train", "train on")
	flags.StringVar(&f.test, "test-split", "test", "`name` of the split to measure errors on")
	flags.DurationVar(&f.budget, "budget", 30*time.Minute, "about how long it may take")
	flags.IntVar(&f.seeds, "seeds", 3, "trainings of each network")
	flags.IntVar(&f.images, "images", 1000, "images of the test split that errors are measured on")
	flags.StringVar(&f.folder, "out", "reproduce", "`folder` of the trainings and the report")
	addJSON(cmd, &f.json)
	f.backend.add(cmd)
	return cmd
}

func (f *reproduceFlags) run(cmd *cobra.Command) error {
	if err := required(cmd, "data"); err != nil {
		return err
	}
	claims, err := reproduce.ParseClaims(f.claim)
	if err != nil {
		return usageError{fmt.Errorf("--claim: %w", err)}
	}
	if f.budget <= 0 || f.seeds < 1 || f.images < 1 {
		return usageError{fmt.Errorf("--budget, --seeds and --images must be positive, found %v, %d and %d", f.budget, f.seeds, f.images)}
	}
	backend, err := f.backend.open()
	if err != nil {
		return err
	}
	defer backend.Finalize()
	result, err := reproduce.Run(cmd.Context(), backend, reproduce.Config{
		Claims: claims, Data: f.data, Train: f.train, Test: f.test, Budget: f.budget, Seeds: f.seeds, Images: f.images, Folder: f.folder,
		Log: slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil)),
	})
	if err != nil {
		return err
	}
	if err := result.WriteReport(f.folder); err != nil {
		return err
	}
	report := filepath.Join(f.folder, "report.html")
	if f.json {
		return printJSON(cmd.OutOrStdout(), reproducedOf(result, report))
	}
	out := cmd.OutOrStdout()
	for _, finding := range result.Findings {
		fmt.Fprintf(out, "%s: %s\n", finding.Claim, finding.Verdict())
	}
	_, err = fmt.Fprintln(out, report)
	return err
}

// reproduced is what `reproduce --json` prints.
type reproduced struct {
	Report   string            `json:"report"`
	Seconds  float64           `json:"seconds"`
	Findings []reproducedClaim `json:"findings"`
}

type reproducedClaim struct {
	Claim       string                 `json:"claim"`
	Verdict     string                 `json:"verdict"`
	Comparisons []reproducedDifference `json:"comparisons"`
}

// A reproducedDifference is one difference over the seeds, positive on the claim's side.
type reproducedDifference struct {
	What string  `json:"what"`
	Unit string  `json:"unit,omitempty"`
	Mean float64 `json:"mean"`
	// Interval is the 95% interval of the mean; absent with one seed, which has none.
	Interval []float64 `json:"interval,omitempty"`
	Seeds    int       `json:"seeds"`
	Verdict  string    `json:"verdict"`
}

func reproducedOf(r *reproduce.Result, report string) reproduced {
	all := reproduced{Report: report, Seconds: r.Time.Seconds(), Findings: []reproducedClaim{}}
	for _, f := range r.Findings {
		one := reproducedClaim{Claim: f.Claim.String(), Verdict: f.Verdict(), Comparisons: []reproducedDifference{}}
		for _, c := range f.Comparisons {
			d := reproducedDifference{What: c.What, Unit: c.Unit, Mean: c.Difference.Mean, Seeds: c.Difference.N, Verdict: c.Verdict().String()}
			if d.Seeds > 1 {
				d.Interval = []float64{c.Difference.Low, c.Difference.High}
			}
			one.Comparisons = append(one.Comparisons, d)
		}
		all.Findings = append(all.Findings, one)
	}
	return all
}
