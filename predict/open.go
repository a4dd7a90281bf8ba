package predict

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/vision"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// Config says what a Classifier is made of. Fields left at their zero values are
// taken from the file's metadata, or else from the card of the network's public
// checkpoint.
type Config struct {
	// Weights is the path of a file of weights, of any format of package weights.
	Weights string
	// Network is the network's name in package arch; recognised by the names in the
	// file when empty.
	Network string
	// Card is that of the public checkpoint that the file is; the network's default
	// card when nil and the file says nothing of itself.
	Card *recipe.Checkpoint
	// Size is the side of the network's input in pixels.
	Size int
	// Crop is the share of the resized shorter side that the crop keeps, in (0,1].
	Crop float64
	// Interpolation is what photographs are resized with.
	Interpolation vision.Interpolation
	// Fit is what becomes of their proportions.
	Fit vision.Fit
	// Mean and Std normalise values in [0,1], in R, G, B order.
	Mean, Std *[3]float32
	// Headless takes the network without what follows its last block but the pooling: its
	// features.
	Headless bool
	// Alpha is what becomes of transparency where photographs are decoded.
	Alpha vision.Alpha
	// Labels are the classes in index order; ImageNet's by default where there are
	// 1000 classes.
	Labels []recipe.Label
	// Batch is how many images run through the network at a time; 1 when zero.
	Batch int
	// OnlyProgram lets the parameters go into the first program that is compiled, so that they
	// are not in memory a second time. Another batch size or end point is an error then; a
	// classifier of one image at a time, or of which Each alone is called, needs none.
	OnlyProgram bool
	// Precision is how exactly the network computes: that of the weights when empty, which
	// is arch.Float32, or arch.Int8 where they are quantised; or Auto.
	Precision arch.Precision
}

// Open reads the weights and makes a Classifier that runs on the backend. Weights
// of another network are an error that names the first five differences.
func Open(ctx context.Context, backend compute.Backend, config Config) (*Classifier, error) {
	checkpoint, err := weights.Open(config.Weights)
	if err != nil {
		return nil, err
	}
	defer checkpoint.Close()
	network, card, err := checkpoint.Identify(weights.Hint{Network: config.Network, Card: config.Card, Headless: config.Headless})
	if err != nil {
		return nil, err
	}
	options := network.Options()
	if options.Precision, err = precision(backend, config, options.Precision); err != nil {
		return nil, err
	}
	if network, err = arch.New(network.Name(), options); err != nil {
		return nil, err
	}
	c := &Classifier{network: network, card: card, batch: cmp.Or(config.Batch, 1)}
	if c.batch < 1 {
		return nil, fmt.Errorf("the batch must be at least 1 image, found %d", c.batch)
	}
	if err := c.prepare(config, card.Preprocessing); err != nil {
		return nil, err
	}
	c.labels = config.Labels
	if c.labels == nil {
		c.labels = checkpoint.Metadata.Labels
	}
	classes := network.Options().Classes
	if c.labels == nil && network.Options().HasClasses() && classes == len(recipe.ImageNet()) {
		c.labels = recipe.ImageNet()
	}
	if c.labels != nil && len(c.labels) != classes {
		return nil, fmt.Errorf("%s has %d classes, but there are %d labels; give one label for each class, in the order of their indices",
			config.Weights, classes, len(c.labels))
	}
	store, err := load(ctx, backend, network, checkpoint)
	if err != nil {
		return nil, err
	}
	c.programs = newPrograms(backend, network, store, c.preprocessing.Size)
	c.programs.only = config.OnlyProgram
	return c, nil
}

// prepare settles the preprocessing: what the config asks for before what the
// weights were published with.
func (c *Classifier) prepare(config Config, published vision.Preprocessing) error {
	p := published
	p.Size = cmp.Or(config.Size, p.Size)
	p.Crop = cmp.Or(config.Crop, p.Crop)
	p.Interpolation = cmp.Or(config.Interpolation, p.Interpolation, vision.Bicubic)
	p.Alpha = cmp.Or(config.Alpha, p.Alpha)
	p.Fit = cmp.Or(config.Fit, p.Fit)
	if config.Mean != nil {
		p.Mean = *config.Mean
	}
	if config.Std != nil {
		p.Std = *config.Std
	}
	if err := c.network.CheckSize(p.Size, p.Size); err != nil {
		return err
	}
	c.preprocessing = p
	return p.Check()
}

// load reads all parameters into a store.
func load(ctx context.Context, backend compute.Backend, network *arch.Network, checkpoint *weights.Checkpoint) (*model.Store, error) {
	parameters, err := network.Parameters()
	if err != nil {
		return nil, err
	}
	found, err := checkpoint.Match(parameters)
	if err != nil {
		return nil, err
	}
	store := model.NewStore()
	for _, t := range found {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		value, err := valueOf(t)
		if err != nil {
			return nil, err
		}
		if _, err := store.CreateVariable(t.Name, value); err != nil {
			return nil, fmt.Errorf("%s: %w", checkpoint.Path, err)
		}
	}
	return store, nil
}

// valueOf reads a parameter.
func valueOf(t weights.Tensor) (value *tensors.Tensor, err error) {
	var read error
	if t.DType == dtypes.Int8 {
		value = tensors.FromShape(shapes.Make(dtypes.Int8, t.Shape...))
		err = tensors.MutableFlatData(value, func(flat []int8) { read = t.ReadInt8s(flat) })
	} else {
		value = tensors.FromShape(shapes.Make(dtypes.Float32, t.Shape...))
		err = tensors.MutableFlatData(value, func(flat []float32) { read = t.Read(flat) })
	}
	return value, errors.Join(err, read)
}
