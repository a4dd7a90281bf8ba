package recipe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-fb2c0fa6/inception/vision"
)

var inception = vision.Preprocessing{
	Size: 299, Crop: 0.875, Interpolation: vision.Bicubic,
	Mean: [3]float32{0.5, 0.5, 0.5}, Std: [3]float32{0.5, 0.5, 0.5},
}

// Inception returns the preprocessing of the paper's evaluation (section 5,
// single crop): the central 87.5% at 299 x 299, scaled to [-1,1].
func Inception() vision.Preprocessing { return inception }

// A Checkpoint is the card of one public set of weights.
type Checkpoint struct {
	// Tag names the checkpoint and is its repository on the Hugging Face Hub,
	// such as "timm/inception_v4.tf_in1k".
	Tag string
	// File is the weights' file in that repository.
	File string
	// Network is the network's name in package arch.
	Network string
	// Preprocessing is what the weights were published with.
	Preprocessing vision.Preprocessing
	// AveragePoolCountsPadding is true where the publisher's 3x3 average pooling
	// divides by nine at the border too, as timm's and torchvision's
	// Inception-v3 do. TensorFlow divides by the cells inside the image.
	AveragePoolCountsPadding bool
	// Origin is where the weights were first released.
	Origin string
	// License is the SPDX identifier of that of the weights, as their repository states it.
	License string
}

const safetensorsFile = "model.safetensors"

// checkpoints lists, for every network, its default card first.
var checkpoints = []Checkpoint{
	{
		Tag: "timm/inception_v3.tf_in1k", File: safetensorsFile, Network: "inception_v3",
		Preprocessing: inception, AveragePoolCountsPadding: true,
		Origin:  "TF-slim inception_v3_2016_08_28",
		License: "Apache-2.0",
	},
	{
		Tag: "timm/inception_v3.tv_in1k", File: safetensorsFile, Network: "inception_v3",
		Preprocessing: inception, AveragePoolCountsPadding: true,
		Origin:  "torchvision inception_v3_google",
		License: "Apache-2.0",
	},
	{
		Tag: "timm/inception_v3.gluon_in1k", File: safetensorsFile, Network: "inception_v3",
		Preprocessing: vision.Preprocessing{
			Size: 299, Crop: 0.875, Interpolation: vision.Bicubic,
			Mean: ImageNetMean, Std: ImageNetStd, // which MXNet Gluon normalises with
		},
		AveragePoolCountsPadding: true,
		Origin:                   "MXNet Gluon inceptionv3",
		License:                  "Apache-2.0",
	},
	{
		Tag: "timm/inception_v4.tf_in1k", File: safetensorsFile, Network: "inception_v4",
		Preprocessing: inception,
		Origin:        "TF-slim inception_v4_2016_09_09",
		License:       "Apache-2.0",
	},
	{
		Tag: "timm/inception_resnet_v2.tf_in1k", File: safetensorsFile, Network: "inception_resnet_v2",
		Preprocessing: inceptionResnetV2,
		Origin:        "TF-slim inception_resnet_v2_2016_08_30",
		License:       "Apache-2.0",
	},
	{
		Tag: "timm/inception_resnet_v2.tf_ens_adv_in1k", File: safetensorsFile, Network: "inception_resnet_v2",
		Preprocessing: inceptionResnetV2,
		Origin:        "TF-slim ens_adv_inception_resnet_v2_2017_08_18",
		License:       "Apache-2.0",
	},
}

// The mean and standard deviation of ImageNet's training images, whose values are in [0,1].
var (
	ImageNetMean = [3]float32{0.485, 0.456, 0.406}
	ImageNetStd  = [3]float32{0.229, 0.224, 0.225}
)

var inceptionResnetV2 = vision.Preprocessing{
	Size: 299, Crop: 0.8975, Interpolation: vision.Bicubic,
	Mean: inception.Mean, Std: inception.Std,
}

// Checkpoints returns the cards of all public checkpoints; of the cards of one
// network the first is its default.
func Checkpoints() []Checkpoint { return slices.Clone(checkpoints) }

// FindCheckpoint returns the card with the given tag; the leading "timm/" may be
// left out. The error lists the known tags.
func FindCheckpoint(tag string) (Checkpoint, error) {
	known := make([]string, len(checkpoints))
	for i, c := range checkpoints {
		if c.Tag == tag || c.Tag == "timm/"+tag {
			return c, nil
		}
		known[i] = c.Tag
	}
	return Checkpoint{}, fmt.Errorf("no checkpoint is known by the tag %q; known are %s", tag, strings.Join(known, ", "))
}

// DefaultCheckpoint returns the card that is used for a network when none is
// named. The second result is false for a network without public weights.
func DefaultCheckpoint(network string) (Checkpoint, bool) {
	i := slices.IndexFunc(checkpoints, func(c Checkpoint) bool { return c.Network == network })
	if i < 0 {
		return Checkpoint{}, false
	}
	return checkpoints[i], true
}
