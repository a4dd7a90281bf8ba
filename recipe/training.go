package recipe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/seed-fb2c0fa6/inception/vision"
)

// A Training says how a network is trained: all that decides what a run computes,
// beside the images. It is written as YAML, with the names in the tags. Entries that are
// left out have the defaults that Resolved fills in.
type Training struct {
	// Network is the network's name in package arch; that of Weights when empty.
	Network string `yaml:"network,omitempty"`
	// Width, Blocks, ResidualScales, AuxiliaryHead and DropoutKeep are options of the
	// network (arch.Options); zero values are the network's own, or those of Weights.
	Width          float64   `yaml:"width,omitempty"`
	Blocks         []int     `yaml:"blocks,omitempty,flow"`
	ResidualScales []float64 `yaml:"residual_scales,omitempty,flow"`
	AuxiliaryHead  bool      `yaml:"auxiliary_head,omitempty"`
	DropoutKeep    float64   `yaml:"dropout_keep,omitempty"`
	// BatchNormDecay is that of batch norm's moving statistics at every batch, in (0,1); the
	// network's own, or that of Weights, when zero.
	BatchNormDecay float64 `yaml:"batch_norm_decay,omitempty"`
	// BatchNorm is whose statistics normalise: "parts", each micro-batch of each replica has its
	// own, so that as many micro-batches on one replica are the same training; or
	// "synchronised", each micro-batch is divided among the replicas and has those of all, so
	// that their number changes nothing but rounding, and dropout. parts when empty.
	BatchNorm string `yaml:"batch_norm,omitempty"`

	// Weights names the weights to start from, as weights.Find takes them: a file, a folder
	// that has one, or the tag of a public checkpoint; random ones when empty.
	Weights string `yaml:"weights,omitempty"`
	// Head is "none" where what follows the last block of Weights, whatever it is, is left out
	// and the logits begin random; empty where it is taken.
	Head string `yaml:"head,omitempty"`
	// Freeze lists the scopes of parameters, such as InceptionV4/Mixed_5b, that stay as
	// they are in Weights. Their batch norm uses the moving statistics.
	Freeze []string `yaml:"freeze,omitempty,flow"`

	// Size is the side of the network's input in pixels; that of Weights when zero.
	Size int `yaml:"size,omitempty"`
	// Crop is the share of the shorter side that the central crop keeps in evaluation,
	// in (0,1]; that of Weights when zero.
	Crop float64 `yaml:"crop,omitempty"`
	// Distortion is what is done to the images at random.
	Distortion Distortion `yaml:"distortion"`

	// Interpolation is what images are resized with in evaluation, bicubic, bilinear or
	// another of vision.Interpolations; that of Weights, or bicubic, when empty.
	Interpolation vision.Interpolation `yaml:"interpolation,omitempty"`

	// Alpha is what becomes of transparency, white or drop; that of Weights, or white, when
	// empty.
	Alpha vision.Alpha `yaml:"alpha,omitempty"`

	// Data is the path of the images, as package dataset reads them.
	Data string `yaml:"data,omitempty"`
	// LabelOffset is subtracted from the labels of TFRecord shards.
	LabelOffset int `yaml:"label_offset,omitempty"`
	// Split is the split that is trained on; empty for a set without splits.
	Split string `yaml:"split,omitempty"`
	// Validation is what accuracies are measured on after every epoch.
	Validation Validation `yaml:"validation"`

	// Seed determines the initial values, the order of the images, their distortion and
	// dropout.
	Seed uint64 `yaml:"seed"`
	// Epochs is how often every image is seen.
	Epochs float64 `yaml:"epochs"`
	// Batch is the number of images in a step.
	Batch int `yaml:"batch"`
	// MicroBatches is the number of equal parts that a batch runs through the network in,
	// each with batch-norm statistics of its own; their gradients are averaged. When zero, 1,
	// or with BatchNormParts one on each replica.
	MicroBatches int `yaml:"micro_batches,omitempty"`

	// Recompute saves memory: little but what convolutions compute is kept for the
	// gradients, and the rest computed twice.
	Recompute bool `yaml:"recompute,omitempty"`
	// Precision is how exactly the network computes, float32 or bfloat16; float32 when empty.
	// Parameters, gradients of them and the optimiser are float32 either way.
	Precision string `yaml:"precision,omitempty"`

	Optimizer    Optimizer    `yaml:"optimizer"`
	LearningRate LearningRate `yaml:"learning_rate"`
	// ClipNorm is the largest L2 norm of all gradients together; no limit when zero.
	ClipNorm float64 `yaml:"clip_norm,omitempty"`
	// WeightDecay is the factor of half the squares of the weights of convolutions and
	// logits in what is minimised.
	WeightDecay float64 `yaml:"weight_decay"`
	// LabelSmoothing is the share of the probability that is spread over all classes, in
	// [0,1).
	LabelSmoothing float64 `yaml:"label_smoothing"`
	// AuxiliaryWeight is the factor of the auxiliary head's loss.
	AuxiliaryWeight float64 `yaml:"auxiliary_weight,omitempty"`
	// AverageDecay is that of the averages of parameters and moving statistics at every
	// step, in [0,1); none are kept, and the parameters themselves used, when zero.
	AverageDecay float64 `yaml:"average_decay"`

	// MaxUnreadable is the share of the images, those to train and to validate on together,
	// that may be unreadable, in [0,1]; 0.01 when nil.
	MaxUnreadable *float64 `yaml:"max_unreadable,omitempty"`
	// LogEvery is how many steps there are between two rows of metrics.csv; 10 when
	// zero.
	LogEvery int `yaml:"log_every,omitempty"`
	// SaveEvery is how much time passes between two checkpoints within an epoch; 10
	// minutes when zero.
	SaveEvery time.Duration `yaml:"save_every,omitempty"`
	// Keep is how many of the last checkpoints are kept; 2 when zero.
	Keep int `yaml:"keep,omitempty"`
}

