package arch

import (
	"fmt"
)

// Options adjusts a network. The zero value of a field means the network's own
// value, so that Options{} is the network as published.
type Options struct {
	// Classes is the number of logits; 1000 when zero. Of a head without logits it is the
	// number of features, whatever it was.
	Classes int `json:"classes,omitempty"`
	// DropoutKeep is the share of the pooled features that dropout keeps while
	// training, in (0,1]; 0.8 when zero, as the paper has it (section 3.1, figure 9).
	DropoutKeep float64 `json:"dropout_keep,omitempty"`
	// Blocks is how often the blocks A, B and C are repeated (figures 9 and 15);
	// nil means the network's own counts.
	Blocks []int `json:"blocks,omitempty"`
	// Width multiplies the channels of every convolution but the expansions of
	// residual blocks, which follow what they are added to. Products are rounded to
	// multiples of 8, and are at least 8. 1 when zero.
	Width float64 `json:"width,omitempty"`
	// ResidualScales multiply the branches of the residual blocks A, B and C before
	// they are added (section 3.3, figure 20); nil means 0.17, 0.10, 0.20.
	ResidualScales []float64 `json:"residual_scales,omitempty"`
	// AuxiliaryHead adds the auxiliary classifier of the TF-slim release, for
	// inception_v3, inception_v4 and inception_resnet_v2 with inputs from 107 up.
	AuxiliaryHead bool `json:"auxiliary_head,omitempty"`
	// Head replaces what follows the last block; nil means the published one: average
	// pooling, dropout and logits for softmax.
	Head *Head `json:"head,omitempty"`
	// FaceBlock adds the block that facenet has behind the last of inception_resnet_v1: one
	// more C, with scale 1 and without ReLU.
	FaceBlock bool `json:"face_block,omitempty"`
	// AveragePoolCountsPadding makes the 3x3 average pooling divide by nine at the
	// border as well, as the Inception-v3 of torchvision and timm does. TensorFlow
	// divides by the number of cells inside the image.
	AveragePoolCountsPadding bool `json:"average_pool_counts_padding,omitempty"`
	// MaxPoolLastBlock makes the pooling branch of inception_v3's last block take the largest
	// value, not the average, as TensorFlow's inception-2015-12-05 does, the network of
	// published Fréchet distances.
	MaxPoolLastBlock bool `json:"max_pool_last_block,omitempty"`
	// Precision is how exactly the network computes; Float32 when empty. It is no property of
	// weights.
	Precision Precision `json:"-"`
	// BatchNormDecay is the decay of batch norm's moving statistics, in (0,1); 0.9997
	// when zero, as in the TF-slim release.
	BatchNormDecay float64 `json:"batch_norm_decay,omitempty"`
	// Frozen lists scopes, such as "InceptionV4/Mixed_5b", whose batch norm uses the
	// moving statistics while training too, and leaves them as they are.
	Frozen []string `json:"-"`
	// LeaveStatistics leaves the moving statistics as they are while training: the caller
	// moves them, by Outputs.Statistics.
	LeaveStatistics bool `json:"-"`
	// Recompute keeps, while training, only what convolutions compute, and computes batch
	// norm, ReLU, pooling and concatenation again for the gradients; of the stem, and of
	// two in three sums of residual blocks, the convolutions too. It takes less memory for
	// a tenth more work (Chen et al., arXiv 1604.06174).
	Recompute bool `json:"-"`
}

// withDefaults returns the options with the network's own values filled in.
func (o Options) withDefaults(n *definition) (Options, error) {
	fail := func(format string, args ...any) (Options, error) {
		return o, fmt.Errorf("arch: %s: "+format, append([]any{n.name}, args...)...)
	}
	if err := o.Precision.check(); err != nil {
		return fail("%w", err)
	}
	if o.Precision == Int8 && o.AuxiliaryHead {
		return fail("an auxiliary head is for training, and there is none in %s; leave AuxiliaryHead out", Int8)
	}
	if o.Classes == 0 {
		o.Classes = 1000
	}
	if o.Classes < 1 {
		return fail("Classes must be at least 1, found %d", o.Classes)
	}
	if o.DropoutKeep == 0 {
		o.DropoutKeep = 0.8
	}
	if !(o.DropoutKeep > 0 && o.DropoutKeep <= 1) {
		return fail("DropoutKeep must be in (0,1], found %g", o.DropoutKeep)
	}
	if o.Width == 0 {
		o.Width = 1
	}
	if !(o.Width > 0 && o.Width <= 64) {
		return fail("Width must be in (0,64], found %g", o.Width)
	}
	if o.BatchNormDecay == 0 {
		o.BatchNormDecay = 0.9997
	}
	if !(o.BatchNormDecay > 0 && o.BatchNormDecay < 1) {
		return fail("BatchNormDecay must be in (0,1), found %g", o.BatchNormDecay)
	}
	if o.Blocks == nil {
		o.Blocks = n.blocks
	}
	if len(o.Blocks) != len(n.blocks) {
		return fail("Blocks must have %d counts (the network's own are %v), found %v", len(n.blocks), n.blocks, o.Blocks)
	}
	for _, count := range o.Blocks {
		if count < 1 || count > maxBlocks {
			return fail("Blocks must be between 1 and %d, found %v", maxBlocks, o.Blocks)
		}
	}
	switch {
	case n.scales == nil && o.ResidualScales != nil:
		return fail("the network has no residual connections to scale, found ResidualScales %v", o.ResidualScales)
	case o.ResidualScales == nil:
		o.ResidualScales = n.scales
	case len(o.ResidualScales) != len(n.scales):
		return fail("ResidualScales must have %d values (the network's own are %v), found %v", len(n.scales), n.scales, o.ResidualScales)
	}
	if o.Head != nil {
		if err := o.Head.check(); err != nil {
			return fail("%w", err)
		}
	}
	if o.FaceBlock && n != &inceptionResnetV1 {
		return fail("FaceBlock is of inception_resnet_v1 alone")
	}
	if o.MaxPoolLastBlock && n != &inceptionV3 {
		return fail("MaxPoolLastBlock is of inception_v3 alone")
	}
	if o.AuxiliaryHead && n.auxiliary == nil {
		return fail("the network has no auxiliary head; inception_v3, inception_v4 and inception_resnet_v2 have one")
	}
	return o, nil
}

// maxBlocks keeps the block letters of Inception-v3 and v4 (Mixed_5b, Mixed_5c,
// ...) within the alphabet.
const maxBlocks = 25
