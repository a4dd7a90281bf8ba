package fid

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
	"gonum.org/v1/gonum/mat"
)

// Frechet returns the Fréchet distance, squared as is usual, between Gaussians:
// |m1-m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)). Statistics that were made differently are a
// *DifferenceError.
//
// The trace of the root is the sum of the roots of the eigenvalues of C1 C2, which are those of
// the symmetric L' C2 L where C1 = L L'. L is Cholesky's, with pivoting, so that covariances of
// fewer pictures than features, which have no inverse, need no offset.
func Frechet(a, b *Statistics) (float64, error) {
	if err := a.Made.Compare(b.Made); err != nil {
		return 0, err
	}
	n := len(a.Mean)
	if len(b.Mean) != n {
		return 0, fmt.Errorf("statistics of %d features do not compare with those of %d: they are of different networks or layers", n, len(b.Mean))
	}
	distance := 0.0
	for i := range n {
		d := a.Mean[i] - b.Mean[i]
		distance += d*d + a.Covariance[i*n+i] + b.Covariance[i*n+i]
	}
	root, rank := factor(a.Covariance, n)
	if other, otherRank := factor(b.Covariance, n); otherRank < rank {
		root, rank, b = other, otherRank, a // the smaller problem
	}
	if rank == 0 {
		return distance, nil
	}
	lower := blas64.General{Rows: n, Cols: rank, Stride: rank, Data: root}
	product := blas64.General{Rows: n, Cols: rank, Stride: rank, Data: make([]float64, n*rank)}
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, blas64.General{Rows: n, Cols: n, Stride: n, Data: b.Covariance}, lower, 0, product)
	inner := blas64.General{Rows: rank, Cols: rank, Stride: rank, Data: make([]float64, rank*rank)}
	blas64.Gemm(blas.Trans, blas.NoTrans, 1, lower, product, 0, inner)
	var eigen mat.EigenSym
	if !eigen.Factorize(mat.NewSymDense(rank, inner.Data), false) {
		return 0, errors.New("the eigenvalues of the covariances' product do not converge")
	}
	for _, v := range eigen.Values(nil) {
		distance -= 2 * math.Sqrt(max(v, 0)) // rounding may make a zero negative
	}
	return distance, nil
}

// factor returns L, [n, rank], of which L L' is the matrix.
func factor(matrix []float64, n int) (root []float64, rank int) {
	data := append([]float64(nil), matrix...)
	pivots := make([]int, n)
	triangle, rank, _ := lapack64.Pstrf(blas64.Symmetric{N: n, Stride: n, Data: data, Uplo: blas.Lower}, pivots, -1, make([]float64, 2*n))
	root = make([]float64, n*rank)
	for i := range n {
		copy(root[pivots[i]*rank:][:min(i+1, rank)], triangle.Data[i*n:])
	}
	return root, rank
}
