package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"

	"github.com/gomlx/compute"
	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/shard"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// classifierFlags are the flags of the verbs that run one network over photographs: what the
// network is, and what becomes of photographs before it.
type classifierFlags struct {
	model         string
	weights       string
	head          headFlag
	preprocessing preprocessingFlags
	decode        decodeFlags
	batch         int
	labels        string
	precision     string
	backend       backendFlags

	preferred string // the network where none is named; defaultNetwork when empty
	several   bool   // programs are compiled of the network, for batches of several sizes

	card     *recipe.Checkpoint // of the public weights that are meant where none are named
	computer shard.Setting      // what computes, once it is open
}

// publicWeightsText says in the help of such verbs where weights come from.
const publicWeightsText = `Without --weights the network's public weights are taken from the cache of the
Hugging Face Hub (HF_HUB_CACHE, or ~/.cache/huggingface/hub), and downloaded there
when absent. HF_HUB_OFFLINE=1 (or true, yes, on) forbids the download.`

// takesPhotos is what such verbs take.
const takesPhotos = "IMAGE, FOLDER or -"

func (f *classifierFlags) add(cmd *cobra.Command) {
	f.addNetwork(cmd)
	f.preprocessing.add(cmd)
	f.decode.addExact(cmd)
}

// addNetwork adds the flags of verbs that have a preprocessing of their own. The batch is f's
// where that has one.
func (f *classifierFlags) addNetwork(cmd *cobra.Command) {
	f.addForOne(cmd)
	addBatch(cmd, &f.batch, cmp.Or(f.batch, 1), "images that run through the network at a time")
}

// addForOne adds those of them that one photograph needs.
func (f *classifierFlags) addForOne(cmd *cobra.Command) {
	addModel(cmd, &f.model, "that of the weights, or "+cmp.Or(f.preferred, defaultNetwork))
	cmd.Flags().StringVar(&f.weights, "weights", "", weightsText("weights"))
	f.head.add(cmd)
	f.decode.add(cmd)
	addPrecision(cmd, &f.precision, predict.Precisions(), "")
	cmd.Flags().Lookup("precision").Usage += precisionOfWeights
	f.backend.add(cmd)
}

// check refuses wrong flags.
func (f *classifierFlags) check() error {
	err := cmp.Or(within(1, maxBatch, "batch", f.batch), f.head.check(), f.preprocessing.check(), f.decode.check(), checkModel(f.model), checkPrecision(f.precision, predict.Precisions()), f.backend.check())
	if err != nil || f.weights != "" {
		return err
	}
	network := cmp.Or(f.model, f.preferred, defaultNetwork)
	card, ok := recipe.DefaultCheckpoint(network)
	if !ok {
		return usageError{fmt.Errorf("%s has no public weights; give a file with --weights", network)}
	}
	f.card = &card
	return nil
}

// checkClasses is check for verbs that need classes.
func (f *classifierFlags) checkClasses() error {
	if f.head.none() {
		return usageError{errors.New(`--head none leaves no classes to tell; "inception features --head none" writes the network's features, and "inception train --head none" trains classes on them`)}
	}
	return f.check()
}

// manyImages is from how many images on it pays to transform the weights for
// Winograd's algorithm, which makes them larger.
const manyImages = 8

// open makes the classifier for a number of photographs, and returns the path of its weights.
// What close releases is in use until then.
func (f *classifierFlags) open(cmd *cobra.Command, photos int) (classifier *predict.Classifier, weights string, close func(), err error) {
	ctx := cmd.Context()
	labels, err := readLabels(f.labels)
	if err != nil {
		return nil, "", nil, err
	}
	config, err := f.locate(cmd)
	if err != nil {
		return nil, "", nil, err
	}
	config.Labels, config.Batch, config.Precision = labels, evenBatch(photos, f.batch), arch.Precision(f.precision)
	config.OnlyProgram = !f.several // all batches are of one size then
	f.preprocessing.apply(&config)
	if !cmd.Flags().Changed("backend") && photos < manyImages {
		f.backend.name = defaultBackend + ":winograd=off"
	}
	var backend compute.Backend
	if backend, err = f.backend.open(); err != nil {
		return nil, "", nil, err
	}
	if classifier, err = predict.Open(ctx, backend, config); err != nil {
		backend.Finalize()
		return nil, "", nil, err
	}
	f.batch, f.computer = config.Batch, computedBy(backend)
	sayPrecision(cmd.ErrOrStderr(), f.precision, classifier.Network().Options().Precision, config.Weights)
	return classifier, config.Weights, func() {
		classifier.Close()
		backend.Finalize()
	}, nil
}

// locate finds the weights, and says which network they are of.
func (f *classifierFlags) locate(cmd *cobra.Command) (predict.Config, error) {
	config := predict.Config{Network: f.model, Card: f.card, Headless: f.head.none()}
	var err error
	if f.card != nil {
		if config.Weights, err = fetch(cmd.Context(), cmd.ErrOrStderr(), *f.card); err != nil {
			err = fmt.Errorf("the public weights, since --weights names none: %w", err)
		}
	} else {
		config.Weights, config.Card, err = weightsOfFlag(cmd.Context(), cmd.ErrOrStderr(), f.weights)
	}
	return config, err
}

// evenBatch is the size of as many batches as n images take, but of equal ones, so that
// little of the last is empty.
func evenBatch(n, most int) int {
	batches := (n + most - 1) / most
	return (n + batches - 1) / batches
}

// opener decodes photographs for a classifier.
func (f *classifierFlags) opener(classifier *predict.Classifier, stdin io.Reader) func(file string, reserve func(bytes int64)) (*vision.Image, error) {
	return func(file string, reserve func(bytes int64)) (*vision.Image, error) {
		o := f.decode.options()
		o.ResizedTo, o.Reserve = classifier.Preprocessing().ResizedTo(), reserve
		o.Alpha = classifier.Preprocessing().Alpha
		return openPhoto(file, stdin, o)
	}
}

// reportFailed says how many photographs failed; that some did, or that not all were found,
// is an error that has been said.
func reportFailed(stderr io.Writer, failed, all int, incomplete bool) error {
	if failed > 0 {
		fmt.Fprintf(stderr, "inception: %d of %d images failed\n", failed, all)
	}
	if failed > 0 || incomplete {
		return errReported
	}
	return nil
}
