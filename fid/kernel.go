package fid

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// KernelOptions say how a Kernel distance is estimated. The zero value has the defaults, which
// are those of clean-fid and of the paper's own program.
type KernelOptions struct {
	// Subsets is over how many random subsets the estimate is the mean; 100 when zero.
	Subsets int
	// Size is how many pictures of each set a subset has, or all where there are fewer; 1000
	// when zero.
	Size int
	// Seed makes the subsets.
	Seed uint64
}

// A Kernel is a kernel distance.
type Kernel struct {
	// Distance is the mean over subsets, and Deviation their standard deviation: 0 of one.
	Distance  float64 `json:"kid"`
	Deviation float64 `json:"kid_std"`
	Subsets   int     `json:"kid_subsets"`
	Size      int     `json:"kid_subset_size"`
}

// KernelDistance returns the unbiased estimate of the squared maximum mean discrepancy of two
// sets of features with the kernel (x.y/d + 1)^3. Where the subsets would all be the whole sets,
// one is computed.
func KernelDistance(a, b [][]float32, o KernelOptions) (Kernel, error) {
	if o.Subsets == 0 {
		o.Subsets = 100
	}
	if o.Size == 0 {
		o.Size = 1000
	}
	if o.Subsets < 1 || o.Size < 2 {
		return Kernel{}, fmt.Errorf("a kernel distance takes 1 subset and 2 pictures in each at least, found %d and %d", o.Subsets, o.Size)
	}
	k := Kernel{Subsets: o.Subsets, Size: min(o.Size, len(a), len(b))}
	if k.Size < 2 {
		return Kernel{}, fmt.Errorf("a kernel distance takes 2 pictures of each set at least, found %d and %d", len(a), len(b))
	}
	if len(a[0]) != len(b[0]) {
		return Kernel{}, fmt.Errorf("pictures with %d features do not compare with those with %d", len(a[0]), len(b[0]))
	}
	if k.Size == len(a) && k.Size == len(b) {
		k.Subsets = 1
	}
	random := rand.New(rand.NewPCG(o.Seed, 0))
	var sum, squares float64
	for range k.Subsets {
		x, y := subset(a, k.Size, random), subset(b, k.Size, random)
		m := float64(k.Size)
		d := (cubes(x, x, true)+cubes(y, y, true))/(m*(m-1)) - 2*cubes(x, y, false)/(m*m)
		sum += d
		squares += d * d
	}
	k.Distance = sum / float64(k.Subsets)
	k.Deviation = math.Sqrt(max(0, squares/float64(k.Subsets)-k.Distance*k.Distance))
	return k, nil
}

// subset takes some rows without putting any back.
func subset(rows [][]float32, size int, random *rand.Rand) blas64.General {
	n := len(rows[0])
	m := blas64.General{Rows: size, Cols: n, Stride: n, Data: make([]float64, size*n)}
	for i, at := range random.Perm(len(rows))[:size] {
		for j, v := range rows[at] {
			m.Data[i*n+j] = float64(v)
		}
	}
	return m
}

// cubes is the sum of the kernel over all pairs, without those of a row with itself if apart.
func cubes(x, y blas64.General, apart bool) float64 {
	gram := blas64.General{Rows: x.Rows, Cols: y.Rows, Stride: y.Rows, Data: make([]float64, x.Rows*y.Rows)}
	blas64.Gemm(blas.NoTrans, blas.Trans, 1/float64(x.Cols), x, y, 0, gram)
	sum := 0.0
	for i, v := range gram.Data {
		if apart && i/gram.Cols == i%gram.Cols {
			continue
		}
		sum += (v + 1) * (v + 1) * (v + 1)
	}
	return sum
}
