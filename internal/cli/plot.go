package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/train/curves"
)

func plotCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "plot RUN...",
		Short: "Draw the curves of training runs",
		Long: `Draw the curves of runs from the metrics.csv in their folders. One run is drawn with
its loss and its top-1 and top-5 errors, on training and on validation. Several are
drawn into one picture, one line a run: the top-1 and the top-5 error on validation by
epoch, as in figures 21-26 of the paper.`,
		Example: "  inception plot runs/inception_v4 runs/inception_resnet_v2 --out comparison.png",
		Args:    takesSeveral("RUN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			runs := make([]curves.Run, len(args))
			count := map[string]int{}
			for i, arg := range args {
				var err error
				if runs[i], err = curves.Read(arg); err != nil {
					return err
				}
				count[runs[i].Name]++
			}
			for i := range runs {
				if count[runs[i].Name] > 1 {
					runs[i].Name = args[i]
				}
			}
			if err := curves.Write(out, runs...); err != nil {
				return err
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), out)
			return err
		},
	}
	cmd.Flags().StringVar(&out, "out", "curves.png", "PNG `file` to write")
	return cmd
}
