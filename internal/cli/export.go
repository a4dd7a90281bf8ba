package cli

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/export"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/weights"
	"github.com/seed-fb2c0fa6/inception/weights/onnx"
)

// exportFlags are the flags of `export`.
type exportFlags struct {
	model         string
	weights       string
	onnx          string
	head          headFlag
	precision     string
	options       export.Options
	preprocessing preprocessingFlags
	labels        string
	json          bool
}

func exportCommand() *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{
		Use:   "export --weights WEIGHTS --onnx OUT.onnx",
		Short: "Write a network with its weights as an ONNX model, for other programs",
		Long: fmt.Sprintf(`Write a network with its weights as an ONNX model (opset %d; %d for --precision bfloat16),
which ONNX Runtime, OpenVINO, TensorRT and others run.

The model takes any number of images at once, as float32 shaped [batch, 3, size, size] and
normalised, and gives logits. With --pixels it takes photographs as bytes shaped [batch,
size, size, 3], R, G, B, and normalises them inside; with --probabilities it gives these.
Batch norm is folded into the convolutions; an auxiliary head is left out. The
preprocessing and the labels are in the model's metadata. OUT appears whole or not at all,
and the other verbs take it as --weights, but for int8.

Weights that inception quantize has made give a model of pairs of QuantizeLinear and
DequantizeLinear, of which ONNX Runtime and OpenVINO make operations of 8-bit integers.`, onnx.Opset, onnx.OpsetBFloat16),
		Example: `  inception export --weights timm/inception_v4.tf_in1k --onnx v4.onnx
  inception export --weights flowers.safetensors --onnx flowers.onnx --pixels --probabilities
  inception export --weights flowers-int8.safetensors --onnx flowers-int8.onnx`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	addModel(cmd, &f.model, "that of the weights")
	flags.StringVar(&f.weights, "weights", "", weightsText("weights"))
	flags.StringVar(&f.onnx, "onnx", "", "`file` to write, whose name ends in .onnx")
	f.head.add(cmd)
	flags.BoolVar(&f.options.Probabilities, "probabilities", false, "give probabilities, not logits: softmax, or the logistic function of several labels a photograph")
	flags.BoolVar(&f.options.Pixels, "pixels", false, "take photographs as bytes, [batch, size, size, 3], and normalise them inside")
	flags.BoolVar(&f.options.External, "external", false, "put the values into OUT"+onnx.DataEnding+" beside the model, as is done from 2 GB up")
	addPrecision(cmd, &f.precision, arch.Precisions(), "")
	flags.Lookup("precision").Usage += precisionOfWeights
	f.preprocessing.add(cmd)
	addLabels(cmd, &f.labels)
	addJSON(cmd, &f.json)
	return cmd
}

// exported is what `export` prints.
type exported struct {
	File    string `json:"file"`
	Data    string `json:"data,omitempty"`
	Bytes   int64  `json:"bytes"`
	Network string `json:"network"`
	Classes int    `json:"classes"`
	// Precision is that of the model.
	Precision arch.Precision `json:"precision"`
}

func (f *exportFlags) run(cmd *cobra.Command) error {
	if err := required(cmd, "weights", "onnx"); err != nil {
		return err
	}
	if err := cmp.Or(f.preprocessing.check(), f.head.check(), checkModel(f.model), checkPrecision(f.precision, arch.Precisions())); err != nil {
		return err
	}
	if ending := ".onnx"; !strings.HasSuffix(strings.ToLower(f.onnx), ending) {
		return usageError{fmt.Errorf("--onnx expects a name that ends in %s, found %q", ending, f.onnx)}
	}
	path, card, err := weightsOfFlag(cmd.Context(), cmd.ErrOrStderr(), f.weights)
	if err != nil {
		return err
	}
	checkpoint, err := weights.Open(path)
	if err != nil {
		return err
	}
	defer checkpoint.Close()
	// The model and its data are written while the weights are read.
	if err := checkOver("onnx", path, f.onnx, f.onnx+onnx.DataEnding); err != nil {
		return err
	}
	identified, err := checkpoint.Identified(cmd.Context(), weights.Hint{Network: f.model, Card: card, Headless: f.head.none()})
	if err != nil {
		return err
	}
	network, metadata := identified.Network, identified.Metadata
	p := f.preprocessing.changed(*metadata.Preprocessing)
	if err := errors.Join(network.CheckSize(p.Size, p.Size), p.Check()); err != nil {
		return err
	}
	metadata.Preprocessing = &p
	options := network.Options()
	if options.Precision, err = predict.PrecisionOf(path, options.Precision, arch.Precision(f.precision)); err != nil {
		return err
	}
	if network, err = arch.New(network.Name(), options); err != nil {
		return err
	}
	labels, err := readLabels(f.labels)
	if err != nil {
		return err
	}
	if labels != nil {
		if n := network.Options().Classes; len(labels) != n {
			return fmt.Errorf("--labels: expected %d, one for each class of the weights, found %d", n, len(labels))
		}
		metadata.Labels = labels
	}
	if err := export.ONNX(f.onnx, network, identified.Sources, metadata, f.options); err != nil {
		return err
	}
	return f.print(cmd, network)
}

func (f *exportFlags) print(cmd *cobra.Command, network *arch.Network) error {
	parts, err := weights.Files(f.onnx)
	if err != nil {
		return err
	}
	result := exported{File: f.onnx, Network: network.Name(), Classes: network.Options().Classes, Precision: network.Options().Precision}
	for _, part := range parts {
		result.Bytes += sizeOf(part)
	}
	if len(parts) > 1 {
		result.Data = parts[1]
	}
	if f.json {
		return printJSON(cmd.OutOrStdout(), result)
	}
	with := ""
	if result.Data != "" {
		with = " with " + result.Data
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s%s: %s in %s, %s bytes\n", result.File, with, result.Network, result.Precision, count(result.Bytes))
	return err
}
