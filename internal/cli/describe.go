package cli

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/arch"
)

// describeFlags are the flags of `describe`.
type describeFlags struct {
	size  int
	json  bool
	csv   bool
	dot   bool
	views viewFlags
}

func describeCommand() *cobra.Command {
	var f describeFlags
	cmd := &cobra.Command{
		Use:   "describe NETWORK | describe --crops 144 PHOTO|-",
		Short: "List a network's layers with shapes, parameters and cost, or the crops of a photograph",
		Long: `List every layer of a network as it is built, with its output's shape for one
image, its trainable parameters and its multiply-adds, and the totals.

With --crops, list the crops of a photograph that an evaluation looks at: what the
photograph is resized to, the square that is cut out of it, and whether it is mirrored.
--out draws them side by side; of 12 and 144 crops, a row is a square and the columns
are its corners, centre and whole, each with its mirror image.

Networks: ` + strings.Join(arch.Names(), ", ") + `.`,
		Example: "  inception describe inception_v4\n  inception describe inception_resnet_v2 --dot | dot -Tsvg > network.svg\n  inception describe --crops 144 photo.jpg --out crops.png",
		Args:    takes("a NETWORK, or with --crops a PHOTO"),
		RunE:    func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	addSize(cmd, &f.size)
	addJSON(cmd, &f.json)
	cmd.Flags().BoolVar(&f.csv, "csv", false, "print comma-separated values")
	cmd.Flags().BoolVar(&f.dot, "dot", false, "print a graph for Graphviz")
	f.views.add(cmd)
	return cmd
}

func (f *describeFlags) run(cmd *cobra.Command, what string) error {
	err := cmp.Or(exclusive(cmd, "json", "csv", "dot"), exclusive(cmd, "crops", "csv", "dot"), exclusive(cmd, "out", "csv", "dot"))
	if err != nil {
		return err
	}
	if cmd.Flags().Changed("crops") {
		return f.views.run(cmd, what, f.size, f.json)
	}
	for _, flag := range []string{"out", "orient", "max-pixels"} {
		if cmd.Flags().Changed(flag) {
			return usageError{fmt.Errorf("--%s is for the crops of a photograph; say how many with --crops", flag)}
		}
	}
	network, err := arch.New(what, arch.Options{})
	if err != nil {
		return usageError{err}
	}
	if err := network.CheckSize(f.size, f.size); err != nil {
		return usageError{err}
	}
	d, err := network.Describe(f.size, f.size)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	switch {
	case f.json:
		return printJSON(out, d)
	case f.csv:
		return describeCSV(out, d)
	case f.dot:
		return describeDot(out, d)
	}
	return describeTable(out, d)
}
