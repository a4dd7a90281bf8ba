package weights

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/vision"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// A Layout is a way to name parameters and to order their axes.
type Layout string

const (
	// Native has TF-slim's names and TensorFlow's axes: convolutions are height,
	// width, inputs, outputs; logits are inputs, classes.
	Native Layout = "native"
	// Slim is TF-slim's own, as its checkpoints have been released: Native but for some
	// names and for the logits of Inception-v3; batch norm may have no gamma. facenet's
	// checkpoints have it too.
	Slim Layout = "tf-slim"
	// Timm has the names and axes of PyTorch's timm: convolutions are outputs,
	// inputs, height, width; logits are classes, inputs. Inception-v3's names are
	// torchvision's.
	Timm Layout = "timm"
	// Cadene is that of the package pretrainedmodels: Timm but for the logits of
	// Inception-ResNet-v2.
	Cadene Layout = "cadene"
	// Facenet is that of the package facenet-pytorch.
	Facenet Layout = "facenet-pytorch"
	// Keras has the names that Keras' own networks give their layers, by kind and number,
	// and TensorFlow's axes.
	Keras Layout = "keras"
	// ByGraph is what a file has whose network was recognised by the graph that it carries,
	// whatever its names are. No file is written so.
	ByGraph Layout = "graph"
)

// layouts is the table of layouts. A file has, of those that recognise its tensors, the
// one whose names come nearest; of equal ones the first. The last takes all.
func layouts() []layout {
	return []layout{
		{
			name:        Native,
			aliases:     []string{"own"},
			recognise:   anyName(inScope),
			names:       nativeNames,
			axes:        nativeAxes,
			gammaless:   true,
			auxiliaryOf: anyNetwork,
			auxiliary:   func(name string) bool { return strings.Contains(name, "/AuxLogits/") },
			spare:       func(string) bool { return false },
			framework:   "inception", background: true,
		},
		{
			name:        Slim,
			aliases:     []string{"slim"},
			recognise:   anyName(inScope),
			names:       slimNames,
			axes:        nativeAxes,
			reshape:     slimShape,
			gammaless:   true,
			dropsGamma:  true,
			auxiliaryOf: anyNetwork,
			auxiliary:   slimAuxiliary,
			spare:       func(string) bool { return false },
			framework:   "tf", background: true,
		},
		{
			name:        Keras,
			auxiliaryOf: noNetwork,
			recognise:   anyName(isKerasName),
			rename:      countedLayers,
			names:       kerasNames,
			axes:        nativeAxes,
			gammaless:   true,
			auxiliary:   func(string) bool { return false },
			spare:       func(name string) bool { return strings.Contains(name, "seed_generator") },
			framework:   "keras", preprocessing: &ofKeras,
		},
		{
			name:        Facenet,
			aliases:     []string{"facenet"},
			auxiliaryOf: noNetwork,
			recognise:   anyName(func(name string) bool { return strings.HasPrefix(name, "repeat_1.") }),
			names:       facenetNames,
			axes:        timmAxes,
			auxiliary:   func(name string) bool { return strings.HasPrefix(name, "logits.") },
			spare:       isBatchCounter,
			framework:   "pt", preprocessing: &ofFacenet,
		},
		{
			name:        Cadene,
			auxiliaryOf: noNetwork,
			recognise:   anyName(func(name string) bool { return strings.HasPrefix(name, "last_linear.") }),
			names:       cadeneNames,
			axes:        timmAxes,
			auxiliary:   func(string) bool { return false },
			spare:       isBatchCounter,
			framework:   "pt", background: true,
		},
		{
			name:        Timm,
			aliases:     []string{"torchvision"},
			auxiliaryOf: func(network string) bool { return network == "inception_v3" },
			recognise:   func([]tensorfile.Tensor) bool { return true },
			names:       timmNames,
			axes:        timmAxes,
			auxiliary:   func(name string) bool { return strings.HasPrefix(name, "AuxLogits.") },
			spare:       isBatchCounter,
			framework:   "pt",
			publicCards: true, background: true,
		},
	}
}

