package weights_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// quantized writes a file of a small int8 network, and returns its path and parameters.
func quantized(t *testing.T, network string) (string, []arch.Parameter) {
	t.Helper()
	o := small
	o.Precision = arch.Int8
	m := weights.Metadata{Network: network, Options: o, Quantization: &weights.Quantization{Precision: arch.Int8, Photographs: 3, Ranges: "max"}}
	return golden.WriteWeights(t, network, o, weights.Native, m), parametersOf(t, network, o)
}

// TestInt8 writes weights of 8-bit integers, reads them, and takes them from one format to
// another and back.
func TestInt8(t *testing.T) {
	path, parameters := quantized(t, "inception_resnet_v2")
	there, back := filepath.Join(t.TempDir(), "there.npz"), filepath.Join(t.TempDir(), "back.safetensors")
	if _, err := weights.Convert(t.Context(), path, there, weights.Native, weights.Hint{}); err != nil {
		t.Fatal(err)
	}
	if _, err := weights.Convert(t.Context(), there, back, weights.Native, weights.Hint{}); err != nil {
		t.Fatal(err)
	}
	store, err := golden.Store("", parameters)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{path, there, back} {
		c := open(t, file)
		network, _, err := c.Identify(weights.Hint{})
		if err != nil {
			t.Fatal(err)
		}
		if p := network.Options().Precision; p != arch.Int8 {
			t.Errorf("%s is of the precision %q", file, p)
		}
		integers := 0
		for _, tensor := range match(t, file, parameters) {
			want := store.GetVariable("/" + tensor.Name).MustValue().Value()
			if tensor.DType != dtypes.Int8 {
				continue
			}
			integers++
			got := make([]int8, tensor.Size())
			if err := tensor.ReadInt8s(got); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, flat(want)) {
				t.Fatalf("%s: %s differs from what was written", file, tensor.Name)
			}
		}
		if want := 90; integers < want {
			t.Errorf("%s has %d tensors of integers, want at least %d", file, integers, want)
		}
	}
	third := filepath.Join(t.TempDir(), "third.safetensors")
	if _, err := weights.Convert(t.Context(), back, third, weights.Native, weights.Hint{}); err != nil {
		t.Fatal(err)
	}
	if a, b := read(t, back), read(t, third); len(a) == 0 || !slices.Equal(a, b) {
		t.Errorf("a file of %d bytes came back as another of %d", len(a), len(b))
	}
}

// flat returns the elements of an array of four axes.
func flat(array any) []int8 {
	var all []int8
	for _, a := range array.([][][][]int8) {
		for _, b := range a {
			for _, c := range b {
				all = append(all, c...)
			}
		}
	}
	return all
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestInt8Refused has integers where fractions are expected, and the other way round, and
// a layout without integers.
func TestInt8Refused(t *testing.T) {
	path, parameters := quantized(t, "inception_v3")
	_, err := weights.Convert(t.Context(), path, filepath.Join(t.TempDir(), "timm.safetensors"), weights.Timm, weights.Hint{})
	wanted.Error(t, err, "8-bit integers", "native", "safetensors and npz")

	fractions := slices.Clone(parameters)
	biases := slices.IndexFunc(fractions, func(p arch.Parameter) bool { return len(p.Shape) == 1 })
	kernel := slices.IndexFunc(fractions, func(p arch.Parameter) bool { return p.DType == dtypes.Int8 })
	fractions[biases].DType, fractions[kernel].DType = dtypes.Int8, dtypes.Float32
	_, err = open(t, path).Match(fractions)
	wanted.Error(t, err, "expected numbers with a fraction, found the type I8", "expected 8-bit integers, found the type F32")

	m := weights.Metadata{Network: "inception_v3", Options: small, Quantization: &weights.Quantization{Precision: "int4"}}
	_, err = weights.Open(write(t, weights.Native, m, golden.Sources("", parametersOf(t, "inception_v3", small))))
	wanted.Error(t, err, "int4", "int8")
}
