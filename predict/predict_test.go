package predict_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/vision"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// tiny is a network that a test runs in milliseconds.
func tiny(t testing.TB, labels []recipe.Label) predict.Config {
	options := arch.Options{Classes: 10, Width: 0.125, Blocks: []int{1, 1, 1}}
	m := weights.Metadata{Network: "inception_resnet_v1", Options: options, Labels: labels}
	return predict.Config{Weights: golden.WriteWeights(t, "inception_resnet_v1", options, weights.Native, m), Size: 75}
}

func open(t testing.TB, config predict.Config) *predict.Classifier {
	t.Helper()
	c, err := predict.Open(context.Background(), cpubackend.New(t), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// picture is a deterministic image.
func picture(seed, width, height int) *vision.Image {
	image := &vision.Image{Width: width, Height: height, Pix: make([]uint8, width*height*3)}
	u := make([]float64, len(image.Pix))
	golden.Uniform(fmt.Sprint("picture ", seed), u)
	for i := range image.Pix {
		image.Pix[i] = uint8(256 * u[i])
	}
	return image
}

// TestGoldenPhotos classifies real photographs with generated weights in timm's
// layout, and compares the order of the five largest logits with the foreign
// reference, wherever neighbours differ by more than 1% of the logits' spread.
func TestGoldenPhotos(t *testing.T) {
	if testing.Short() {
		t.Skip("runs whole networks; leave out -short")
	}
	folder := os.Getenv("INCEPTION_PHOTOS")
	if folder == "" {
		folder = "../../shared/photos"
	}
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("the photographs are not at %s; name their folder in INCEPTION_PHOTOS", folder)
	}
	data, err := os.ReadFile("testdata/photos.json")
	if err != nil {
		t.Fatal(err)
	}
	var photos []struct {
		File string                  `json:"file"`
		Top5 map[string][][2]float64 `json:"top5"`
	}
	if err := json.Unmarshal(data, &photos); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"inception_v4", "inception_resnet_v2"} {
		t.Run(name, func(t *testing.T) {
			// The reference crops 87.5% for both networks.
			c := open(t, predict.Config{Weights: golden.WriteWeights(t, name, arch.Options{}, weights.Timm, weights.Metadata{}), Crop: 0.875})
			if c.Network().Name() != name {
				t.Fatalf("the file was taken for %s", c.Network().Name())
			}
			for _, photo := range photos {
				image, err := vision.Open(filepath.Join(folder, photo.File), vision.DecodeOptions{IgnoreOrientation: true})
				if err != nil {
					t.Fatal(err)
				}
				results, err := c.Predict(context.Background(), image)
				if err != nil {
					t.Fatal(err)
				}
				logits := results[0].Logits
				want := photo.Top5[name]
				// The reference lists five logits; the spread is over all of ours.
				spread := float64(slices.Max(logits) - slices.Min(logits))
				got := results[0].Top(5)
				var worst float64
				for i, w := range want {
					worst = max(worst, math.Abs(float64(logits[int(w[0])])-w[1])/spread)
					if i > 0 && want[i-1][1]-w[1] > 0.01*spread && !(logits[int(want[i-1][0])] > logits[int(w[0])]) {
						t.Errorf("%s: class %g should be above %g", photo.File, want[i-1][0], w[0])
					}
					apart := (i == 0 || want[i-1][1]-w[1] > 0.01*spread) && (i < 4 && w[1]-want[i+1][1] > 0.01*spread)
					if apart && got[i].Index != int(w[0]) {
						t.Errorf("%s: place %d is class %d, want %g", photo.File, i+1, got[i].Index, w[0])
					}
				}
				t.Logf("%-40s largest difference of the five logits %.2f%% of the spread", photo.File, 100*worst)
			}
		})
	}
}

