package golden

import (
	"path/filepath"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// Sources returns the generated values of parameters, to be written.
func Sources(salt string, parameters []arch.Parameter) []weights.Source {
	var sources []weights.Source
	for _, value := range Parameters(salt, parameters) {
		source := weights.Source{Parameter: parameters[len(sources)]}
		if source.DType == dtypes.Int8 {
			source.Int8s = func(dst []int8) error {
				copy(dst, tensors.MustCopyFlatData[int8](value))
				return nil
			}
		} else {
			source.Values = func(dst []float32) error {
				copy(dst, tensors.MustCopyFlatData[float32](value))
				return nil
			}
		}
		sources = append(sources, source)
	}
	return sources
}

// WriteWeights writes a file of generated parameters of a network into a folder of its
// own, and returns its path.
func WriteWeights(t testing.TB, network string, o arch.Options, layout weights.Layout, m weights.Metadata) string {
	t.Helper()
	built, err := arch.New(network, o)
	if err != nil {
		t.Fatal(err)
	}
	parameters, err := built.Parameters()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), network+".safetensors")
	if err := weights.Write(path, layout, m, Sources("", parameters)); err != nil {
		t.Fatal(err)
	}
	return path
}
