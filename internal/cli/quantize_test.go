package cli_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/cli"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
	"github.com/seed-fb2c0fa6/inception/internal/pictures"
	"github.com/seed-fb2c0fa6/inception/quantize"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// pictureFolder writes pictures, in folders of the classes where there are any.
func pictureFolder(t *testing.T, count int, classes ...string) string {
	t.Helper()
	folder := t.TempDir()
	for i := range count {
		class := "."
		if len(classes) > 0 {
			class = classes[i%len(classes)]
		}
		drawn := pictures.Draw(90, 80+i, func(x, y int) color.NRGBA {
			return color.NRGBA{uint8(x*(i+3) + y), uint8(y * (i + 1)), uint8(x*x + i*40), 255}
		})
		if err := os.MkdirAll(filepath.Join(folder, class), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, class, fmt.Sprintf("%02d.png", i)), pictures.PNG(t, drawn), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// tinyWeights are of a network that runs in milliseconds.
func tinyWeights(t *testing.T) string {
	o := arch.Options{Classes: 3, Width: 0.125, Blocks: []int{1, 1, 1}}
	p := recipe.Inception()
	p.Size = 75
	m := weights.Metadata{Network: "inception_resnet_v2", Options: o, Preprocessing: &p, Labels: []recipe.Label{{Name: "a"}, {Name: "b"}, {Name: "c"}}}
	return golden.WriteWeights(t, "inception_resnet_v2", o, weights.Native, m)
}

// TestQuantize quantises weights on pictures with and without classes, and takes what was
// written with the other verbs.
func TestQuantize(t *testing.T) {
	original, out := tinyWeights(t), filepath.Join(t.TempDir(), "int8.safetensors")
	labelled := pictureFolder(t, 9, "a", "b", "c")
	for _, c := range []struct {
		data     string
		labelled bool
	}{{labelled, true}, {pictureFolder(t, 6), false}, {pictureFolder(t, 6, "d", "e"), false}} {
		stdout, stderr := run(t, cli.Done, "quantize", "--weights", original, "--data", c.data, "--out", out, "--json")
		var q struct {
			Bytes        int64
			Of           int64 `json:"bytes_before"`
			Quantization weights.Quantization
			Comparison   *quantize.Comparison
		}
		if err := json.Unmarshal([]byte(stdout), &q); err != nil {
			t.Fatal(err)
		}
		if q.Comparison == nil || q.Comparison.Images < 2 || q.Bytes*2 > q.Of || q.Quantization.Photographs < 4 || (q.Comparison.Int8 != nil) != c.labelled {
			t.Errorf("quantize says %s", stdout)
		}
		if !strings.Contains(stderr, "100 or more") {
			t.Errorf("quantize on few photographs says %q", stderr)
		}
	}
	picture := filepath.Join(labelled, "a", "00.png")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"predict", "--weights", out, picture}, "in int8, which its weights are quantised to"},
		{[]string{"predict", "--weights", out, "--precision", "auto", picture}, "in int8"},
		{[]string{"predict", "--weights", original, "--precision", "auto", picture}, "computing " + original + " in "},
		{[]string{"evaluate", "--weights", out, "--data", labelled}, "in int8"},
		{[]string{"weights", "inspect", out}, ""},
		{[]string{"weights", "convert", out, filepath.Join(t.TempDir(), "copy.npz")}, ""},
	} {
		if _, stderr := run(t, cli.Done, c.args...); !strings.Contains(stderr, c.want) {
			t.Errorf("%v says %q, want %q", c.args, stderr, c.want)
		}
	}
	index := indexOf(t, original)
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"quantize", "--weights", index, "--data", labelled, "--out", original}, cli.Usage, "another name"},
		{[]string{"predict", "--weights", out, "--precision", "bfloat16", picture}, cli.Failed, "quantised to int8"},
		{[]string{"predict", "--weights", original, "--precision", "int8", picture}, cli.Failed, "inception quantize --weights"},
		{[]string{"predict", "--weights", original, "--precision", "int4", picture}, cli.Usage, "float32 bfloat16 int8 auto"},
		{[]string{"weights", "convert", out, filepath.Join(t.TempDir(), "timm.safetensors"), "--to", "timm"}, cli.Failed, "8-bit integers"},
		{[]string{"quantize", "--weights", out, "--data", labelled, "--out", filepath.Join(t.TempDir(), "again.safetensors")}, cli.Failed, "quantised already"},
		{[]string{"quantize", "--weights", original, "--data", labelled, "--out", original}, cli.Usage, "another name"},
		{[]string{"quantize", "--weights", original, "--data", labelled, "--out", "model.onnx"}, cli.Usage, ".safetensors"},
		{[]string{"quantize", "--weights", original, "--data", labelled}, cli.Usage, "--out is missing"},
		{[]string{"quantize", "--weights", original, "--data", t.TempDir(), "--out", out}, cli.Failed, "data set"},
		{[]string{"quantize", "--weights", original, "--data", labelled, "--out", out, "--percentile", "99"}, cli.Usage, "ranges by percentile"},
		{[]string{"quantize", "--weights", original, "--data", labelled, "--out", out, "--ranges", "most"}, cli.Usage, "max, percentile, mse, kl"},
		{[]string{"bench", "inception_v4", "--train", "--precision", "int8"}, cli.Usage, "--train is in one of"},
		{[]string{"train", "--recipe", "finetune-photos", "--weights", out, "--data", labelled, "--run", filepath.Join(t.TempDir(), "run")}, cli.Failed, "cannot be trained"},
	} {
		if _, stderr := run(t, c.code, c.args...); !strings.Contains(stderr, c.want) {
			t.Errorf("%v says %q, want %q", c.args, stderr, c.want)
		}
	}
}

