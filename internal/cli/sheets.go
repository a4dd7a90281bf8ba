package cli

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/explain"
	"github.com/seed-fb2c0fa6/inception/internal/printable"
	"github.com/seed-fb2c0fa6/inception/predict"
)

// sheetFlags are the flags of `describe` for sheets of filters and activations.
type sheetFlags struct {
	filters     bool
	activations bool
	layer       string
	order       string
	scale       string
	count       int
}

// The scales of sheets.
const (
	commonScale = "common"
	ownScale    = "each"
)

func (f *sheetFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.filters, "filters", false, "draw the filters of a convolution instead")
	flags.BoolVar(&f.activations, "activations", false, "draw what a stage of the network makes of a photograph instead")
	flags.StringVar(&f.layer, "layer", "", "`name` of the convolution, or of the stage, to draw (default the first convolution)")
	flags.StringVar(&f.order, "order", string(explain.ByIndex), "channels by index, or by mean, the largest first")
	flags.StringVar(&f.scale, "scale", commonScale, "common, one for all tiles of the layer, or each, one for each tile")
	flags.IntVar(&f.count, "count", 64, "filters or channels to draw at most; 0 is all")
}

func (f *sheetFlags) check() error {
	if !slices.Contains(explain.Orders(), explain.Order(f.order)) {
		return usageError{fmt.Errorf("--order must be one of %q, found %q", explain.Orders(), f.order)}
	}
	if f.scale != commonScale && f.scale != ownScale {
		return usageError{fmt.Errorf("--scale must be %s or %s, found %q", commonScale, ownScale, f.scale)}
	}
	return atLeast(0, "count", f.count)
}

// drawn is what `describe --filters --json` prints, and `--activations --json` more of.
type drawn struct {
	Network string `json:"network"`
	Weights string `json:"weights"`
	Layer   string `json:"layer"`
	// Shape is height, width and channels, or that of the weights, with the input's channels
	// before the output's.
	Shape []int `json:"shape"`
	// Scale is what white stands for; none where tiles have their own.
	Scale   float32 `json:"scale,omitempty"`
	Picture string  `json:"picture"`
}

// draw writes a sheet.
func (f *describeFlags) draw(s *explain.Sheet, d *drawn, otherwise string) error {
	if f.sheet.scale == commonScale {
		d.Scale = s.Largest
	}
	d.Picture = cmp.Or(f.out, otherwise)
	s.Lines = slices.Insert(s.Lines, 0, d.Network+", "+d.Layer)
	picture, err := s.Draw()
	if err != nil {
		return err
	}
	return writePNG(d.Picture, picture)
}

// filters draws the weights of a convolution.
func (f *describeFlags) filters(cmd *cobra.Command, args []string) error {
	args, err := f.network(args, 0)
	if err != nil {
		return err
	}
	if err := cmp.Or(takes()(cmd, args), f.classifier.check(), f.sheet.check()); err != nil {
		return err
	}
	config, err := f.classifier.locate(cmd)
	if err != nil {
		return err
	}
	filters, err := predict.ReadFilters(cmd.Context(), config, f.sheet.layer)
	if errors.Is(err, arch.ErrNoConvolution) {
		return usageError{fmt.Errorf("--layer: %w", err)}
	}
	if err != nil {
		return err
	}
	sheet, err := explain.FilterSheet(filters.Shape, filters.Values, f.sheet.count, f.sheet.scale == ownScale)
	if err != nil {
		return err
	}
	d := drawn{Network: filters.Network.Name(), Weights: config.Weights, Layer: withoutScope(filters.Layer.Name), Shape: filters.Shape}
	if err := f.draw(sheet, &d, "filters.png"); err != nil {
		return err
	}
	if f.json {
		return printJSON(cmd.OutOrStdout(), d)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s  %s  %d of %d filters of %s\n", printable.Line(d.Picture), d.Layer, len(sheet.Tiles), d.Shape[3], shapeText(d.Shape[:3]))
	return err
}

// drawnChannels is what `describe --activations --json` prints.
type drawnChannels struct {
	predict.FileName
	Width  int `json:"width"`
	Height int `json:"height"`
	drawn
	Channels []explain.Channel `json:"channels"`
}

// activations draws what a stage of a network makes of a photograph.
func (f *describeFlags) activations(cmd *cobra.Command, args []string) error {
	ctx := cmd.Context()
	args, err := f.network(args, 1)
	if err != nil {
		return err
	}
	if err := cmp.Or(takes("a PHOTO")(cmd, args), f.classifier.check(), f.sheet.check()); err != nil {
		return err
	}
	classifier, weights, closeClassifier, err := f.classifier.open(cmd, 1)
	if err != nil {
		return err
	}
	defer closeClassifier()
	layer := f.sheet.layer
	if layer == "" {
		size := classifier.Preprocessing().Size
		d, err := classifier.Network().Describe(size, size)
		if err != nil {
			return err
		}
		first, err := d.Convolution("")
		if err != nil {
			return err
		}
		layer = withoutScope(first.Name)
	}
	shape, err := classifier.EndPointShape(layer)
	if err != nil {
		return usageError{fmt.Errorf("--layer: %w", err)}
	}
	const grid = 3 // axes
	if len(shape) != grid {
		return usageError{fmt.Errorf("--layer: %s has %s values and no grid to draw; inception features --layer %s writes them", layer, shapeText(shape), layer)}
	}
	photo, err := f.classifier.opener(classifier, cmd.InOrStdin())(args[0], nil)
	if err != nil {
		return err
	}
	crop, err := classifier.Preprocessing().CentralCrop(photo)
	if err != nil {
		return err
	}
	values, err := classifier.Features(ctx, layer, photo)
	if err != nil {
		return err
	}
	sheet, channels, err := explain.ActivationSheet(crop, shape, values[0], explain.Order(f.sheet.order), f.sheet.count, f.sheet.scale == ownScale)
	if err != nil {
		return err
	}
	width, height := photo.PhotoSize()
	d := drawnChannels{predict.NameOf(args[0]), width, height, drawn{Network: classifier.Network().Name(), Weights: weights, Layer: layer, Shape: shape}, channels}
	if err := f.draw(sheet, &d.drawn, "activations.png"); err != nil {
		return err
	}
	if f.json {
		return printJSON(cmd.OutOrStdout(), d)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s  %s  %d of %d channels of %s\n", printable.Line(d.Picture), layer, len(channels), shape[2], shapeText(shape[:2]))
	return err
}