// A layout is a row of the table.
type layout struct {
	name Layout
	// aliases are other names that ParseLayout takes.
	aliases []string
	// recognise tells a file that may be of the layout by the names and shapes of its
	// tensors.
	recognise func(tensors []tensorfile.Tensor) bool
	// rename gives a file's tensors the names that the layout has, where these depend on
	// which others there are; nil where they do not.
	rename func(tensors []tensorfile.Tensor) []tensorfile.Tensor
	// names returns what the layout calls each parameter. They are all those of one
	// network in the order of their use.
	names func(parameters []arch.Parameter) ([]string, error)
	// axes returns which native axis each axis of a tensor is, by the number of axes;
	// nil where all are as in the native layout.
	axes func(rank int) []int
	// reshape puts axes of one into the shape of a parameter's tensor; nil where none are.
	reshape func(name string, shape []int) []int
	// gammaless is set where batch norm may have no gamma, and dropsGamma where it is written
	// without: it has to be one then.
	gammaless, dropsGamma bool
	// auxiliaryOf reports whether the layout has the auxiliary head of a network.
	auxiliaryOf func(network string) bool
	// background is set where 1001 classes are ImageNet's behind a background class.
	background bool
	// auxiliary reports whether a tensor's name is one of an auxiliary head.
	auxiliary func(name string) bool
	// spare reports whether a tensor's name is one that no network needs.
	spare func(name string) bool
	// framework is what such readers look for under the key "format" (Format.framework).
	framework string
	// preprocessing is what its library's users do to images as a rule; that of the paper
	// when nil.
	preprocessing *vision.Preprocessing
	// publicCards is set where the cards of the public checkpoints are for files of the
	// layout.
	publicCards bool
}

// Layouts returns the layouts, the native one first.
func Layouts() []Layout {
	var names []Layout
	for _, row := range layouts() {
		names = append(names, row.name)
	}
	return names
}

// ParseLayout returns the layout of the given name, or one of the short names own, slim,
// torchvision (timm's) and facenet.
func ParseLayout(name string) (Layout, error) {
	for _, row := range layouts() {
		if slices.Contains(row.aliases, name) {
			return row.name, nil
		}
	}
	row, err := Layout(name).row()
	return row.name, err
}

func (l Layout) row() (layout, error) {
	var known []string
	for _, row := range layouts() {
		if row.name == l {
			return row, nil
		}
		known = append(known, fmt.Sprintf("%q", row.name))
	}
	return layout{}, fmt.Errorf("unknown layout %q, expected %s", string(l), strings.Join(known, " or "))
}

// anyName recognises tensors of which any has such a name.
func anyName(is func(name string) bool) func([]tensorfile.Tensor) bool {
	return func(tensors []tensorfile.Tensor) bool {
		return slices.ContainsFunc(tensors, func(t tensorfile.Tensor) bool { return is(t.Name) })
	}
}

func anyNetwork(string) bool { return true }

func noNetwork(string) bool { return false }

func nativeNames(parameters []arch.Parameter) ([]string, error) {
	names := make([]string, len(parameters))
	for i, p := range parameters {
		names[i] = p.Name
	}
	return names, nil
}

func nativeAxes(int) []int { return nil }

// inScope tells a name below the scope of one of the networks.
func inScope(name string) bool {
	return strings.HasPrefix(name, "Inception") && strings.Contains(name, "/")
}

// isBatchCounter tells PyTorch's counters of batches that batch norm has seen.
func isBatchCounter(name string) bool { return strings.HasSuffix(name, ".num_batches_tracked") }

// ofKeras is that of keras.applications, with images loaded by load_img(target_size=...).
var ofKeras = vision.Preprocessing{
	Size: 299, Crop: 1, Interpolation: vision.Bilinear, Fit: vision.FitSquash,
	Mean: [3]float32{0.5, 0.5, 0.5}, Std: [3]float32{0.5, 0.5, 0.5},
}

// ofFacenet is that of faces that have been cut out: (x - 127.5) / 128 of bytes.
var ofFacenet = vision.Preprocessing{
	Size: 160, Crop: 1, Interpolation: vision.Bilinear, Fit: vision.FitSquash,
	Mean: [3]float32{0.5, 0.5, 0.5}, Std: [3]float32{128. / 255, 128. / 255, 128. / 255},
}
