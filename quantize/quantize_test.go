package quantize_test

import (
	"context"
	"errors"
	"iter"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/quantize"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// small is a network that runs in milliseconds.
var small = arch.Options{Classes: 10, Width: 0.25, Blocks: []int{1, 2, 2}}

const smallSide = 107

// generated is a small network with generated weights.
func generated(t *testing.T, name string) *quantize.Model {
	t.Helper()
	network, err := arch.New(name, small)
	if err != nil {
		t.Fatal(err)
	}
	parameters, err := network.Parameters()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string][]float32{}
	for name, value := range golden.Parameters("", parameters) {
		values[name] = tensors.MustCopyFlatData[float32](value)
	}
	p := recipe.Inception()
	p.Size = smallSide
	m, err := quantize.New(network, values, weights.Metadata{Network: name, Options: small, Preprocessing: &p})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// noise yields generated images.
func noise(name string, count int) iter.Seq2[[]float32, error] {
	pixels := golden.Images("", name, count, smallSide)
	return func(yield func([]float32, error) bool) {
		for i := range count {
			const size = smallSide * smallSide * 3
			if !yield(pixels[i*size:][:size], nil) {
				return
			}
		}
	}
}

func quantized(t *testing.T, backend compute.Backend, m *quantize.Model, o quantize.Options) *quantize.Quantized {
	t.Helper()
	statistics, err := m.Observe(context.Background(), backend, smallSide, noise("observed", 4))
	if err != nil {
		t.Fatal(err)
	}
	q, err := m.Quantize(statistics, o)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// TestNetworks quantises all networks, writes and opens them, and compares their logits
// with those in float32.
func TestNetworks(t *testing.T) {
	ctx, backend := context.Background(), cpubackend.New(t)
	for _, name := range arch.Names() {
		m := generated(t, name)
		folder := t.TempDir()
		files := []string{filepath.Join(folder, "float32.safetensors"), filepath.Join(folder, "int8.safetensors")}
		var sources []weights.Source
		parameters, err := m.Network.Parameters()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range parameters {
			sources = append(sources, weights.Source{Parameter: p, Values: func(dst []float32) error { copy(dst, m.Values[p.Name]); return nil }})
		}
		if err := weights.Write(files[0], weights.Native, m.Metadata, sources); err != nil {
			t.Fatal(err)
		}
		for _, ranges := range quantize.AllRanges() {
			q := quantized(t, backend, m, quantize.Options{Ranges: ranges, Headroom: 1})
			for _, p := range mustParameters(t, q.Network) {
				if scale := strings.HasSuffix(p.Name, "_scale"); scale {
					for _, v := range tensors.MustCopyFlatData[float32](q.Value(p)) {
						if !(v > 0) || math.IsInf(float64(v), 0) {
							t.Errorf("%s: %s has the scale %g", name, p.Name, v)
						}
					}
				}
			}
			if err := q.Write(files[1]); err != nil {
				t.Fatal(err)
			}
			var logits [2][]float32
			for i, file := range files {
				c, err := predict.Open(ctx, backend, predict.Config{Weights: file})
				if err != nil {
					t.Fatal(err)
				}
				want := []arch.Precision{arch.Float32, arch.Int8}[i]
				if found := c.Network().Options().Precision; found != want {
					t.Errorf("%s is computed in %s, want %s", file, found, want)
				}
				for pixels := range noise("compared", 2) {
					values, err := c.Logits(ctx, pixels)
					if err != nil {
						t.Fatal(err)
					}
					logits[i] = append(logits[i], values...)
				}
				c.Close()
			}
			e := relative(logits[1], logits[0])
			t.Logf("%s, ranges by %s: relative L2 difference %.3g", name, ranges, e)
			most := 0.03
			if ranges == quantize.KL {
				most = 0.2 // of few values it cuts off more
			}
			if !(e < most) || e == 0 {
				t.Errorf("%s, ranges by %s: relative L2 difference %g", name, ranges, e)
			}
		}
	}
}

func mustParameters(t *testing.T, n *arch.Network) []arch.Parameter {
	t.Helper()
	parameters, err := n.Parameters()
	if err != nil {
		t.Fatal(err)
	}
	return parameters
}

func relative(got, want []float32) float64 {
	wide := make([]float64, len(want))
	for i, v := range want {
		wide[i] = float64(v)
	}
	return golden.RelativeL2(got, wide)
}

// TestBiasCorrection expects the means of logits nearer to those in float32 with it.
func TestBiasCorrection(t *testing.T) {
	backend := cpubackend.New(t)
	m := generated(t, "inception_v3")
	with := quantized(t, backend, m, quantize.Options{})
	without := quantized(t, backend, m, quantize.Options{KeepBiases: true})
	differ, layers := 0, 0
	for _, p := range mustParameters(t, with.Network) {
		a, b := with.Value(p), without.Value(p)
		if p.DType == dtypes.Int8 {
			layers++
		}
		if p.DType == dtypes.Int8 || !strings.HasSuffix(p.Name, "/biases") {
			if !a.Equal(b) {
				t.Errorf("%s differs", p.Name)
			}
			continue
		}
		if !a.Equal(b) {
			differ++
		}
	}
	if differ != layers || layers == 0 {
		t.Errorf("the biases of %d layers were corrected, want those of all %d that have integers", differ, layers)
	}
}

func TestErrors(t *testing.T) {
	backend := cpubackend.New(t)
	m := generated(t, "inception_v3")
	_, err := m.Observe(context.Background(), backend, smallSide, noise("none", 0))
	wanted.Error(t, err, "expected photographs, found none")

	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := m.Observe(cancelled, backend, smallSide, noise("some", 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("after cancelling: %v", err)
	}

	int8s, err := arch.New("inception_v3", arch.Options{Precision: arch.Int8})
	if err != nil {
		t.Fatal(err)
	}
	_, err = quantize.New(int8s, nil, weights.Metadata{})
	wanted.Error(t, err, "expected a network in float32, found one in int8")
	_, err = quantize.New(m.Network, nil, weights.Metadata{})
	wanted.Error(t, err, "InceptionV3/Conv2d_1a_3x3/weights", "found 0")

	for _, c := range []struct {
		o    quantize.Options
		want string
	}{
		{quantize.Options{Ranges: "most"}, "max, percentile, mse, kl"},
		{quantize.Options{Percentile: 99}, "for ranges by percentile"},
		{quantize.Options{Ranges: quantize.Percentile, Percentile: 101}, "(0,100], found 101"},
		{quantize.Options{Headroom: 0.5}, "found 0.5"},
	} {
		wanted.Error(t, c.o.Check(), c.want)
	}

	diverged := generated(t, "inception_v3")
	for name, values := range diverged.Values {
		if strings.HasSuffix(name, "Mixed_5b/Branch_0/Conv2d_0a_1x1/weights") {
			values[0] = float32(math.Inf(1))
		}
	}
	_, err = diverged.Observe(context.Background(), backend, smallSide, noise("observed", 1))
	wanted.Error(t, err, "not finite")
}
