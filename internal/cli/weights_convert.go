package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/export"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/weights"
	"github.com/seed-fb2c0fa6/inception/weights/onnx"
)

// convertFlags are the flags of `weights convert`.
type convertFlags struct {
	to, tag string
	head    headFlag
	json    bool
}

// converted is what `weights convert` prints.
type converted struct {
	File    string         `json:"file"`
	Format  string         `json:"format"`
	Layout  weights.Layout `json:"layout"`
	Network string         `json:"network"`
	Classes int            `json:"classes"`
	Tensors int            `json:"tensors"`
	Bytes   int64          `json:"bytes"`
	// Left is what of IN is not in the file.
	Left []string `json:"left,omitempty"`
}

func convertCommand() *cobra.Command {
	var f convertFlags
	cmd := &cobra.Command{
		Use:   "convert IN OUT",
		Short: "Rewrite weights in another format or layout",
		Long: `Rewrite weights in float32 in the format that the ending of OUT's name tells:
` + formatList() + `  onnx (` + onnxEnding + `), as a model with batch norm as it is, not folded as by "export"

--to says in which layout: the names of parameters and the order of their axes. A network's
own, "native", are TF-slim's names and TensorFlow's axes.

Parameters stay bit for bit, there and back: 1001 classes stay 1001, an auxiliary head stays
where the layout has one, and the network, its head, its preprocessing and its labels go into
the file's metadata (in a checkpoint, as variables of text). Of a training's file the moving
averages are taken. What is left out is printed.

IN is a file, a folder with a ` + weights.FileInFolder + `, or one of the tags of --tag: the
public weights, which are downloaded where they are not there. OUT appears whole or not at
all, and replaces a file that is there.`,
		Example: `  inception weights convert model.safetensors inception_v4.npz
  inception weights convert inception_v3.ckpt timm.safetensors --to timm
  inception weights convert flowers.safetensors flowers.ckpt --to slim
  inception weights convert flowers.safetensors flowers.onnx`,
		Args: takes("IN", "OUT"),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0], args[1]) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.to, "to", "", "`layout` of OUT: "+layoutNames()+" (default: native, of checkpoints tf-slim)")
	f.head.add(cmd)
	flags.StringVar(&f.tag, "tag", "", "the public checkpoint that IN is, for its preprocessing: "+strings.Join(tags(), ", "))
	addJSON(cmd, &f.json)
	return cmd
}

// onnxEnding is that of the models that are written.
const onnxEnding = ".onnx"

func (f *convertFlags) run(cmd *cobra.Command, name, out string) error {
	if err := f.head.check(); err != nil {
		return err
	}
	toONNX := strings.HasSuffix(strings.ToLower(out), onnxEnding)
	layout, err := f.layout(out, toONNX)
	if err != nil {
		return usageError{err}
	}
	// What was asked for by its name is all of the file.
	hint := weights.Hint{AuxiliaryHead: true, Background: true, Headless: f.head.none()}
	if f.tag != "" {
		card, err := recipe.FindCheckpoint(f.tag)
		if err != nil {
			return usageError{err}
		}
		if other, err := recipe.FindCheckpoint(name); err == nil && other.Tag != card.Tag {
			return usageError{fmt.Errorf("found %s and --tag %s, expected one of them", name, f.tag)}
		}
		hint.Card = &card
	}
	in, card, err := findWeights(cmd.Context(), cmd.ErrOrStderr(), name)
	if err != nil {
		return err
	}
	if hint.Card == nil {
		hint.Card = card
	}
	var identified *weights.Identified
	if toONNX {
		layout = weights.ByGraph
		identified, err = convertToONNX(cmd.Context(), in, out, hint)
	} else {
		identified, err = weights.Convert(cmd.Context(), in, out, layout, hint)
	}
	if err != nil {
		return err
	}
	return f.print(cmd.OutOrStdout(), out, layout, identified)
}

// layout is the one that --to asks for, or that OUT has without it.
func (f *convertFlags) layout(out string, toONNX bool) (layout weights.Layout, err error) {
	if f.to != "" {
		if layout, err = weights.ParseLayout(f.to); err != nil {
			return layout, fmt.Errorf("--to: %w", err)
		}
	}
	if !toONNX {
		if _, err := weights.CheckOutput(out, ""); err != nil {
			return layout, fmt.Errorf("%w, or in %s for a model", err, onnxEnding)
		}
		return weights.CheckOutput(out, layout)
	}
	if f.to != "" {
		return layout, fmt.Errorf("--to does not go with models (%s), whose initialisers have the network's own names; leave it out", onnxEnding)
	}
	return layout, nil
}

// convertToONNX writes a model whose values are those of the weights, bit for bit.
func convertToONNX(ctx context.Context, in, out string, hint weights.Hint) (_ *weights.Identified, err error) {
	checkpoint, err := weights.Open(in)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, checkpoint.Close()) }()
	if err := weights.CheckOver(in, out, out+onnx.DataEnding); err != nil {
		return nil, err
	}
	identified, err := checkpoint.Identified(ctx, hint)
	if err != nil {
		return nil, err
	}
	identified.WithoutAuxiliary("the auxiliary head is left out, as models for prediction have none")
	return identified, export.ONNX(out, identified.Network, identified.Sources, identified.Metadata, export.Options{KeepBatchNorm: true})
}

// print looks into what was written.
func (f *convertFlags) print(to io.Writer, out string, layout weights.Layout, identified *weights.Identified) error {
	written, err := weights.Open(out)
	if err != nil {
		return err
	}
	defer written.Close()
	o := identified.Network.Options()
	c := converted{
		File: out, Format: written.Format.Name, Layout: layout, Network: identified.Network.Name(), Classes: o.Classes,
		Tensors: len(written.File().Tensors()), Bytes: written.File().Size(), Left: identified.Left,
	}
	if f.json {
		return printJSON(to, c)
	}
	for _, left := range c.Left {
		fmt.Fprintln(to, left)
	}
	_, err = fmt.Fprintf(to, "%s: %s, %s, layout %s, %s tensors, %s bytes\n", c.File, c.Network, c.Format, c.Layout, count(int64(c.Tensors)), count(c.Bytes))
	return err
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
