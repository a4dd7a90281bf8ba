package train

import (
	"context"
	"errors"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/train/rundir"
	"github.com/seed-fb2c0fa6/inception/train/step"
	"github.com/seed-fb2c0fa6/inception/vision"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// trainedModel returns a model of three classes, and its values.
func trainedModel(t *testing.T, backend compute.Backend) (string, map[string][]float32) {
	t.Helper()
	r := smallRecipe(writeSet(t, 3, 4, "train", "test"))
	r.Epochs = 1
	folder := filepath.Join(t.TempDir(), "run")
	if _, err := Start(t.Context(), backend, folder, r, Options{}); err != nil {
		t.Fatal(err)
	}
	path := rundir.Dir(folder).Model()
	return path, valuesOf(t, backend, path)
}

func valuesOf(t *testing.T, backend compute.Backend, path string) map[string][]float32 {
	t.Helper()
	file, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	network, _, err := file.Identify(weights.Hint{})
	if err != nil {
		t.Fatal(err)
	}
	parameters, err := network.Parameters()
	if err != nil {
		t.Fatal(err)
	}
	tensors, err := file.Match(parameters)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string][]float32{}
	for _, tensor := range tensors {
		values[tensor.Name] = make([]float32, tensor.Size())
		if err := tensor.Read(values[tensor.Name]); err != nil {
			t.Fatal(err)
		}
	}
	return values
}

// tuning is a recipe that takes the network from weights.
func tuning(data, path string) recipe.Training {
	r := smallRecipe(data)
	r.Network, r.Width, r.Blocks, r.Size, r.Crop, r.Interpolation = "", 0, nil, 0, 0, 0
	r.Weights = path
	r.Epochs = 1
	return r
}

