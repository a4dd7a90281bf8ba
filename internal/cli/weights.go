package cli

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/vision"
	"github.com/seed-fb2c0fa6/inception/weights"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

func weightsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "weights",
		Short: "Look into files of weights, compare and convert them",
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return cmd.Help()
		},
	}
	cmd.SuggestionsMinimumDistance = suggestionDistance
	cmd.AddCommand(inspectCommand(), convertCommand(), diffCommand())
	return cmd
}

// inspection is what `weights inspect` prints.
type inspection struct {
	File    string `json:"file"`
	Format  string `json:"format"`
	Bytes   int64  `json:"bytes"`
	Network string `json:"network,omitempty"`
	// Unknown says why the network is not known.
	Unknown string         `json:"unknown,omitempty"`
	Layout  weights.Layout `json:"layout"`
	// Classes is how many there are, or features where Output says so.
	Classes int `json:"classes,omitempty"`
	// Output is "softmax", or another of arch.Head's.
	Output        string                `json:"output,omitempty"`
	Head          *arch.Head            `json:"head,omitempty"`
	Preprocessing *vision.Preprocessing `json:"preprocessing,omitempty"`
	Metadata      map[string]string     `json:"metadata,omitempty"`
	Parameters    int64                 `json:"parameters"`
	Tensors       []inspectionTensor    `json:"tensors"`
}

// identified takes in what a network is, and how it is used.
func (i *inspection) identified(network *arch.Network, p vision.Preprocessing) {
	o := network.Options()
	i.Network, i.Classes, i.Head, i.Preprocessing, i.Output = network.Name(), o.Classes, o.Head, &p, arch.OutputSoftmax
	if o.Head != nil {
		i.Output = cmp.Or(o.Head.Output, arch.OutputSoftmax)
	}
}

// use is the line that says how the network is used.
func (i *inspection) use() string {
	what := "classes"
	if i.Output == arch.OutputFeatures || i.Output == arch.OutputEmbedding {
		what = "values"
	}
	p := i.Preprocessing
	text := fmt.Sprintf("%s %s, %s", count(int64(i.Classes)), what, i.Output)
	if i.Head != nil && len(i.Head.Hidden) > 0 {
		text += fmt.Sprintf(" behind %d more layers", len(i.Head.Hidden))
	}
	return text + fmt.Sprintf("; photographs %d x %d, crop %g, %s, %s, mean %v, std %v", p.Size, p.Size, p.Crop, cmp.Or(p.Fit, vision.FitCenter), cmp.Or(p.Interpolation, vision.Bicubic), p.Mean, p.Std)
}

type inspectionTensor struct {
	Name  string `json:"name"`
	DType string `json:"dtype"`
	Shape []int  `json:"shape"`
	// NotFinite is how many values are NaN or infinite.
	NotFinite int `json:"not_finite,omitempty"`
	// Unreadable says that the values are damaged or missing.
	Unreadable bool `json:"unreadable,omitempty"`
}

// inspectTensor returns what is printed of a tensor, and why it is wrong: a
// *weights.NotFiniteError where it has values that are not finite, or why they cannot be
// read. Types that are not read as numbers are not looked into.
func inspectTensor(path string, t tensorfile.Tensor) (inspectionTensor, error) {
	i := inspectionTensor{Name: t.Name, DType: t.DType, Shape: t.Shape}
	values := make([]float32, t.Elements())
	if err := t.Values(values); errors.Is(err, errors.ErrUnsupported) {
		return i, nil
	} else if err != nil {
		i.Unreadable = true
		return i, err
	}
	err := weights.CheckFinite(path, t.Name, values)
	_, i.NotFinite = tensorfile.NotFinite(values)
	return i, err
}

func inspectCommand() *cobra.Command {
	var asJSON bool
	var head headFlag
	cmd := &cobra.Command{
		Use:   "inspect WEIGHTS",
		Short: "List the tensors of a file of weights",
		Long: `List the tensors of a file of weights, and say which network they are of.

WEIGHTS is a file, a folder with a ` + weights.FileInFolder + `, or the tag of public weights, which
are downloaded where they are not there: ` + strings.Join(tags(), ", ") + `.`,
		Args: takes("WEIGHTS"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := head.check(); err != nil {
				return err
			}
			path, _, err := findWeights(cmd.Context(), cmd.ErrOrStderr(), args[0])
			if err != nil {
				return err
			}
			checkpoint, err := weights.Open(path)
			if err != nil {
				return err
			}
			defer checkpoint.Close()
			i := inspection{File: path, Format: checkpoint.Format.Name, Bytes: checkpoint.File().Size(), Layout: checkpoint.Layout, Metadata: checkpoint.File().Metadata()}
			// A file of another network is still worth a look.
			network, card, err := checkpoint.Identify(weights.Hint{AuxiliaryHead: true, Headless: head.none()})
			if err == nil {
				i.identified(network, card.Preprocessing)
				i.Layout = checkpoint.Layout
			} else {
				i.Unknown = err.Error()
			}
			var wrong error // of the first tensor that is
			for _, t := range checkpoint.File().Tensors() {
				inspected, err := inspectTensor(path, t)
				wrong = cmp.Or(wrong, err)
				i.Parameters += int64(t.Elements())
				i.Tensors = append(i.Tensors, inspected)
			}
			if asJSON {
				return errors.Join(printJSON(cmd.OutOrStdout(), i), wrong)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "TENSOR\tTYPE\tSHAPE")
			for _, t := range i.Tensors {
				fmt.Fprintf(w, "%s\t%s\t%s", t.Name, t.DType, shapeText(t.Shape))
				if t.NotFinite > 0 {
					fmt.Fprintf(w, "\t%d NaN or infinite", t.NotFinite)
				}
				if t.Unreadable {
					fmt.Fprint(w, "\tunreadable")
				}
				fmt.Fprintln(w)
			}
			if err := w.Flush(); err != nil {
				return err
			}
			if i.Network == "" {
				fmt.Fprintf(cmd.OutOrStdout(), "no known network: %s\n", i.Unknown)
			} else {
				fmt.Fprintln(cmd.OutOrStdout(), i.use())
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %s, layout %s, %d tensors, %s values, %s bytes\n",
				i.File, cmp.Or(i.Network, "no known network"), i.Layout, len(i.Tensors), count(i.Parameters), count(i.Bytes))
			return wrong
		},
	}
	head.add(cmd)
	addJSON(cmd, &asJSON)
	return cmd
}

// headFlag says what becomes of a network's head.
type headFlag string

func (f *headFlag) add(cmd *cobra.Command) {
	cmd.Flags().StringVar((*string)(f), "head", "", "none: take the network without what follows its last block but the pooling (default: with it)")
}

func (f headFlag) none() bool { return f == "none" }

func (f headFlag) check() error {
	if f != "" && f != "none" {
		return usageError{fmt.Errorf("--head must be none, or be left out, found %q", string(f))}
	}
	return nil
}
