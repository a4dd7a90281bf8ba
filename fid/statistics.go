package fid

import (
	"fmt"
	"math"
	"strconv"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"github.com/seed-fb2c0fa6/inception/weights/npz"
)

// Statistics are the mean and covariance of features.
type Statistics struct {
	Mean       []float64
	Covariance []float64 // [len(Mean), len(Mean)], symmetric, divided by the count less 1
	// Pictures is how many they are of; 0 where that is not known.
	Pictures int
	Made     Made
}

// StatisticsOf returns those of features, a row for each picture, of which there must be two.
func StatisticsOf(features [][]float32) (*Statistics, error) {
	if len(features) < 2 {
		return nil, fmt.Errorf("a covariance takes 2 pictures at least, found %d", len(features))
	}
	n := len(features[0])
	s := &Statistics{Mean: make([]float64, n), Covariance: make([]float64, n*n), Pictures: len(features)}
	for _, row := range features {
		if len(row) != n {
			return nil, fmt.Errorf("a picture has %d features, and another %d", n, len(row))
		}
		for i, v := range row {
			s.Mean[i] += float64(v)
		}
	}
	for i := range s.Mean {
		s.Mean[i] /= float64(len(features))
	}
	// Rows are centred and multiplied some at a time, so that they are not in memory again.
	const some = 256
	sum := blas64.Symmetric{N: n, Stride: n, Data: s.Covariance, Uplo: blas.Upper}
	centred := blas64.General{Cols: n, Stride: n, Data: make([]float64, min(some, len(features))*n)}
	for at := 0; at < len(features); at += some {
		rows := features[at:min(at+some, len(features))]
		for r, row := range rows {
			for i, v := range row {
				centred.Data[r*n+i] = float64(v) - s.Mean[i]
			}
		}
		centred.Rows = len(rows)
		blas64.Syrk(blas.Trans, 1/float64(len(features)-1), centred, 1, sum)
	}
	for i := range n {
		for j := range i {
			s.Covariance[i*n+j] = s.Covariance[j*n+i]
		}
	}
	return s, nil
}

// The names of arrays in files, and of the text that says how many pictures they are of.
const (
	meanName, covarianceName = "mu", "sigma"
	picturesKey              = "inception.pictures"
)

// Write writes the statistics as clean-fid and pytorch-fid keep them, mu and sigma in an
// archive of numpy's, and beside these what is known of Made and Pictures, as texts, which
// other programs do not read.
func (s *Statistics) Write(path string) error {
	n := len(s.Mean)
	texts := map[string]string{}
	if s.Pictures > 0 {
		texts[picturesKey] = strconv.Itoa(s.Pictures)
	}
	for _, p := range s.Made.properties() {
		if *p.value != "" {
			texts[p.key] = *p.value
		}
	}
	return npz.WriteArrays(path, map[string]npz.Array{meanName: {Shape: []int{n}, Values: s.Mean}, covarianceName: {Shape: []int{n, n}, Values: s.Covariance}}, texts)
}

// Read reads statistics that Write, clean-fid or pytorch-fid wrote.
func Read(path string) (*Statistics, error) {
	arrays, texts, err := npz.ReadArrays(path, meanName, covarianceName)
	if err != nil {
		return nil, err
	}
	fail := func(name, expected string, found any) (*Statistics, error) {
		return nil, fmt.Errorf("%s: array %s: expected %s, found %v; such files hold mu and sigma, as clean-fid and pytorch-fid --save-stats write them", path, name, expected, found)
	}
	mean, ok := arrays[meanName]
	if !ok || len(mean.Shape) != 1 || mean.Shape[0] < 1 {
		return fail(meanName, "a mean of one axis", mean.Shape)
	}
	n := mean.Shape[0]
	covariance, ok := arrays[covarianceName]
	if !ok || len(covariance.Shape) != 2 || covariance.Shape[0] != n || covariance.Shape[1] != n {
		return fail(covarianceName, fmt.Sprintf("a covariance of %d x %d", n, n), covariance.Shape)
	}
	for _, values := range [][]float64{mean.Values, covariance.Values} {
		for _, v := range values {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fail(meanName+", "+covarianceName, "finite numbers", v)
			}
		}
	}
	largest := 0.0
	for i := range n {
		largest = max(largest, covariance.Values[i*n+i])
	}
	for i := range n {
		for j := range i {
			if math.Abs(covariance.Values[i*n+j]-covariance.Values[j*n+i]) > 1e-6*largest {
				return fail(covarianceName, "a symmetric matrix", fmt.Sprintf("%g and %g at %d, %d", covariance.Values[i*n+j], covariance.Values[j*n+i], i, j))
			}
		}
		if covariance.Values[i*n+i] < 0 {
			return fail(covarianceName, "variances of at least 0", covariance.Values[i*n+i])
		}
	}
	s := &Statistics{Mean: mean.Values, Covariance: covariance.Values}
	for _, p := range s.Made.properties() {
		*p.value = texts[p.key]
	}
	if text, ok := texts[picturesKey]; ok {
		if s.Pictures, err = strconv.Atoi(text); err != nil || s.Pictures < 2 {
			return fail(picturesKey, "a number of pictures from 2 up", fmt.Sprintf("%q", text))
		}
	}
	return s, nil
}
