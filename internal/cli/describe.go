package cli

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/recipe"
)

// describeFlags are the flags of `describe`.
type describeFlags struct {
	classifier classifierFlags
	json       bool
	csv        bool
	dot        bool
	out        string
	crops      int
	sheet      sheetFlags
}

func describeCommand() *cobra.Command {
	var f describeFlags
	cmd := &cobra.Command{
		Use: `describe NETWORK [flags]
  inception describe --filters [--weights WEIGHTS]
  inception describe --activations PHOTO|- [--weights WEIGHTS]
  inception describe --crops 144 PHOTO|-`,
		Short: "List a network's layers, draw its filters and what they see of a photograph, or list crops",
		Long: `List every layer of a network as it is built, with its output's shape for one
image, its trainable parameters and its multiply-adds, and the totals.

With --filters, draw the weights of a convolution as a sheet of tiles: the first one's in
R, G, B; those of others, by --layer, as a grey patch for each channel of the input.

With --activations, draw what a stage of the network makes of a photograph: a grey tile for
each channel. --layer names the stage, such as Mixed_5b; a wrong one is answered with all.

On both sheets values are enlarged without smoothing. 0 is the middle grey, and white the
largest absolute value of the whole layer, or with --scale each of the tile, black minus
it; where no value is negative, as after ReLU, 0 is black. A sheet says its scale.

With --crops, list the crops of a photograph that an evaluation looks at: what the
photograph is resized to, the square that is cut out of it, and whether it is mirrored.
--out draws them side by side; of 12 and 144 crops, a row is a square and the columns
are its corners, centre and whole, each with its mirror image.

Networks: ` + strings.Join(arch.Names(), ", ") + `.

` + publicWeightsText,
		Example: `  inception describe inception_v4
  inception describe inception_resnet_v2 --dot | dot -Tsvg > network.svg
  inception describe --filters --weights model.safetensors --out filters.png
  inception describe --activations photo.jpg --layer Mixed_5b --order mean --count 16
  inception describe --crops 144 photo.jpg --out crops.png`,
		Args: cobra.ArbitraryArgs, // what they are depends on the flags
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	f.classifier.batch = 1
	f.classifier.addForOne(cmd)
	f.classifier.preprocessing.add(cmd)
	f.classifier.decode.addExact(cmd)
	cmd.Flags().Lookup("size").Usage = fmt.Sprintf("side of the images in pixels (default that of the weights, or %d)", recipe.Inception().Size)
	addJSON(cmd, &f.json)
	cmd.Flags().BoolVar(&f.csv, "csv", false, "print comma-separated values")
	cmd.Flags().BoolVar(&f.dot, "dot", false, "print a graph for Graphviz")
	cmd.Flags().StringVar(&f.out, "out", "", "PNG `file` to draw into (default filters.png or activations.png; none with --crops)")
	addCrops(cmd, &f.crops, 0, "list the crops of a photograph instead")
	f.sheet.add(cmd)
	return cmd
}

// A description is one of the things that `describe` shows.
type description struct {
	flag string // that asks for it; none of a network's layers
	with []string
	run  func(cmd *cobra.Command, args []string) error
}

// descriptions lists them, the one without a flag last.
func (f *describeFlags) descriptions() []description {
	decoding := []string{"orient", "max-pixels", "max-bytes", "allow-truncated"}
	sheet := []string{"model", "weights", "head", "layer", "count", "scale", "out", "json"}
	seen := []string{"order", "size", "crop", "interpolation", "resize", "mean", "std", "alpha", "exact-decode", "precision", "backend", "threads"}
	return []description{
		{"filters", sheet, f.filters},
		{"activations", slices.Concat(sheet, seen, decoding), f.activations},
		{"crops", append(decoding, "size", "out", "json"), f.views},
		{"", []string{"size", "json", "csv", "dot"}, f.layers},
	}
}

func (f *describeFlags) run(cmd *cobra.Command, args []string) error {
	all := f.descriptions()
	if err := cmp.Or(exclusive(cmd, "json", "csv", "dot"), exclusive(cmd, "filters", "activations", "crops")); err != nil {
		return err
	}
	asked := all[slices.IndexFunc(all, func(d description) bool {
		return d.flag == "" || cmd.Flags().Changed(d.flag) && cmd.Flag(d.flag).Value.String() != "false"
	})]
	if err := asked.check(cmd, all); err != nil {
		return err
	}
	if f.out != "" && !strings.EqualFold(filepath.Ext(f.out), ".png") {
		return usageError{fmt.Errorf("--out: pictures are written as .png, found %q", f.out)}
	}
	return asked.run(cmd, args)
}

// check refuses flags that are for something else.
func (d description) check(cmd *cobra.Command, all []description) error {
	var err error
	cmd.LocalNonPersistentFlags().VisitAll(func(flag *pflag.Flag) {
		asks := slices.ContainsFunc(all, func(other description) bool { return other.flag == flag.Name })
		if err != nil || !flag.Changed || asks || slices.Contains(d.with, flag.Name) {
			return
		}
		var with []string
		for _, other := range all {
			if !slices.Contains(other.with, flag.Name) {
				continue
			}
			if other.flag == "" {
				with = append(with, "a NETWORK alone")
			} else {
				with = append(with, "--"+other.flag)
			}
		}
		err = usageError{fmt.Errorf("--%s is for %s", flag.Name, listed(with))}
	})
	return err
}

// views lists the crops of a photograph.
func (f *describeFlags) views(cmd *cobra.Command, args []string) error {
	crops, err := parseCrops(f.crops)
	if err != nil {
		return err
	}
	if err := cmp.Or(takes("a PHOTO")(cmd, args), f.classifier.decode.check(), f.classifier.preprocessing.check()); err != nil {
		return err
	}
	return describeViews(cmd, crops, args[0], f.out, f.size(), f.classifier.decode, f.json)
}

// size is that of images where no weights say it.
func (f *describeFlags) size() int {
	return cmp.Or(f.classifier.preprocessing.size, recipe.Inception().Size)
}

// layers lists those of a network.
func (f *describeFlags) layers(cmd *cobra.Command, args []string) error {
	if err := takes("a NETWORK, or with --crops or --activations a PHOTO")(cmd, args); err != nil {
		return err
	}
	network, err := arch.New(args[0], arch.Options{})
	if err != nil {
		return usageError{err}
	}
	if err := network.CheckSize(f.size(), f.size()); err != nil {
		return usageError{err}
	}
	d, err := network.Describe(f.size(), f.size())
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

// network takes the name of a network from the arguments, before others, as --model does.
func (f *describeFlags) network(args []string, others int) ([]string, error) {
	if len(args) != others+1 {
		return args, nil
	}
	if f.classifier.model != "" && f.classifier.model != args[0] {
		return nil, usageError{errors.New("--model names another network than the argument; leave one out")}
	}
	f.classifier.model = args[0]
	return args[1:], nil
}