// Validation is either a split of its own or a share of the images that is held out of
// the training.
type Validation struct {
	Split string `yaml:"split,omitempty"`
	// Share is in (0,1).
	Share float64 `yaml:"share,omitempty"`
}

// ParseValidation takes a number for a share, and all else for the name of a split.
func ParseValidation(text string) Validation {
	if share, err := strconv.ParseFloat(text, 64); err == nil {
		return Validation{Share: share}
	}
	return Validation{Split: text}
}

// An Optimizer is one of its fields.
type Optimizer struct {
	RMSProp *RMSProp `yaml:"rmsprop,omitempty"`
	SGD     *SGD     `yaml:"sgd,omitempty"`
}

// RMSProp has TensorFlow's parameters (tf.train.RMSPropOptimizer).
type RMSProp struct {
	Decay    float64 `yaml:"decay"`
	Momentum float64 `yaml:"momentum"`
	Epsilon  float64 `yaml:"epsilon"`
}

// SGD is stochastic gradient descent with momentum (tf.train.MomentumOptimizer).
type SGD struct {
	Momentum float64 `yaml:"momentum"`
}

// LearningRate is that of the first step, a linear rise to it, and at most one way to
// decrease.
type LearningRate struct {
	Initial float64 `yaml:"initial"`
	// WarmUp is how many epochs the rate rises linearly from zero.
	WarmUp    float64    `yaml:"warm_up,omitempty"`
	Staircase *Staircase `yaml:"staircase,omitempty"`
	// Cosine lets the rate fall to zero at the end of the last epoch along half a cosine
	// (Loshchilov and Hutter, arXiv 1608.03983, without restarts).
	Cosine bool `yaml:"cosine,omitempty"`
}

// A Staircase multiplies the learning rate by Factor every so many epochs.
type Staircase struct {
	Factor float64 `yaml:"factor"`
	Epochs float64 `yaml:"epochs"`
}

// A Distortion is what is done to the images of a training at random.
type Distortion int

const (
	// NoDistortion trains on the crops of the evaluation.
	NoDistortion Distortion = iota
	// FullDistortion is the paper's: area, aspect, mirror, and all colours.
	FullDistortion
	// FastDistortion leaves hue and contrast as they are.
	FastDistortion
	// ShiftDistortion moves and mirrors small images.
	ShiftDistortion
)

var distortions = []string{"none", "full", "fast", "shift"}

// String returns the name in recipes: none, full, fast or shift.
func (d Distortion) String() string { return distortions[d] }

// MarshalText returns the name.
func (d Distortion) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText takes a name; the error for an unknown one lists them.
func (d *Distortion) UnmarshalText(text []byte) error {
	i := slices.Index(distortions, string(text))
	if i < 0 {
		return fmt.Errorf("unknown distortion %q, expected one of %s", text, strings.Join(distortions, ", "))
	}
	*d = Distortion(i)
	return nil
}

// ParseTraining reads a recipe in YAML. A key that no recipe has is an error with its
// line; values are left to Check, since some may still be missing.
func ParseTraining(data []byte) (Training, error) {
	var t Training
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&t); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it is empty")
		}
		return t, fmt.Errorf("expected a recipe in YAML: %w", err)
	}
	return t, nil
}

// Encode returns the recipe as YAML.
func (t Training) Encode() ([]byte, error) {
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(t); err != nil {
		return nil, err
	}
	return b.Bytes(), encoder.Close()
}

// The values of BatchNorm.
const (
	BatchNormParts        = "parts"
	BatchNormSynchronised = "synchronised"
)

// HeadNone is the Head of recipes that leave the one of the weights out.
const HeadNone = "none"

