package weights_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/weights"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
	"github.com/seed-fb2c0fa6/inception/weights/tensorflow"
)

// slimFile writes Inception-v3 in TF-slim's layout, as TensorFlow has it: 1001 classes, no
// metadata, and what a training leaves.
func slimFile(t *testing.T) string {
	t.Helper()
	var sources []weights.Source
	for at, p := range parametersOf(t, "inception_v3", arch.Options{Classes: 1001, AuxiliaryHead: true}) {
		sources = append(sources, weights.Source{Parameter: p, Values: func(dst []float32) error {
			for i := range dst {
				dst[i] = float32((at+i)%1009) / 1009
			}
			return nil
		}})
	}
	onesForGamma(sources)
	plain := filepath.Join(t.TempDir(), "plain.ckpt")
	if err := weights.Write(plain, weights.Slim, weights.Metadata{}, sources); err != nil {
		t.Fatal(err)
	}
	tensors := open(t, plain).File().Tensors()
	first := tensors[slices.IndexFunc(tensors, func(x tensorfile.Tensor) bool { return strings.HasSuffix(x.Name, "Conv2d_1a_3x3/weights") })]
	for _, slot := range []string{"/RMSProp", "/Momentum", "/ExponentialMovingAverage"} {
		more := first
		more.Name += slot
		if slot == "/ExponentialMovingAverage" {
			more.Values = func(dst []float32) error {
				for i := range dst {
					dst[i] = 0.5
				}
				return nil
			}
		}
		tensors = append(tensors, more)
	}
	path := filepath.Join(t.TempDir(), "trained.ckpt")
	if err := tensorflow.Write(path, nil, tensors); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestConvertBackground keeps 1001 classes, which are the 1000 of ImageNet wherever they are
// not asked for, as they are in the file that was converted.
func TestConvertBackground(t *testing.T) {
	in := slimFile(t)
	out := filepath.Join(t.TempDir(), "out.safetensors")
	all := weights.Hint{Background: true, AuxiliaryHead: true}
	converted, err := weights.Convert(t.Context(), in, out, "", all)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"1 moving average is taken", "2 tensors of a training's state are left out"}
	if len(converted.Left) != len(want) {
		t.Errorf("left %q, want %q", converted.Left, want)
	} else {
		for i, text := range want {
			if !strings.HasPrefix(converted.Left[i], text) {
				t.Errorf("left %q, want %q", converted.Left[i], text)
			}
		}
	}
	for _, hint := range []weights.Hint{{}, all} {
		var logits [][]float32
		for _, path := range []string{in, out} {
			c := open(t, path)
			network, _, err := c.Identify(hint)
			if err != nil {
				t.Fatal(err)
			}
			classes := 1000
			if hint.Background {
				classes = 1001
			}
			if n := network.Options().Classes; n != classes || path == out && len(c.Metadata.Labels) != classes || network.Options().AuxiliaryHead != hint.AuxiliaryHead {
				t.Errorf("%s: %d classes, %d labels, want %d", path, n, len(c.Metadata.Labels), classes)
			}
			parameters, err := network.Parameters()
			if err != nil {
				t.Fatal(err)
			}
			found, err := c.Match(parameters)
			if err != nil {
				t.Fatal(err)
			}
			last := found[slices.IndexFunc(found, func(x weights.Tensor) bool { return x.Name == "InceptionV3/Logits/Logits/weights" })]
			values := make([]float32, last.Size())
			if err := last.Read(values); err != nil {
				t.Fatal(err)
			}
			logits = append(logits, values)
		}
		if !slices.Equal(logits[0], logits[1]) {
			t.Error("the logits' weights differ")
		}
	}
	if found, err := weights.Diff(t.Context(), in, out, all); err != nil || len(found) > 0 {
		t.Errorf("%d differences, %v", len(found), err)
	}
}

// TestConvertRefuses names what is possible, and leaves nothing.
func TestConvertRefuses(t *testing.T) {
	o := arch.Options{Width: 0.125, Classes: 3}
	in := golden.WriteWeights(t, "inception_v4", o, weights.Native, weights.Metadata{Network: "inception_v4", Options: o})
	folder := t.TempDir()
	at := func(name string) string { return filepath.Join(folder, name) }
	for _, c := range []struct {
		out  string
		to   weights.Layout
		want []string
	}{
		{at("x.ckpt"), weights.Slim, []string{"x.ckpt", "gamma", "native"}},
		{at("x.ckpt"), weights.Timm, []string{"x.ckpt", "tf-slim or native", ".npz"}},
		{at("x.h5"), "", []string{"x.h5", "keras are only read", ".safetensors"}},
		{at("x.tflite"), "", []string{"x.tflite", ".tflite", ".safetensors"}},
		{at("x.npz"), weights.Cadene, []string{"x.npz", "inception_resnet_v2", "native or tf-slim or timm"}},
		{at("x.npz"), "mxnet", []string{"mxnet", "timm"}},
		{folder, "", []string{folder, "folder"}},
		{in, "", []string{in, "another name"}},
		{filepath.Join(folder, "none", "x.npz"), "", []string{"check that the folder exists"}},
	} {
		_, err := weights.Convert(t.Context(), in, c.out, c.to, weights.Hint{})
		wanted.Error(t, err, c.want...)
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) > 0 {
		t.Errorf("left %v, %v", entries, err)
	}
	if _, err := os.Stat(in); errors.Is(err, fs.ErrNotExist) {
		t.Error("the weights are gone")
	}
}