// TestConcurrent calls one Classifier from eight goroutines, for single images
// and batches, and expects what one goroutine gets.
func TestConcurrent(t *testing.T) {
	config := tiny(t, nil)
	config.Batch = 2
	c := open(t, config)
	ctx := context.Background()
	var images []*vision.Image
	for i := range 5 {
		images = append(images, picture(i, 90+i, 80))
	}
	want, err := c.Predict(ctx, images...) // two batches and a single one
	if err != nil {
		t.Fatal(err)
	}
	if len(want) != len(images) || slices.Equal(want[0].Logits, want[1].Logits) {
		t.Fatal("images should have results of their own")
	}
	fresh := open(t, config)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			got, err := fresh.Predict(ctx, images...)
			if err != nil {
				t.Error(err)
				return
			}
			for i := range got {
				if !slices.Equal(got[i].Logits, want[i].Logits) {
					t.Errorf("image %d has other logits when eight goroutines ask", i)
				}
			}
		})
	}
	wait.Wait()
}

// TestBatches expects the same of an image whatever runs beside it.
func TestBatches(t *testing.T) {
	config := tiny(t, nil)
	single := open(t, config)
	config.Batch = 3
	batched := open(t, config)
	images := []*vision.Image{picture(1, 75, 75), picture(2, 200, 100), picture(3, 75, 300), picture(4, 64, 64)}
	a, err := single.Predict(context.Background(), images...)
	if err != nil {
		t.Fatal(err)
	}
	b, err := batched.Predict(context.Background(), images...)
	if err != nil {
		t.Fatal(err)
	}
	for i := range images {
		for j := range a[i].Logits {
			if math.Abs(float64(a[i].Logits[j]-b[i].Logits[j])) > 1e-4 {
				t.Errorf("image %d, class %d: %g alone, %g in a batch", i, j, a[i].Logits[j], b[i].Logits[j])
			}
		}
	}
}

// TestOnlyProgram lets the parameters go into a program, whose results are those of others.
func TestOnlyProgram(t *testing.T) {
	config := tiny(t, nil)
	several := open(t, config)
	config.OnlyProgram = true
	one := open(t, config)
	ctx, image := context.Background(), pixels(t, several, 1)
	want, err := several.Logits(ctx, image)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got, err := one.Logits(ctx, image); err != nil || !slices.Equal(got, want) {
			t.Errorf("the only program's logits are %v, error %v, want %v", got, err, want)
		}
	}
	if _, err := one.Logits(ctx, pixels(t, one, 2)); err == nil || !strings.Contains(err.Error(), "OnlyProgram") {
		t.Errorf("another program's error is %v", err)
	}
}

func TestTop(t *testing.T) {
	labels := make([]recipe.Label, 10)
	for i := range labels {
		labels[i] = recipe.Label{Synset: fmt.Sprint("n", i), Name: fmt.Sprint("name ", i)}
	}
	results, err := open(t, tiny(t, labels)).Predict(context.Background(), picture(1, 100, 100))
	if err != nil {
		t.Fatal(err)
	}
	all := results[0].Top(99)
	if len(all) != 10 {
		t.Fatalf("%d classes, want 10", len(all))
	}
	sum := 0.0
	for i, p := range all {
		sum += p.Probability
		if i > 0 && p.Logit > all[i-1].Logit {
			t.Errorf("place %d has logit %g, after %g", i+1, p.Logit, all[i-1].Logit)
		}
		if p.Logit != results[0].Logits[p.Index] || p.Label != fmt.Sprint("name ", p.Index) || p.Synset != fmt.Sprint("n", p.Index) {
			t.Errorf("place %d is %+v", i+1, p)
		}
	}
	if math.Abs(sum-1) > 1e-9 {
		t.Errorf("probabilities sum to %g", sum)
	}
	if top := results[0].Top(3); len(top) != 3 || top[0] != all[0] {
		t.Errorf("the first three are %+v", top)
	}
	large := predict.Result{Logits: []float32{1000, 999, -1000}}
	if p := large.Top(1)[0]; math.Abs(p.Probability-1/(1+math.Exp(-1))) > 1e-9 || p.Label != "class 0" {
		t.Errorf("large logits give %+v", p)
	}
}

