package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/weights"
)

func weightsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "weights",
		Short: "Look into files of weights and convert them",
		Args:  usage(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(inspectCommand(), convertCommand())
	return cmd
}

// inspection is what `weights inspect` prints.
type inspection struct {
	File       string             `json:"file"`
	Format     string             `json:"format"`
	Bytes      int64              `json:"bytes"`
	Network    string             `json:"network,omitempty"`
	Layout     weights.Layout     `json:"layout"`
	Metadata   map[string]string  `json:"metadata,omitempty"`
	Parameters int64              `json:"parameters"`
	Tensors    []inspectionTensor `json:"tensors"`
}

type inspectionTensor struct {
	Name  string `json:"name"`
	DType string `json:"dtype"`
	Shape []int  `json:"shape"`
}

func inspectCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "inspect FILE",
		Short: "List the tensors of a file of weights",
		Args:  usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			checkpoint, err := weights.Open(args[0])
			if err != nil {
				return err
			}
			defer checkpoint.Close()
			i := inspection{File: args[0], Format: checkpoint.Format.Name, Bytes: checkpoint.File().Size(), Layout: checkpoint.Layout, Metadata: checkpoint.File().Metadata()}
			// A file of another network is still worth a look.
			if network, _, err := checkpoint.Identify(weights.Hint{AuxiliaryHead: true}); err == nil {
				i.Network = network.Name()
			}
			for _, t := range checkpoint.File().Tensors() {
				i.Parameters += int64(t.Elements())
				i.Tensors = append(i.Tensors, inspectionTensor{t.Name, t.DType, t.Shape})
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), i)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "TENSOR\tTYPE\tSHAPE")
			for _, t := range i.Tensors {
				fmt.Fprintf(w, "%s\t%s\t%s\n", t.Name, t.DType, shapeText(t.Shape))
			}
			if err := w.Flush(); err != nil {
				return err
			}
			network := i.Network
			if network == "" {
				network = "no known network"
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %s, layout %s, %d tensors, %s values, %s bytes\n",
				i.File, network, i.Layout, len(i.Tensors), count(i.Parameters), count(i.Bytes))
			return nil
		},
	}
	addJSON(cmd, &asJSON)
	return cmd
}

func convertCommand() *cobra.Command {
	var layoutName, tag string
	cmd := &cobra.Command{
		Use:   "convert IN OUT",
		Short: "Rewrite weights in another layout",
		Long: `Rewrite a file of weights in float32, in the native layout (TF-slim's names,
TensorFlow's axes) or another. The network, its preprocessing and its labels go into
the file's metadata. OUT appears whole or not at all. The ending of its name tells its
format:
` + formatList() + `
A file of any other ending is ` + weights.Formats()[0].Name + `.`,
		Example: "  inception weights convert model.safetensors inception_v4.safetensors",
		Args:    usage(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			layout, err := weights.ParseLayout(layoutName)
			if err != nil {
				return usageError{err}
			}
			hint := weights.Hint{AuxiliaryHead: true}
			if tag != "" {
				card, err := recipe.FindCheckpoint(tag)
				if err != nil {
					return usageError{err}
				}
				hint.Card = &card
			}
			return weights.Convert(args[0], args[1], layout, hint)
		},
	}
	cmd.Flags().StringVar(&layoutName, "layout", string(weights.Native), "layout of OUT: "+layoutNames())
	cmd.Flags().StringVar(&tag, "tag", "", "the public checkpoint that IN is, for its preprocessing: "+strings.Join(tags(), ", "))
	return cmd
}

// formatList lists the formats that can be written, one a line.
func formatList() string {
	var s strings.Builder
	for _, f := range weights.Formats() {
		if f.Writes() {
			fmt.Fprintf(&s, "  %s (%s)\n", f.Name, strings.Join(f.Endings, ", "))
		}
	}
	return s.String()
}

func layoutNames() string {
	var names []string
	for _, l := range weights.Layouts() {
		names = append(names, string(l))
	}
	return strings.Join(names, " or ")
}
