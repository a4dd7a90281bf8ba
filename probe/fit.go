package probe

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// Options of Fit. The zero value is usual.
type Options struct {
	// Penalty is the factor of half the sum of squared weights that is added to the mean
	// cross-entropy; one by the number of photographs when zero, which is scikit-learn's C = 1.
	Penalty float64
	// Tolerance is the largest derivative at the end; 1e-5 when zero.
	Tolerance float64
	// Iterations are at most; 1000 when zero.
	Iterations int
}

// A Head is a linear classifier.
type Head struct {
	Classes, Size int
	Weights       []float32 // [Size, Classes]
	Bias          []float32 // [Classes], whose mean is 0
	// Penalty is that of Options.
	Penalty float64
	// Loss is the mean cross-entropy with the penalty, after Iterations; Converged is whether
	// the tolerance was reached.
	Loss       float64
	Iterations int
	Converged  bool
}

// Fit finds the head with the least mean cross-entropy and penalty on rows of features, each of
// size values, by their labels: multinomial logistic regression, by L-BFGS on all rows.
// Biases have no penalty.
func Fit(ctx context.Context, features []float32, size int, labels []int, rows []int, classes int, o Options) (*Head, error) {
	if len(rows) == 0 || classes < 2 {
		return nil, fmt.Errorf("expected rows of at least two classes, found %d rows of %d classes", len(rows), classes)
	}
	if !(o.Penalty >= 0) || math.IsInf(o.Penalty, 0) {
		return nil, fmt.Errorf("the penalty must be a number of at least 0, found %g", o.Penalty)
	}
	if o.Penalty == 0 {
		o.Penalty = 1 / float64(len(rows))
	}
	if o.Tolerance == 0 {
		o.Tolerance = 1e-5
	}
	if o.Iterations == 0 {
		o.Iterations = 1000
	}
	p := newProblem(features, size, labels, rows, classes, o.Penalty)
	x := make([]float64, classes*(size+1))
	loss, iterations, converged, err := minimize(ctx, x, p.loss, o.Tolerance, o.Iterations)
	if err != nil {
		return nil, err
	}
	h := p.head(x)
	h.Penalty, h.Loss, h.Iterations, h.Converged = o.Penalty, loss, iterations, converged
	return h, nil
}

// A problem is the loss of heads on rows of features. Parameters are the weights, [classes, size],
// and the biases.
type problem struct {
	rows, size, classes int
	// features are less their means, which changes no more than what the biases are, and lets
	// the search go straight: [rows, size].
	features blas64.General
	means    []float64
	labels   []int
	penalty  float64

	residuals blas64.General // probabilities less the labels', by the number of rows: [rows, classes]
}

func newProblem(features []float32, size int, labels, rows []int, classes int, penalty float64) *problem {
	n := len(rows)
	p := &problem{
		rows: n, size: size, classes: classes, penalty: penalty,
		features: matrix(n, size), means: make([]float64, size), labels: make([]int, n),
		residuals: matrix(n, classes),
	}
	for i, row := range rows {
		p.labels[i] = labels[row]
		for j, v := range features[row*size:][:size] {
			p.features.Data[i*size+j] = float64(v)
			p.means[j] += float64(v) / float64(n)
		}
	}
	for i := range p.features.Data {
		p.features.Data[i] -= p.means[i%size]
	}
	return p
}

func matrix(rows, columns int) blas64.General {
	return blas64.General{Rows: rows, Cols: columns, Stride: columns, Data: make([]float64, rows*columns)}
}

// loss computes the loss of parameters and its gradient.
func (p *problem) loss(x, gradient []float64) float64 {
	parts := p.classes * p.size
	weights, biases := blas64.General{Rows: p.classes, Cols: p.size, Stride: p.size, Data: x[:parts]}, x[parts:]
	blas64.Gemm(blas.NoTrans, blas.Trans, 1, p.features, weights, 0, p.residuals)
	loss := 0.0
	biasGradient := gradient[parts:]
	clear(biasGradient)
	each := 1 / float64(p.rows)
	for i, label := range p.labels {
		logits := p.residuals.Data[i*p.classes:][:p.classes]
		for c, b := range biases {
			logits[c] += b
		}
		top := slices.Max(logits)
		own, sum := logits[label], 0.0
		for c, v := range logits {
			logits[c] = math.Exp(v - top)
			sum += logits[c]
		}
		loss += each * (top + math.Log(sum) - own)
		for c := range logits {
			logits[c] *= each / sum
		}
		logits[label] -= each
		for c, v := range logits {
			biasGradient[c] += v
		}
	}
	weightGradient := blas64.General{Rows: p.classes, Cols: p.size, Stride: p.size, Data: gradient[:parts]}
	blas64.Gemm(blas.Trans, blas.NoTrans, 1, p.residuals, p.features, 0, weightGradient)
	for i, w := range weights.Data {
		loss += p.penalty / 2 * w * w
		gradient[i] += p.penalty * w
	}
	return loss
}

// head is the one of parameters, for features with their means.
func (p *problem) head(x []float64) *Head {
	h := &Head{Classes: p.classes, Size: p.size, Weights: make([]float32, p.size*p.classes), Bias: make([]float32, p.classes)}
	biases := slices.Clone(x[p.classes*p.size:])
	middle := 0.0
	for c := range biases {
		for j, w := range x[c*p.size:][:p.size] {
			h.Weights[j*p.classes+c] = float32(w)
			biases[c] -= w * p.means[j]
		}
		middle += biases[c] / float64(p.classes)
	}
	for c, b := range biases {
		h.Bias[c] = float32(b - middle)
	}
	return h
}

// Logits returns those of a row of features.
func (h *Head) Logits(row []float32) []float32 {
	sums := make([]float64, h.Classes)
	for j, v := range row {
		for c, w := range h.Weights[j*h.Classes:][:h.Classes] {
			sums[c] += float64(v) * float64(w)
		}
	}
	logits := make([]float32, h.Classes)
	for c, sum := range sums {
		logits[c] = float32(sum + float64(h.Bias[c]))
	}
	return logits
}