// Preprocessing is what photographs go through where accuracies are measured, and where
// the trained network predicts: the recipe's crop, scaled to [-1,1].
func (t Training) Preprocessing() vision.Preprocessing {
	p := Inception()
	p.Size, p.Crop, p.Interpolation, p.Alpha = t.Size, t.Crop, t.Interpolation, t.Alpha
	return p
}

// Check returns an error that names every field that is out of its range.
func (t Training) Check() error {
	var wrong []string
	require := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Sprintf(format, args...))
		}
	}
	fresh := t.Weights == ""
	require(!fresh || t.Network != "", "network should name one, or weights a file of weights; both are empty")
	require(t.Size > 0 || !fresh && t.Size == 0, "size should be the side of the input in pixels, found %d", t.Size)
	require(t.Crop > 0 && t.Crop <= 1 || !fresh && t.Crop == 0, "crop should be in (0,1], found %g", t.Crop)
	require(t.Validation.Split == "" || t.Validation.Share == 0, "validation should be a split or a share, found both")
	require(t.Validation.Split != "" || t.Validation.Share > 0 && t.Validation.Share < 1, "validation should name a split, or hold out a share between 0 and 1, found %g", t.Validation.Share)
	require(t.Validation.Split == "" || t.Validation.Split != t.Split, "validation should be another split than the %q that is trained on", t.Split)
	require(t.Epochs > 0, "epochs should be more than 0, found %g", t.Epochs)
	require(t.Batch >= 2, "batch should be at least 2 images, which batch norm needs, found %d", t.Batch)
	require(t.MicroBatches >= 0 && (t.MicroBatches == 0 || t.Batch%t.MicroBatches == 0 && t.Batch/t.MicroBatches >= 2),
		"micro_batches should divide the batch of %d into parts of at least 2 images, found %d", t.Batch, t.MicroBatches)
	require(slices.Contains([]string{"", BatchNormParts, BatchNormSynchronised}, t.BatchNorm), "batch_norm should be %s or %s, found %q", BatchNormParts, BatchNormSynchronised, t.BatchNorm)
	require(slices.Contains([]string{"", "float32", "bfloat16"}, t.Precision), "precision should be float32 or bfloat16, found %q", t.Precision)
	switch rms, sgd := t.Optimizer.RMSProp, t.Optimizer.SGD; {
	case (rms == nil) == (sgd == nil):
		require(false, "optimizer should be one of rmsprop and sgd")
	case rms != nil:
		require(inUnit(rms.Decay) && inUnit(rms.Momentum) && rms.Epsilon > 0,
			"rmsprop should have a decay and a momentum in [0,1) and an epsilon above 0, found %g, %g and %g", rms.Decay, rms.Momentum, rms.Epsilon)
	default:
		require(inUnit(sgd.Momentum), "sgd should have a momentum in [0,1), found %g", sgd.Momentum)
	}
	rate := t.LearningRate
	require(rate.Initial > 0 && rate.WarmUp >= 0, "learning_rate should begin above 0 with a warm_up of 0 or more epochs, found %g and %g", rate.Initial, rate.WarmUp)
	require(rate.Staircase == nil || !rate.Cosine, "learning_rate should decrease as a staircase or a cosine, found both")
	if s := rate.Staircase; s != nil {
		require(s.Factor > 0 && s.Factor <= 1 && s.Epochs > 0, "staircase should have a factor in (0,1] and epochs above 0, found %g and %g", s.Factor, s.Epochs)
	}
	require(t.ClipNorm >= 0 && t.WeightDecay >= 0 && t.AuxiliaryWeight >= 0,
		"clip_norm, weight_decay and auxiliary_weight should not be negative, found %g, %g and %g", t.ClipNorm, t.WeightDecay, t.AuxiliaryWeight)
	require(inUnit(t.LabelSmoothing), "label_smoothing should be in [0,1), found %g", t.LabelSmoothing)
	require(inUnit(t.AverageDecay), "average_decay should be in [0,1), found %g", t.AverageDecay)
	require(t.MaxUnreadable == nil || *t.MaxUnreadable >= 0 && *t.MaxUnreadable <= 1, "max_unreadable should be in [0,1], found %g", deref(t.MaxUnreadable))
	require(t.LogEvery >= 0 && t.SaveEvery >= 0 && t.Keep >= 0, "log_every, save_every and keep should not be negative, found %d, %s and %d", t.LogEvery, t.SaveEvery, t.Keep)
	require(t.Head == "" || t.Head == HeadNone && !fresh, "head should be %s, for weights of a file without their head, or be left out, found %q", HeadNone, t.Head)
	require(len(t.Freeze) == 0 || !fresh, "freeze keeps parameters of weights; name a file of weights")
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "; "))
	}
	return nil
}

func deref(v *float64) float64 {
	if v == nil {
		return 0
	}
	return *v
}

func inUnit(v float64) bool { return v >= 0 && v < 1 }
