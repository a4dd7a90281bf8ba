package golden

import (
	"math"

	"github.com/seed-fb2c0fa6/inception/arch"
)

// integers generates weights of an int8 network.
func integers(name string, size int) []int8 {
	u := make([]float64, size)
	Uniform(name, u)
	values := make([]int8, size)
	for i := range values {
		values[i] = int8(math.Floor(u[i]*(2*arch.MaxWeight+1)) - arch.MaxWeight)
	}
	return values
}

// weightScale generates those that keep the second moment of activations from layer to
// layer, times 0.75 to 1.25.
func weightScale(name string, channels, fanIn int) []float32 {
	u := make([]float64, channels)
	Uniform(name, u)
	values := make([]float32, channels)
	for i := range values {
		values[i] = float32(math.Sqrt(6/float64(fanIn)) / arch.MaxWeight * (0.75 + u[i]/2))
	}
	return values
}

// activationScale generates one for activations that are mostly below 3.
func activationScale(name string) float32 {
	var u [1]float64
	Uniform(name, u[:])
	return float32((2.5 + u[0]) / arch.MaxActivation)
}
