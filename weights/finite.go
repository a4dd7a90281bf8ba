package weights

import (
	"fmt"
	"math"

	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// A NotFiniteError says that a tensor of a file has values that are no numbers, or
// infinite ones: a network that has it answers nothing but NaN.
type NotFiniteError struct {
	Path, Tensor string
	// Value is the first of them, at Index in row-major order of the tensor; Count is how
	// many there are Of all its values.
	Value            float32
	Index, Count, Of int
}

func (e *NotFiniteError) Error() string {
	found := "infinity"
	if math.IsNaN(float64(e.Value)) {
		found = "NaN"
	}
	return fmt.Sprintf("%s: tensor %s: expected finite numbers, found %s as value %d, and %d of %d such in all; the network diverged in training, or its numbers are too large for the type that they were converted to: take an earlier checkpoint, or convert again",
		e.Path, e.Tensor, found, e.Index, e.Count, e.Of)
}

// CheckFinite returns a *NotFiniteError unless all values of a tensor of the file at path
// are finite numbers.
func CheckFinite(path, tensor string, values []float32) error {
	first, count := tensorfile.NotFinite(values)
	if first < 0 {
		return nil
	}
	return &NotFiniteError{Path: path, Tensor: tensor, Value: values[first], Index: first, Count: count, Of: len(values)}
}