func TestOpenErrors(t *testing.T) {
	good := tiny(t, nil)
	for name, c := range map[string]struct {
		change func(*predict.Config)
		want   []string
	}{
		"no file":       {func(c *predict.Config) { c.Weights = "nowhere.safetensors" }, []string{"nowhere.safetensors"}},
		"network":       {func(c *predict.Config) { c.Network = "inception_v3" }, []string{good.Weights, "inception_resnet_v1", "inception_v3"}},
		"size":          {func(c *predict.Config) { c.Size = 74 }, []string{"at least 75x75", "74x74"}},
		"crop":          {func(c *predict.Config) { c.Crop = 1.5 }, []string{"crop", "(0,1]", "1.5"}},
		"interpolation": {func(c *predict.Config) { c.Interpolation = 9 }, []string{"Interpolation(9)", "bicubic", "bilinear"}},
		"labels":        {func(c *predict.Config) { c.Labels = make([]recipe.Label, 3) }, []string{"10 classes", "3 labels"}},
		"batch":         {func(c *predict.Config) { c.Batch = -1 }, []string{"batch", "-1"}},
	} {
		config := good
		c.change(&config)
		_, err := predict.Open(context.Background(), cpubackend.New(t), config)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		for _, part := range c.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: error %q should contain %q", name, err, part)
			}
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	c := open(t, tiny(t, nil))
	cancel()
	if _, err := c.Predict(ctx, picture(1, 100, 100)); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want that of the context", err)
	}
}

// pixels are images that need no preprocessing any more.
func pixels(t *testing.T, c *predict.Classifier, batch int) []float32 {
	t.Helper()
	size := c.Preprocessing().Size
	values := make([]float32, batch*size*size*3)
	u := make([]float64, len(values))
	golden.Uniform("pixels", u)
	for i := range values {
		values[i] = float32(2*u[i] - 1)
	}
	return values
}

// compilations counts what a backend compiles.
type compilations struct {
	compute.Backend
	count atomic.Int64
}

type countingBuilder struct {
	compute.Builder
	count *atomic.Int64
}

func (b *compilations) Builder(name string) compute.Builder {
	return countingBuilder{b.Backend.Builder(name), &b.count}
}

func (b countingBuilder) Compile() (compute.Executable, error) {
	b.count.Add(1)
	return b.Builder.Compile()
}

// TestPrograms expects that each end point is compiled once for a batch, however many
// goroutines ask for it, and that Close releases what was compiled.
func TestPrograms(t *testing.T) {
	ctx := context.Background()
	backend := &compilations{Backend: cpubackend.New(t)}
	c, err := predict.Open(ctx, backend, tiny(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	backend.count.Store(0) // the parameters' shapes
	one, two := pixels(t, c, 1), pixels(t, c, 2)
	features, err := c.EndPoint(ctx, "PreLogits", two)
	if err != nil {
		t.Fatal(err)
	}
	if len(features) == 0 || len(features)%2 != 0 {
		t.Errorf("%d features of two images", len(features))
	}
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for _, images := range [][]float32{one, two} {
				if logits, err := c.Logits(ctx, images); err != nil || len(logits) != 10*len(images)/len(one) {
					t.Errorf("%d logits, %v", len(logits), err)
				}
			}
			if again, err := c.EndPoint(ctx, "PreLogits", two); err != nil || !slices.Equal(again, features) {
				t.Errorf("the features differ when they are asked for again, %v", err)
			}
		})
	}
	wait.Wait()
	if n := backend.count.Load(); n != 3 {
		t.Errorf("%d programs were compiled, want 3", n)
	}
	logits, err := c.EndPoint(ctx, "Logits", one)
	if want, _ := c.Logits(ctx, one); err != nil || !slices.Equal(logits, want) {
		t.Errorf("the end point Logits has %v, the logits are %v, %v", logits, want, err)
	}
	for want, call := range map[string]func() ([]float32, error){
		"Mixed_9": func() ([]float32, error) { return c.EndPoint(ctx, "Mixed_9", one) },
		"no name": func() ([]float32, error) { return c.EndPoint(ctx, "", one) },
		"16874":   func() ([]float32, error) { return c.Logits(ctx, one[1:]) },
		"found 0": func() ([]float32, error) { return c.Logits(ctx, nil) },
	} {
		if _, err := call(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v should contain %q", err, want)
		}
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := c.Logits(cancelled, one); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want that of the context", err)
	}
	c.Close()
	if _, err := c.Logits(ctx, one); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("after Close the error is %v", err)
	}
}
