package probe

import (
	"context"
	"math"
)

// A step of the search, with what it changed of the gradient.
type update struct {
	step, change []float64
	inner        float64 // product of both, above 0
}

// The search's constants: how many steps are remembered, the share of the decrease that the slope
// foretells which a step must have, and how often a step is shortened.
const (
	remembered  = 20
	sufficient  = 1e-4
	mostHalving = 40
)

// minimize finds where a convex loss is least, by L-BFGS with steps that are shortened until the
// loss is less by enough (Nocedal and Wright, Numerical Optimization, algorithms 7.4 and 3.1),
// from x on. It ends when no derivative is above the tolerance, after a number of iterations, or
// where float64 tells no step from no step.
func minimize(ctx context.Context, x []float64, loss func(x, gradient []float64) float64, tolerance float64, most int) (least float64, iterations int, converged bool, err error) {
	gradient, nextGradient, next := make([]float64, len(x)), make([]float64, len(x)), make([]float64, len(x))
	least = loss(x, gradient)
	var updates []update
	for ; iterations < most; iterations++ {
		if err := ctx.Err(); err != nil {
			return least, iterations, false, err
		}
		if largest(gradient) <= tolerance {
			return least, iterations, true, nil
		}
		direction := descent(gradient, updates)
		slope, length := inner(direction, gradient), 1.0
		if len(updates) == 0 {
			length = 1 / math.Sqrt(inner(gradient, gradient))
		}
		var value float64
		enough := false
		for range mostHalving {
			for i, d := range direction {
				next[i] = x[i] + length*d
			}
			value = loss(next, nextGradient)
			if enough = value <= least+sufficient*length*slope; enough {
				break
			}
			// Where a parabola through both losses and the slope is least.
			length *= max(0.1, min(0.5, -slope*length/(2*(value-least-slope*length))))
		}
		if !enough {
			return least, iterations, false, nil
		}
		u := update{make([]float64, len(x)), make([]float64, len(x)), 0}
		for i := range x {
			u.step[i], u.change[i] = next[i]-x[i], nextGradient[i]-gradient[i]
		}
		if u.inner = inner(u.step, u.change); u.inner > 0 {
			if len(updates) == remembered {
				updates = updates[1:]
			}
			updates = append(updates, u)
		}
		copy(x, next)
		gradient, nextGradient = nextGradient, gradient
		least = value
	}
	return least, iterations, largest(gradient) <= tolerance, nil
}

// descent returns the direction that the updates know as the way to where the gradient is zero.
func descent(gradient []float64, updates []update) []float64 {
	d := make([]float64, len(gradient))
	for i, g := range gradient {
		d[i] = -g
	}
	shares := make([]float64, len(updates))
	for k := len(updates) - 1; k >= 0; k-- {
		u := updates[k]
		shares[k] = inner(u.step, d) / u.inner
		add(d, -shares[k], u.change)
	}
	if n := len(updates); n > 0 {
		u := updates[n-1]
		scale := u.inner / inner(u.change, u.change)
		for i := range d {
			d[i] *= scale
		}
	}
	for k, u := range updates {
		add(d, shares[k]-inner(u.change, d)/u.inner, u.step)
	}
	return d
}

func inner(a, b []float64) float64 {
	sum := 0.0
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

func add(to []float64, factor float64, values []float64) {
	for i, v := range values {
		to[i] += factor * v
	}
}

func largest(values []float64) float64 {
	most := 0.0
	for _, v := range values {
		most = max(most, math.Abs(v))
	}
	return most
}
