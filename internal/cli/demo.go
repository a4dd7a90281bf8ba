package cli

import (
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/demo"
	"github.com/seed-fb2c0fa6/inception/predict"
)

// demoFlags are the flags of `demo`.
type demoFlags struct {
	out       string
	precision string
	json      bool
	backend   backendFlags
}

func demoCommand() *cobra.Command {
	var f demoFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Train a narrow network and look at it, in less than three minutes",
		Long: `Render a labelled set of pictures, train a narrow Inception-ResNet-v2 on it, measure
raw against averaged weights and 1 against 12 crops, and classify pictures that the
network has not seen. The folder then holds the weights, the curves of the training,
the pictures, and report.html, a page to look at.

Ctrl-C saves the training; the same command goes on from there.`,
		Example: "  inception demo\n  inception demo --out /tmp/demo",
		Args:    takes(),
		RunE:    func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	cmd.Flags().StringVar(&f.out, "out", "demo", "`folder` for all that is made; a new or empty one, or that of a demo to go on with")
	addPrecision(cmd, &f.precision, predict.Precisions(), arch.Float32)
	cmd.Flags().Lookup("precision").Usage += "; in bfloat16 it is trained, too, and for int8 it is quantised when it has been trained"
	addJSON(cmd, &f.json)
	f.backend.add(cmd)
	return cmd
}

func (f *demoFlags) run(cmd *cobra.Command) error {
	if err := checkPrecision(f.precision, predict.Precisions()); err != nil {
		return err
	}
	backend, err := f.backend.open()
	if err != nil {
		return err
	}
	defer backend.Finalize()
	training := &trainBar{out: cmd.ErrOrStderr()}
	evaluating := imageBar{out: cmd.ErrOrStderr()}
	r, err := demo.Run(cmd.Context(), backend, f.out, demo.Options{
		Precision: arch.Precision(f.precision),
		Log:       slog.New(slog.NewTextHandler(training, nil)),
		Training:  training.show,
		Evaluating: func(done, total int) {
			training.end()
			evaluating.show(done, total)
			if done == total {
				evaluating.end()
			}
		},
	})
	training.end()
	evaluating.end()
	if err != nil {
		return err
	}
	if r.Finished {
		sayPrecision(cmd.ErrOrStderr(), f.precision, r.Precision, r.Folder)
	}
	if f.json {
		return printJSON(cmd.OutOrStdout(), r)
	}
	return printDemo(cmd.OutOrStdout(), r)
}

func printDemo(out io.Writer, r *demo.Result) error {
	if !r.Finished {
		_, err := fmt.Fprintf(out, "interrupted; go on with: inception demo --out %s\n", r.Folder)
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "WEIGHTS\tCROPS\tTOP-1 ACCURACY\tTOP-1 ERROR\t95% INTERVAL\tTOP-5 ERROR\n")
	for _, m := range r.Measures {
		fmt.Fprintf(w, "%s\t%d\t%.1f%%\t%.1f%%\t%.1f%% to %.1f%%\t%.1f%%\n", m.Weights, m.Crops,
			100*(1-m.Top1.Rate), 100*m.Top1.Rate, 100*m.Top1.Low, 100*m.Top1.High, 100*m.Top5.Rate)
	}
	fmt.Fprint(w, "\nPICTURE\tCLASS\tPREDICTED\t\t\n")
	for _, p := range r.Pictures {
		fmt.Fprintf(w, "%s\t%s", p.Path, p.Class)
		for _, c := range p.Top {
			fmt.Fprintf(w, "\t%s %.1f%%", c.Label, 100*c.Probability)
		}
		fmt.Fprintln(w)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n%d pictures of %d classes; %d trained on in %.0f s, all in %.0f s\nlook at %s\n",
		r.Training+r.Test, len(r.Classes), r.Training, r.TrainingSeconds, r.Seconds, filepath.Join(r.Folder, demo.ReportFile))
	return err
}
