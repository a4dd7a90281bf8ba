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
	claim  string
	data   string
	train  string
	test   string
	budget time.Duration
	seeds  int
	images int
	folder string
	json   bool
	// precision is empty for the faster.
	precision string
	backend   backendFlags
}

func reproduceCommand() *cobra.Command {
	var f reproduceFlags
	cmd := &cobra.Command{
		Use:   "reproduce --data DATA",
		Short: "Test the paper's claims with trainings that two cores can run",
		Long: `Test the paper's claims: train narrow networks with equal seeds, and write what was
measured, with intervals, and whether each claim held, to report.html and report.md in
the folder of --out.

residual   Inception-v3 and v4 against residual networks of the same cost
scaling    residuals times 1 against 0.3 and 0.1, over depth and width: which networks
           die, up to which learning rate they learn, and whether a warm-up helps
averaging  parameters against their running averages, under the paper's learning rate
crops      1, 12 and 144 crops, and ensembles

How long the trainings are follows from --budget and from the speed of this machine; what
does not fit any more is not begun, and the report says so. Interrupted, the same command
goes on where it was: what is finished is kept in the folder. With a larger --budget it
makes what did not fit. Run it alone on a machine: the budgets are of two cores of their own.`,
		Example: "  inception reproduce --data cifar10.tar.gz --out claims\n  inception reproduce --claim scaling --budget 4h --seeds 5 --data cifar10.tar.gz",
		Args:    takes(),
		RunE:    func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.claim, "claim", "all", "residual, scaling, averaging, crops or all")
	addData(cmd, &f.data)
	addSplit(cmd, &f.train, "train", "train on")
	flags.StringVar(&f.test, "test-split", "test", "`name` of the split to measure errors on")
	flags.DurationVar(&f.budget, "budget", 0, "how long it may take (default "+reproduce.Budgets()+")")
	flags.IntVar(&f.seeds, "seeds", 3, "trainings of each network")
	flags.IntVar(&f.images, "images", 1000, "images of the test split that errors are measured on")
	flags.StringVar(&f.folder, "out", "reproduce", "`folder` of the trainings and the report")
	flags.StringVar(&f.precision, "precision", "", "how exactly the networks train: float32 or bfloat16 (default the faster, which is measured)")
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
	if err := checkPrecision(f.precision, inTraining()); err != nil {
		return err
	}
	if f.budget < 0 || f.seeds < 1 || f.images < 1 {
		return usageError{fmt.Errorf("--budget must not be negative, --seeds and --images must be positive, found %v, %d and %d", f.budget, f.seeds, f.images)}
	}
	backend, err := f.backend.open()
	if err != nil {
		return err
	}
	defer backend.Finalize()
	result, err := reproduce.Run(cmd.Context(), backend, reproduce.Config{
		Claims: claims, Data: f.data, Train: f.train, Test: f.test, Budget: f.budget, Seeds: f.seeds, Images: f.images, Precision: f.precision, Folder: f.folder,
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
	Budget   float64           `json:"budget_seconds"`
	Findings []reproducedClaim `json:"findings"`
}

type reproducedClaim struct {
	Claim   string `json:"claim"`
	Verdict string `json:"verdict"`
	// Missing is what was not done, and why.
	Missing     []string               `json:"missing,omitempty"`
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
	// Aside is of what does not decide whether the claim held.
	Aside bool `json:"aside,omitempty"`
}

func reproducedOf(r *reproduce.Result, report string) reproduced {
	all := reproduced{Report: report, Seconds: r.Time.Seconds(), Budget: r.Budget.Seconds(), Findings: []reproducedClaim{}}
	for _, f := range r.Findings {
		one := reproducedClaim{Claim: f.Claim.String(), Verdict: f.Verdict(), Missing: f.Missing, Comparisons: []reproducedDifference{}}
		for _, c := range f.Comparisons {
			d := reproducedDifference{What: c.What, Unit: c.Unit, Mean: c.Difference.Mean, Seeds: c.Difference.N, Verdict: c.Verdict().String(), Aside: c.Aside}
			if d.Seeds > 1 {
				d.Interval = []float64{c.Difference.Low, c.Difference.High}
			}
			one.Comparisons = append(one.Comparisons, d)
		}
		all.Findings = append(all.Findings, one)
	}
	return all
}
