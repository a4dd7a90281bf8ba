package cli

import (
	"fmt"
	"io"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/dataset/ilsvrc"
	"github.com/seed-fb2c0fa6/inception/evaluate"
	"github.com/seed-fb2c0fa6/inception/evaluate/gallery"
	"github.com/seed-fb2c0fa6/inception/internal/printable"
	"github.com/seed-fb2c0fa6/inception/score"
)

// reportOutputs are what is made of the report of an evaluation.
type reportOutputs struct {
	confusion, submission string // files, or empty
	gallery               string // a folder, or empty
	photographs           gallery.Options
	json                  bool
	out                   string
}

func addGallery(cmd *cobra.Command, to *string) {
	cmd.Flags().StringVar(to, "report", "", "write a page into this `folder`, which is new, empty or an earlier one's: the worst errors and the confusions with their photographs, calibration, classes, and what crops or an ensemble changed")
}

// checkGallery refuses, before an evaluation, what could not be written after it.
func checkGallery(folder string) error {
	if folder == "" {
		return nil
	}
	if err := gallery.Check(folder); err != nil {
		return fmt.Errorf("--report: %w", err)
	}
	return nil
}

func addConfusion(cmd *cobra.Command, to *string) {
	cmd.Flags().StringVar(to, "confusion", "", "draw the confusion matrix of an evaluation in this PNG `file`")
}

func addSubmission(cmd *cobra.Command, to *string) {
	cmd.Flags().StringVar(to, "submission", "", "write the five best classes of each photograph to this `file`, as the test server of ILSVRC-2012 takes them")
}

// write writes the files and prints the report. That there are folders which could not be
// read is a failure.
func (o *reportOutputs) write(cmd *cobra.Command, r *evaluate.Report) error {
	if o.submission != "" {
		err := writeOutput(o.submission, func(w io.Writer) error { return ilsvrc.WriteSubmission(w, r.Best(), r.Of) })
		if err != nil {
			return fmt.Errorf("--submission: %w", err)
		}
	}
	if o.confusion != "" {
		if err := writeOutput(o.confusion, r.DrawConfusion); err != nil {
			return fmt.Errorf("--confusion: %w", err)
		}
	}
	if o.gallery != "" {
		if err := gallery.Write(cmd.Context(), o.gallery, r, o.photographs); err != nil {
			return fmt.Errorf("--report: %w", err)
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "look at %s\n", printable.Line(filepath.Join(o.gallery, gallery.Page)))
	}
	err := writeResults(cmd, o.out, func(w io.Writer) error {
		if o.json {
			return printJSON(w, r)
		}
		return printReport(w, r)
	})
	if err == nil && len(r.LeftOut.Folders) > 0 {
		err = errReported
	}
	return err
}

// printReport prints the tables of an evaluation for people.
func printReport(out io.Writer, r *evaluate.Report) error {
	if !r.Labelled {
		_, err := fmt.Fprintf(out, "%s\nthe data have no labels, so that the errors are not known\n", summary(r))
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "NETWORK\tCROPS\tTOP-1 ERROR\t95% INTERVAL\tTOP-5 ERROR\t95% INTERVAL\n")
	for _, row := range r.Rows {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", row.Name, r.Crops, rateText(row.Top1), rateText(row.Top5))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s\n", summary(r))
	if text := matchingText(r); text != "" {
		fmt.Fprintln(out, text)
	}
	fmt.Fprintln(out, calibrationText(r.Calibration))
	fmt.Fprintln(out)
	return printClasses(out, r)
}

func rateText(e score.Errors) string {
	return fmt.Sprintf("%.2f%%\t%.2f%% to %.2f%%", 100*e.Rate, 100*e.Low, 100*e.High)
}

// summary says of what the rates are shares.
func summary(r *evaluate.Report) string {
	text := fmt.Sprintf("%d images", r.Images)
	if r.Excluded > 0 {
		text += fmt.Sprintf(", without %d that are left out", r.Excluded)
	}
	if n := len(r.Unreadable); n > 0 {
		text += fmt.Sprintf(", without %d that cannot be decoded", n)
	}
	if n := len(r.LeftOut.Images); n > 0 {
		text += fmt.Sprintf(", without %d of formats that are not read", n)
	}
	if n := r.Speed.Resumed; n > 0 {
		text += fmt.Sprintf(", %d of them from the file of predictions", n)
	}
	if s := r.Speed; s.Views > 0 {
		text += fmt.Sprintf("; %d crops in %.1f s, %.1f a second", s.Views, s.Seconds, float64(s.Views)/s.Seconds)
	}
	return text
}

// matchingText says which classes compete where not all on both sides do.
func matchingText(r *evaluate.Report) string {
	network := 0
	for _, row := range r.Rows {
		network = max(network, row.Classes)
	}
	switch {
	case r.Renormalized:
		return fmt.Sprintf("%d of the network's %d classes compete; probabilities are shares of these alone", len(r.Classes), network)
	case r.Matching == evaluate.All:
		return fmt.Sprintf("all %d classes of the network compete; an image taken for one that the data lack is an error", network)
	}
	return ""
}

// calibrationText says how far the last row's probabilities are to be believed.
func calibrationText(c *evaluate.Calibration) string {
	m := c.Measured
	text := fmt.Sprintf("calibration: expected error %.2f%% in %d bins, %.2f%% in the worst; Brier score %.4f, negative log-likelihood %.4f", 100*m.ECE, len(m.Bins), 100*m.MCE, m.Brier, m.NLL)
	if t := c.Tempered; t != nil {
		text += fmt.Sprintf("; at the temperature %.3f, fitted to these images, %.2f%%, %.2f%%, %.4f and %.4f", t.Temperature, 100*t.ECE, 100*t.MCE, t.Brier, t.NLL)
	}
	return text
}

// mostClasses is how many classes the table shows.
const mostClasses = 20

// printClasses prints the classes, the worst first.
func printClasses(out io.Writer, r *evaluate.Report) error {
	classes := r.WorstClasses()
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "CLASS\tIMAGES\tTOP-1 ERROR\t95% INTERVAL\tTOP-5 ERROR\tTAKEN FOR\n")
	for _, c := range classes[:min(len(classes), mostClasses)] {
		confused := ""
		if c.ConfusedImages > 0 {
			confused = fmt.Sprintf("%s (%d)", c.Confused, c.ConfusedImages)
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%.2f%%\t%s\n", c.Class, c.Top1.Images, rateText(c.Top1), 100*c.Top5.Rate, confused)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if more := len(classes) - mostClasses; more > 0 {
		fmt.Fprintf(out, "and %d classes with fewer errors; --json has all\n", more)
	}
	return nil
}
