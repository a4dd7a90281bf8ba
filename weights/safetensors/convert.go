package safetensors

import "github.com/seed-fb2c0fa6/inception/weights/tensorfile"

// converter returns the function that fills dst from little-endian src of
// d.Size()*len(dst) bytes at any alignment, nil for a type that is not one of
// the float types read as float32.
func converter(d DType) func(dst []float32, src []byte) {
	switch d {
	case F32:
		return tensorfile.FromF32
	case F16:
		return tensorfile.FromF16
	case BF16:
		return tensorfile.FromBF16
	case F64:
		return tensorfile.FromF64
	}
	return nil
}
