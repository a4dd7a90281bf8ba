package cli_test

import (
	"encoding/json"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/explain"
	"github.com/seed-fb2c0fa6/inception/internal/cli"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
)

// TestFilters expects the generated weights in the pictures, also where they are integers.
func TestFilters(t *testing.T) {
	t.Chdir(t.TempDir())
	weights := tiny(t)
	type answer struct {
		Network, Layer, Picture string
		Shape                   []int
		Scale                   float32
	}
	draw := func(args ...string) (a answer, brightness func(x, y int) [3]int) {
		t.Helper()
		stdout, _ := run(t, cli.Done, append([]string{"describe", "--filters", "--json"}, args...)...)
		if err := json.Unmarshal([]byte(stdout), &a); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(a.Picture)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		picture, err := png.Decode(file)
		if err != nil {
			t.Fatal(err)
		}
		return a, func(x, y int) [3]int {
			r, g, b, _ := picture.At(x, y).RGBA()
			return [3]int{int(r >> 8), int(g >> 8), int(b >> 8)}
		}
	}
	const left, top = 12, 12 + 6*18 + 12 // of the first tile
	level := func(v, largest float32) int {
		return int(math.Floor(255*(float64(v)/float64(largest)+1)/2 + 0.5))
	}
	first, at := draw("--weights", weights)
	values := golden.Parameter("", "InceptionV4/Conv2d_1a_3x3/weights", []int{3, 3, 3, 8}, false)
	largest := explain.Map{Values: values}.Largest()
	if first.Picture != "filters.png" || first.Layer != "Conv2d_1a_3x3" || !slices.Equal(first.Shape, []int{3, 3, 3, 8}) || first.Scale != largest {
		t.Errorf("%+v, want the scale %g", first, largest)
	}
	for filter := range 8 {
		for cell := range 9 {
			var want [3]int
			for c := range want {
				want[c] = level(values[(cell*3+c)*8+filter], largest)
			}
			if got := at(left+filter*(138+12)+cell%3*46+23, top+cell/3*46+23); got != want {
				t.Errorf("cell %d of filter %d is %v, want %v", cell, filter, got, want)
			}
		}
	}
	// 8 patches of 3 x 3 are three in a row, and a value has 21 pixels.
	inner, at := draw("inception_v4", "--weights", weights, "--layer", "InceptionV4/Conv2d_2a_3x3", "--out", "inner.png", "--count", "1")
	values = golden.Parameter("", "InceptionV4/Conv2d_2a_3x3/weights", []int{3, 3, 8, 8}, false)
	largest = explain.Map{Values: values}.Largest()
	for in := range 8 {
		v := level(values[(4*8+in)*8], largest) // in the middle
		if got := at(left+in%3*64+31, top+in/3*64+31); got != [3]int{v, v, v} || inner.Scale != largest {
			t.Errorf("patch %d is %v, want %d", in, got, v)
		}
	}
	if own, _ := draw("--weights", weights, "--scale", "each"); own.Scale != 0 {
		t.Errorf("the scale of each is %g", own.Scale)
	}

	quantized := filepath.Join(t.TempDir(), "int8.safetensors")
	original := tinyWeights(t)
	run(t, cli.Done, "quantize", "--weights", original, "--data", pictureFolder(t, 6), "--out", quantized)
	layer := []string{"--layer", "Mixed_5b/Branch_1/Conv2d_0b_5x5"}
	integers, _ := draw(append(layer, "--weights", quantized)...)
	if integers.Scale <= 0 || integers.Scale > 10 {
		t.Errorf("of integers the scale is %g", integers.Scale)
	}

	_, stderr := run(t, cli.Usage, "describe", "--filters", "--weights", weights, "--layer", "Mixed_5b")
	contains(t, stderr, "--layer", `no convolution "Mixed_5b"`, "nearest are Mixed_5b/Branch_0/Conv2d_0a_1x1")
	if left, _ := filepath.Glob("*.tmp*"); left != nil {
		t.Errorf("%q is left", left)
	}
	_, stderr = run(t, cli.Failed, "describe", "--filters", "--weights", weights, "--out", "nowhere/x.png")
	contains(t, stderr, "nowhere")
}

// TestActivations expects the values that `features` writes of the same stage.
func TestActivations(t *testing.T) {
	t.Chdir(t.TempDir())
	weights := tinyNamed(t, "inception_v3", 75, "a", "b")
	photo := writeFile(t, "x.png", pngFile(t, 90, 80))
	stdout, _ := run(t, cli.Done, "features", photo, "--weights", weights, "--layer", "Mixed_5b")
	var features struct{ Features [][][]float64 }
	if err := json.Unmarshal([]byte(stdout), &features); err != nil {
		t.Fatal(err)
	}
	type answer struct {
		File, Network, Layer, Picture string
		Width                         int
		Shape                         []int
		Scale                         float64
		Channels                      []explain.Channel
	}
	draw := func(args ...string) (a answer) {
		t.Helper()
		stdout, _ := run(t, cli.Done, append([]string{"describe", "--activations", photo, "--json", "--weights", weights}, args...)...)
		if err := json.Unmarshal([]byte(stdout), &a); err != nil {
			t.Fatal(err)
		}
		return a
	}
	a := draw("--layer", "Mixed_5b", "--order", "mean", "--count", "5")
	if a.Picture != "activations.png" || a.Width != 90 || len(a.Channels) != 5 || len(features.Features) != a.Shape[0] {
		t.Fatalf("%+v", a)
	}
	for i, c := range a.Channels {
		sum := 0.0
		for _, row := range features.Features {
			for _, cell := range row {
				sum += cell[c.Index]
			}
		}
		if mean := sum / float64(a.Shape[0]*a.Shape[1]); math.Abs(mean-c.Mean) > 1e-5*max(mean, 1) || i > 0 && c.Mean > a.Channels[i-1].Mean {
			t.Errorf("channel %+v, want the mean %g", c, mean)
		}
	}
	if first := draw("--scale", "each"); first.Layer != "Conv2d_1a_3x3" || first.Scale != 0 || first.Channels[0].Index != 0 {
		t.Errorf("%+v", first)
	}
	stdout, _ = run(t, cli.Done, "describe", "inception_v3", photo, "--activations", "--weights", weights, "--out", "y.png", "--count", "0")
	contains(t, stdout, "y.png  Conv2d_1a_3x3  8 of 8 channels of 37 x 37")
	_, stderr := run(t, cli.Usage, "describe", "--activations", photo, "--weights", weights, "--layer", "mixed5b")
	contains(t, stderr, "the nearest first, Mixed_5b, ")
	_, stderr = run(t, cli.Usage, "describe", "--activations", photo, "--weights", weights, "--layer", "Logits")
	contains(t, stderr, "no grid", "inception features --layer Logits")

	// All networks have a first convolution whose values can be asked for.
	for _, network := range arch.Names() {
		run(t, cli.Done, "describe", "--activations", photo, "--weights", tinyNamed(t, network, 75, "a", "b"))
	}
}
