package rendered

import (
	"image"
	"math"
	"testing"
)

// A linear is a softmax regression: [classes][features] and a bias for each class.
type linear struct {
	weights [][]float32
	bias    []float32
}

func (l *linear) logits(x []float32, out []float64) {
	for c, w := range l.weights {
		var s0, s1, s2, s3 float32
		for i := 0; i+4 <= len(x); i += 4 {
			s0 += w[i] * x[i]
			s1 += w[i+1] * x[i+1]
			s2 += w[i+2] * x[i+2]
			s3 += w[i+3] * x[i+3]
		}
		out[c] = float64(s0+s1+s2+s3) + float64(l.bias[c])
	}
}

// accuracy is the share of the pictures, [n][features], that get their class.
func (l *linear) accuracy(x [][]float32, labels []int) float64 {
	right := 0.0
	out := make([]float64, len(l.weights))
	for i := range x {
		l.logits(x[i], out)
		best := 0
		for c := range out {
			if out[c] > out[best] {
				best = c
			}
		}
		if best == labels[i] {
			right++
		}
	}
	return right / float64(len(x))
}

// fit minimises the mean cross entropy and decay/2 times the squared weights with
// Nesterov's accelerated gradient, whose step follows from the largest curvature,
// until the gradient has fallen to a thousandth.
func fit(x [][]float32, labels []int, classes int, decay float64) (l *linear, steps int) {
	n, features := len(x), len(x[0])
	zeros := func() [][]float32 {
		m := make([][]float32, classes)
		for c := range m {
			m[c] = make([]float32, features)
		}
		return m
	}
	l = &linear{zeros(), make([]float32, classes)}
	before := &linear{zeros(), make([]float32, classes)}
	gradient := zeros()
	biasGradient := make([]float32, classes)
	p := make([]float64, classes)
	// The curvature is at most half the largest eigenvalue of x'x/n, by power iteration.
	v := make([]float64, features)
	for i := range v {
		v[i] = 1 + float64(i%7)
	}
	eigenvalue := 0.0
	for range 10 {
		next := make([]float64, features)
		for _, row := range x {
			dot := 0.0
			for i, value := range row {
				dot += float64(value) * v[i]
			}
			for i, value := range row {
				next[i] += dot * float64(value) / float64(n)
			}
		}
		norm := 0.0
		for _, value := range next {
			norm += value * value
		}
		norm = math.Sqrt(norm)
		for i := range v {
			v[i] = next[i] / norm
		}
		eigenvalue = norm
	}
	rate := 1 / (0.5*1.1*(eigenvalue+1) + decay)
	first := 0.0
	for steps = 0; steps < 20000; steps++ {
		for c := range gradient {
			for i := range gradient[c] {
				gradient[c][i] = float32(decay) * l.weights[c][i]
			}
			biasGradient[c] = 0
		}
		for i, row := range x {
			l.logits(row, p)
			largest, sum := math.Inf(-1), 0.0
			for _, logit := range p {
				largest = max(largest, logit)
			}
			for c := range p {
				p[c] = math.Exp(p[c] - largest)
				sum += p[c]
			}
			for c := range p {
				d := p[c] / sum
				if c == labels[i] {
					d--
				}
				d /= float64(n)
				biasGradient[c] += float32(d)
				g, d32 := gradient[c], float32(d)
				for j, value := range row {
					g[j] += d32 * value
				}
			}
		}
		norm := 0.0
		momentum := float32(steps) / float32(steps+3)
		update := func(w, old, g []float32) {
			for j := range w {
				norm += float64(g[j]) * float64(g[j])
				next := w[j] - float32(rate)*g[j]
				w[j], old[j] = next+momentum*(next-old[j]), next
			}
		}
		for c := range l.weights {
			update(l.weights[c], before.weights[c], gradient[c])
		}
		update(l.bias, before.bias, biasGradient)
		if norm = math.Sqrt(norm); steps == 0 {
			first = norm
		}
		if norm < 1e-3*first {
			break
		}
	}
	return before, steps
}

// features draws pictures of every class, averaged to side x side pixels, less the mean
// of the training pictures.
func features(split, count, side int) (x [][]float32, labels []int) {
	for class, f := range figures() {
		for number := range count {
			m := picture(f, job{split, class, number}.random(1))
			x = append(x, shrink(m, side))
			labels = append(labels, class)
		}
	}
	return x, labels
}

func shrink(m *image.RGBA, side int) []float32 {
	out := make([]float32, side*side*3)
	each := Side / side
	for y := range Side {
		for x := range Side {
			for c := range 3 {
				out[(y/each*side+x/each)*3+c] += (float32(m.Pix[m.PixOffset(x, y)+c])/127.5 - 1) / float32(each*each)
			}
		}
	}
	return out
}

// TestLinear trains softmax regressions on pixels to convergence, for several weight
// decays, and wants less than 60% of the test pictures right. The same regression finds
// all of them when one pixel tells the class.
func TestLinear(t *testing.T) {
	const side = 8
	x, labels := features(0, 100, side)
	test, testLabels := features(1, 50, side)
	for _, decay := range []float64{1, 0.1} {
		l, steps := fit(x, labels, len(figures()), decay)
		training, accuracy := l.accuracy(x, labels), l.accuracy(test, testLabels)
		t.Logf("weight decay %g, %d steps: %.1f%% of the training pictures, %.1f%% of the test pictures", decay, steps, 100*training, 100*accuracy)
		if accuracy >= 0.6 || training < accuracy {
			t.Errorf("weight decay %g: a linear classifier gets %.1f%% of the training pictures and %.1f%% of the test pictures right, want less than 60%%", decay, 100*training, 100*accuracy)
		}
	}
	for i := range x {
		x[i][4*labels[i]] += 3
	}
	for i := range test {
		test[i][4*testLabels[i]] += 3
	}
	l, _ := fit(x, labels, len(figures()), 0.1)
	if accuracy := l.accuracy(test, testLabels); accuracy < 0.98 {
		t.Errorf("a linear classifier gets %.1f%% of marked pictures right, want nearly all", 100*accuracy)
	}
}