func TestFineTune(t *testing.T) {
	backend := cpubackend.New(t)
	path, before := trainedModel(t, backend)
	set := writeSet(t, 2, 6, "train", "test") // of other classes
	const logits = "InceptionResnetV1/Logits/"
	for name, c := range map[string]struct {
		freeze []string
		stays  func(name string) bool
	}{
		"all": {nil, func(string) bool { return false }},
		"stem frozen": {[]string{"InceptionResnetV1/Conv2d_1a_3x3", "InceptionResnetV1/Conv2d_2a_3x3"}, func(name string) bool {
			return strings.HasPrefix(name, "InceptionResnetV1/Conv2d_1a_3x3/") || strings.HasPrefix(name, "InceptionResnetV1/Conv2d_2a_3x3/")
		}},
		"logits alone": {[]string{"InceptionResnetV1"}, func(name string) bool { return !strings.HasPrefix(name, logits) }},
	} {
		t.Run(name, func(t *testing.T) {
			r := tuning(set, path)
			r.Freeze = c.freeze
			folder := filepath.Join(t.TempDir(), "run")
			if _, err := Start(t.Context(), backend, folder, r, Options{}); err != nil {
				t.Fatal(err)
			}
			after := valuesOf(t, backend, rundir.Dir(folder).Model())
			if len(after) != len(before) {
				t.Errorf("%d parameters, want %d", len(after), len(before))
			}
			for _, name := range slices.Sorted(maps.Keys(before)) {
				if same := slices.Equal(before[name], after[name]); same != c.stays(name) {
					t.Errorf("%s stayed: %v, want %v", name, same, c.stays(name))
				}
			}
			used, err := rundir.Dir(folder).ReadRecipe()
			if err != nil {
				t.Fatal(err)
			}
			if used.Network != "inception_resnet_v1" || used.Width != 0.05 || used.Size != 75 || used.Interpolation != vision.Bilinear || !slices.Equal(used.Blocks, []int{1, 1, 1}) {
				t.Errorf("the recipe of the run is %+v, want what the weights say", used)
			}
			// A run that resumes has the weights' frozen parts again.
			if _, err := Resume(t.Context(), backend, folder, Options{}); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestFineTuneWithoutHead trains classes on the trunk of weights whose head is of another
// kind, which are refused with it.
func TestFineTuneWithoutHead(t *testing.T) {
	backend := cpubackend.New(t)
	_, before := trainedModel(t, backend)
	o := arch.Options{Width: 0.05, Blocks: []int{1, 1, 1}, Classes: 4, Head: &arch.Head{
		Output: arch.OutputSigmoid, Hidden: []arch.HeadLayer{{Units: 5, BatchNorm: true, Activation: "relu"}},
	}}
	network, err := arch.New("inception_resnet_v1", o)
	if err != nil {
		t.Fatal(err)
	}
	parameters, err := network.Parameters()
	if err != nil {
		t.Fatal(err)
	}
	var sources []weights.Source
	for _, p := range parameters {
		sources = append(sources, weights.Source{Parameter: p, Values: func(dst []float32) error {
			copy(dst, before[p.Name])
			return nil
		}})
	}
	p := smallRecipe("").Preprocessing()
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := weights.Write(path, weights.Native, weights.Metadata{Network: network.Name(), Options: network.Options(), Preprocessing: &p}, sources); err != nil {
		t.Fatal(err)
	}
	r := tuning(writeSet(t, 2, 6, "train", "test"), path)
	_, err = Start(t.Context(), backend, filepath.Join(t.TempDir(), "run"), r, Options{})
	wanted.Error(t, err, path, "sigmoid", "--head none")
	r.Head, r.Freeze = recipe.HeadNone, []string{"InceptionResnetV1/Conv2d_1a_3x3", "InceptionResnetV1/Repeat", "InceptionResnetV1/Mixed_7a"}
	folder := filepath.Join(t.TempDir(), "run")
	if _, err := Start(t.Context(), backend, folder, r, Options{}); err != nil {
		t.Fatal(err)
	}
	after := valuesOf(t, backend, rundir.Dir(folder).Model())
	if len(after) != len(before) {
		t.Errorf("%d parameters, want %d", len(after), len(before))
	}
	for name := range after {
		frozen := slices.ContainsFunc(r.Freeze, func(scope string) bool { return strings.HasPrefix(name, scope+"/") })
		if same := slices.Equal(before[name], after[name]); same != frozen {
			t.Errorf("%s stayed: %v, want %v", name, same, frozen)
		}
	}
	if _, err := Resume(t.Context(), backend, folder, Options{}); err != nil {
		t.Error(err)
	}
	r.Weights, r.Network = "", "inception_v4"
	wanted.Error(t, r.Check(), "head should be none")
}

// TestFineTuneBegins looks at what training begins with.
func TestFineTuneBegins(t *testing.T) {
	backend := cpubackend.New(t)
	path, before := trainedModel(t, backend)
	for name, c := range map[string]struct {
		classes []string
		random  bool // the logits
	}{
		"the same classes":       {[]string{"class0", "class1", "class2"}, false},
		"classes of other names": {[]string{"cat", "dog", "cow"}, true},
		"more classes":           {[]string{"class0", "class1", "class2", "class3"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := complete(t.Context(), tuning("", path), nil)
			if err != nil {
				t.Fatal(err)
			}
			from, err := newOrigin(t.Context(), r, Options{}, c.classes, discard())
			if err != nil {
				t.Fatal(err)
			}
			defer from.close()
			for _, p := range from.parameters.All {
				got, initial := make([]float32, p.Size()), make([]float32, p.Size())
				if err := from.values(got, p); err != nil {
					t.Fatal(err)
				}
				step.InitialValues(initial, p, r.Seed)
				want := before[p.Name]
				if c.random && strings.Contains(p.Name, "/Logits/") {
					want = initial
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s does not begin as it should", p.Name)
				}
			}
		})
	}
}

// TestFrozenBatchNorm compares the loss of a wholly frozen network, but for its logits,
// with that of evaluation: batch norm must use the moving statistics.
func TestFrozenBatchNorm(t *testing.T) {
	backend := cpubackend.New(t)
	path, _ := trainedModel(t, backend)
	r := tuning("", path)
	r.Freeze, r.DropoutKeep, r.LabelSmoothing = []string{"InceptionResnetV1"}, 1, 0
	r, err := complete(t.Context(), r, nil)
	if err != nil {
		t.Fatal(err)
	}
	from, err := newOrigin(t.Context(), r, Options{}, []string{"x", "y", "z"}, discard())
	if err != nil {
		t.Fatal(err)
	}
	defer from.close()
	s, err := step.New(backend, from.network, r.Resolved(), from.parameters, from.values, step.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const image = 75 * 75 * 3
	images, labels := make([]float32, 3*image), []int32{0, 1, 2}
	for i := range images {
		images[i] = float32(math.Sin(float64(i) * 0.37 * float64(1+i/image)))
	}
	all, err := s.Apply(0, images, labels, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range labels {
		// A batch of other images gives the same logits: nothing depends on the batch.
		twice := slices.Concat(images[i*image:][:image], images[i*image:][:image])
		o, err := s.Apply(0, twice, []int32{labels[i], labels[i]}, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		for c, v := range o.Logits[:3] {
			if d := v - all.Logits[i*3+c]; d > 1e-4 || d < -1e-4 {
				t.Errorf("image %d has the logits %v alone, %v in a batch", i, o.Logits[:3], all.Logits[i*3:][:3])
				break
			}
		}
	}
}

func TestFineTuneRefuses(t *testing.T) {
	backend := cpubackend.New(t)
	path, _ := trainedModel(t, backend)
	set := writeSet(t, 2, 6, "train", "test")
	gluon := filepath.Join(t.TempDir(), "gluon.safetensors")
	writeOtherPreprocessing(t, backend, path, gluon)
	for name, c := range map[string]struct {
		change func(*recipe.Training)
		want   []string
	}{
		"another network":      {func(r *recipe.Training) { r.Network = "inception_v4" }, []string{"inception_resnet_v1", "inception_v4"}},
		"another width":        {func(r *recipe.Training) { r.Width = 0.5 }, []string{"width 0.05", "0.5"}},
		"other blocks":         {func(r *recipe.Training) { r.Blocks = []int{1, 2, 1} }, []string{"blocks [1 1 1]", "[1 2 1]"}},
		"unknown scope":        {func(r *recipe.Training) { r.Freeze = []string{"InceptionResnetV1/Conv2d_9"} }, []string{"Conv2d_9", "InceptionResnetV1/Conv2d_1a_3x3"}},
		"normalised otherwise": {func(r *recipe.Training) { r.Weights = gluon }, []string{"gluon.safetensors", "[0.485 0.456 0.406]"}},
		"everything frozen": {func(r *recipe.Training) {
			r.Data = writeSet(t, 3, 4, "train", "test") // the weights' classes
			r.Freeze = []string{"InceptionResnetV1"}
		}, []string{"leave nothing to train"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := tuning(set, path)
			c.change(&r)
			_, err := Start(t.Context(), backend, filepath.Join(t.TempDir(), "run"), r, Options{})
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q should contain %q", err, want)
				}
			}
		})
	}
}

func writeOtherPreprocessing(t *testing.T, backend compute.Backend, from, to string) {
	t.Helper()
	file, err := weights.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	network, _, err := file.Identify(weights.Hint{})
	if err != nil {
		t.Fatal(err)
	}
	var parameters []arch.Parameter
	if parameters, err = network.Parameters(); err != nil {
		t.Fatal(err)
	}
	tensors, err := file.Match(parameters)
	if err != nil {
		t.Fatal(err)
	}
	m := file.Metadata
	p := *m.Preprocessing
	p.Mean, p.Std = [3]float32{0.485, 0.456, 0.406}, [3]float32{0.229, 0.224, 0.225}
	m.Preprocessing = &p
	if err := weights.Write(to, weights.Native, m, weights.Sources(tensors)); err != nil {
		t.Fatal(err)
	}
}

// TestFoundWeights starts from weights that are found by a name, and resumes: the run's
// recipe keeps the name.
func TestFoundWeights(t *testing.T) {
	backend := cpubackend.New(t)
	path, _ := trainedModel(t, backend)
	r := tuning(writeSet(t, 3, 4, "train", "test"), "public")
	card := recipe.Checkpoint{Tag: "public", Network: "inception_resnet_v1", Preprocessing: recipe.Inception()}
	found := 0
	o := Options{Weights: func(_ context.Context, name string) (string, *recipe.Checkpoint, error) {
		if name != "public" {
			return "", nil, errors.New("found " + name)
		}
		found++
		return path, &card, nil
	}}
	r.Size = 75
	folder := filepath.Join(t.TempDir(), "run")
	if _, err := Start(t.Context(), backend, folder, r, o); err != nil {
		t.Fatal(err)
	}
	before := found
	if _, err := Resume(t.Context(), backend, folder, o); err != nil || found == before {
		t.Errorf("a run that resumes found its weights %d times, %v", found-before, err)
	}
	if used, err := rundir.Dir(folder).ReadRecipe(); err != nil || used.Weights != "public" {
		t.Errorf("the recipe of the run is %+v, %v", used, err)
	}
	card.Preprocessing.Mean = [3]float32{0.1, 0.2, 0.3}
	_, err := Start(t.Context(), backend, filepath.Join(t.TempDir(), "run"), r, o)
	if err == nil || !strings.Contains(err.Error(), "public expects inputs less [0.1 0.2 0.3]") {
		t.Errorf("a card of another preprocessing: error %v", err)
	}
	r.Weights = "timm/inception_v4.tf_in1k"
	_, err = Start(t.Context(), backend, filepath.Join(t.TempDir(), "run"), r, Options{})
	if err == nil || !strings.Contains(err.Error(), "public checkpoint, expected a file") {
		t.Errorf("a tag without what finds it: error %v", err)
	}
}
