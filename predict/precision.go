package predict

import (
	"cmp"
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/arch"
)

// Auto is the fastest precision that keeps the accuracy of the weights: arch.Int8 where they
// are quantised, arch.BFloat16 where the backend says that it is faster, or else
// arch.Float32. Classifier.Network tells which it became.
const Auto arch.Precision = "auto"

// Precisions lists what Config takes.
func Precisions() []arch.Precision { return append(arch.Precisions(), Auto) }

// precision is what a network of weights that are held in a precision computes in.
func precision(backend compute.Backend, config Config, held arch.Precision) (arch.Precision, error) {
	if config.Precision == Auto {
		return Fastest(backend, cmp.Or(held, arch.Float32)), nil
	}
	return PrecisionOf(config.Weights, held, config.Precision)
}

// PrecisionOf returns what weights that are held in a precision are computed in: what is
// asked for, or where that is empty what they are held in.
func PrecisionOf(path string, held, asked arch.Precision) (arch.Precision, error) {
	held = cmp.Or(held, arch.Float32)
	switch {
	case asked == "" || asked == held:
		return held, nil
	case held == arch.Int8:
		return "", fmt.Errorf("%s holds weights that are quantised to %s, expected them to be computed so, found the precision %s; leave it out, or give the weights that were quantised", path, held, asked)
	case asked == arch.Int8:
		return "", fmt.Errorf("%s holds %s weights, expected quantised ones for the precision %s; make them with: inception quantize --weights %s --data PHOTOS --out quantized.safetensors", path, held, asked, path)
	}
	return asked, nil
}

// Fastest returns the fastest precision of a backend for weights that are held in one.
func Fastest(backend compute.Backend, held arch.Precision) arch.Precision {
	known, ok := backend.(interface{ Faster(dtypes.DType) bool })
	if held == arch.Float32 && ok && known.Faster(dtypes.BFloat16) {
		return arch.BFloat16
	}
	return held
}