// TestQuantizeChooses quantises a network whose probabilities are nearly 0 or 1, so that each
// class that changes is a loss.
func TestQuantizeChooses(t *testing.T) {
	o := arch.Options{Classes: 200, Width: 0.125, Blocks: []int{1, 1, 1}}
	network, err := arch.New("inception_resnet_v2", o)
	if err != nil {
		t.Fatal(err)
	}
	parameters, err := network.Parameters()
	if err != nil {
		t.Fatal(err)
	}
	sources := golden.Sources("", parameters)
	for i, source := range sources {
		if strings.Contains(source.Name, "/Logits/") {
			sources[i].Values = func(dst []float32) error {
				err := source.Values(dst)
				for i := range dst {
					dst[i] *= 1e5
				}
				return err
			}
		}
	}
	p := recipe.Inception()
	p.Size = 75
	original := filepath.Join(t.TempDir(), "float32.safetensors")
	if err := weights.Write(original, weights.Native, weights.Metadata{Network: network.Name(), Options: o, Preprocessing: &p}, sources); err != nil {
		t.Fatal(err)
	}
	data, out := pictureFolder(t, 160), filepath.Join(t.TempDir(), "int8.safetensors")
	for _, c := range []struct {
		flags            []string
		trials, compared int
	}{
		{[]string{"--held-out", "101"}, 4, 51},
		{[]string{"--held-out", "120"}, 4, 60},
		{[]string{"--held-out", "99"}, 0, 99},
		{[]string{"--held-out", "0"}, 0, 0},
		{[]string{"--held-out", "100", "--headroom", "1.5"}, 0, 100},
		{[]string{"--held-out", "100", "--ranges", "mse"}, 0, 100},
	} {
		args := append([]string{"quantize", "--weights", original, "--data", data, "--out", out, "--photographs", "10"}, c.flags...)
		stdout, stderr := run(t, cli.Done, append(args, "--json")...)
		if few := "ranges are not chosen by 99 held-out photographs"; strings.Contains(stderr, few) != (c.compared == 99) {
			t.Errorf("%v says %q", c.flags, stderr)
		}
		var q struct {
			Quantization weights.Quantization
			Trials       []quantize.Trial
			Comparison   quantize.Comparison
		}
		if err := json.Unmarshal([]byte(stdout), &q); err != nil {
			t.Fatal(err)
		}
		if len(q.Trials) != c.trials || q.Comparison.Images != c.compared {
			t.Errorf("%v says %s", c.flags, stdout)
			continue
		}
		want := quantize.Trial{Ranges: quantize.MSE, Headroom: quantize.DefaultHeadroom}
		if len(q.Trials) > 0 {
			want = slices.MinFunc(q.Trials, func(a, b quantize.Trial) int { return cmp.Compare(a.Comparison.KL, b.Comparison.KL) })
		}
		written, err := weights.Open(out)
		if err != nil {
			t.Fatal(err)
		}
		written.Close()
		for _, how := range []*weights.Quantization{&q.Quantization, written.Metadata.Quantization} {
			if how.Ranges != string(want.Ranges) || how.Headroom != want.Headroom {
				t.Errorf("%v took ranges by %s, headroom %g, want %s, %g", c.flags, how.Ranges, how.Headroom, want.Ranges, want.Headroom)
			}
		}
		if c.trials == 0 {
			continue
		}
		stdout, _ = run(t, cli.Done, args...)
		for _, said := range []string{
			fmt.Sprintf("ranges by %s, headroom %g,", want.Ranges, want.Headroom),
			fmt.Sprintf("chosen on %d photographs", q.Trials[0].Comparison.Images), fmt.Sprintf("on %d other photographs", c.compared),
		} {
			if !strings.Contains(stdout, said) {
				t.Errorf("quantize says %s, want %q", stdout, said)
			}
		}
		for line := range strings.Lines(stdout) {
			if words := strings.Fields(line); strings.Contains(line, ", taken") != (words[0] == string(want.Ranges) && words[1] == fmt.Sprint(want.Headroom)) {
				t.Errorf("quantize took %s, %g, and says %s", want.Ranges, want.Headroom, line)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(data, "000.png"), []byte("no picture"), 0o666); err != nil {
		t.Fatal(err)
	}
	_, stderr := run(t, cli.Done, "quantize", "--weights", original, "--data", data, "--out", out, "--photographs", "10", "--held-out", "151", "--skip-unreadable")
	if n := strings.Count(stderr, "000.png is left out"); n != 1 {
		t.Errorf("quantize says %d times that a picture is left out, want once: %s", n, stderr)
	}
}

// indexOf writes, beside a file of weights, the index of weights in several files, of which
// it is the only one.
func indexOf(t *testing.T, path string) string {
	t.Helper()
	c, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	files := map[string]string{}
	for _, x := range c.File().Tensors() {
		files[x.Name] = filepath.Base(path)
	}
	data, err := json.Marshal(map[string]any{"weight_map": files})
	if err != nil {
		t.Fatal(err)
	}
	index := path + ".index.json"
	if err := os.WriteFile(index, data, 0o666); err != nil {
		t.Fatal(err)
	}
	return index
}

// TestBenchPeak measures the machine.
func TestBenchPeak(t *testing.T) {
	stdout, _ := run(t, cli.Done, "bench", "--peak", "--json")
	var peaks map[string]float64
	if err := json.Unmarshal([]byte(stdout), &peaks); err != nil || peaks["float32"] <= 0 || peaks["l1"] <= 0 || peaks["barrier_ns"] <= 0 {
		t.Errorf("bench --peak says %s, %v", stdout, err)
	}
	if _, stderr := run(t, cli.Usage, "bench", "--peak", "inception_v4"); !strings.Contains(stderr, "takes no arguments") {
		t.Errorf("a network with --peak says %q", stderr)
	}
	if _, stderr := run(t, cli.Usage, "bench", "--peak", "--backend", "go"); !strings.Contains(stderr, "for the backend cpu") {
		t.Errorf("--peak of another backend says %q", stderr)
	}
}
