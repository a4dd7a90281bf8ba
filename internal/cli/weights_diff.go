package cli

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/weights"
)

// mostDifferences is how many are printed as a table.
const mostDifferences = 20

func diffCommand() *cobra.Command {
	var asJSON bool
	var head headFlag
	cmd := &cobra.Command{
		Use:   "diff A B",
		Short: "Compare the weights in two files, whatever their formats and layouts",
		Long: `Compare the parameters of one network in two files bit for bit, whatever their formats and
layouts. The exit code is 0 where all are the same, and 1 where some differ: then the
largest differences are listed by name.

A and B are files, folders, or tags of public weights, as for "weights inspect".`,
		Example: "  inception weights diff model.safetensors inception_v4.npz",
		Args:    takes("A", "B"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := head.check(); err != nil {
				return err
			}
			var paths [2]string
			for i, name := range args {
				var err error
				if paths[i], _, err = findWeights(cmd.Context(), cmd.ErrOrStderr(), name); err != nil {
					return err
				}
			}
			found, err := weights.Diff(cmd.Context(), paths[0], paths[1], weights.Hint{AuxiliaryHead: true, Background: true, Headless: head.none()})
			if err != nil {
				return err
			}
			if asJSON {
				if found == nil {
					found = []weights.Difference{}
				}
				err = printJSON(cmd.OutOrStdout(), found)
			} else {
				err = printDifferences(cmd, found)
			}
			if err == nil && len(found) > 0 {
				err = errReported
			}
			return err
		},
	}
	head.add(cmd)
	addJSON(cmd, &asJSON)
	return cmd
}

func printDifferences(cmd *cobra.Command, found []weights.Difference) error {
	if len(found) == 0 {
		_, err := fmt.Fprintln(cmd.OutOrStdout(), "the same, bit for bit")
		return err
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PARAMETER\tDIFFERENCE")
	for _, d := range found[:min(len(found), mostDifferences)] {
		switch {
		case d.Only != "":
			fmt.Fprintf(w, "%s\tonly in %s\n", d.Name, d.Only)
		case d.Shapes != nil:
			fmt.Fprintf(w, "%s\tshapes %s and %s\n", d.Name, shapeText(d.Shapes[0]), shapeText(d.Shapes[1]))
		default:
			fmt.Fprintf(w, "%s\t%s values, by %.3g at most\n", d.Name, count(int64(d.Count)), d.Largest)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%d parameters differ\n", len(found))
	return err
}
