package rendered

import (
	"math"
)

// A point is a place in a figure, whose size is about that of the unit circle, or in a
// picture, in pixels. y points down.
type point struct{ x, y float64 }

// A path is closed. Where paths overlap, those that turn the other way are holes.
type path []point

// A figure is what a class shows.
type figure struct {
	name  string
	paths func() []path
}

// figures lists the classes in the order of their names.
func figures() []figure {
	return []figure{
		{"arrow", arrow}, {"bolt", bolt}, {"crescent", crescent}, {"cross", cross}, {"drop", drop},
		{"gear", gear}, {"heart", heart}, {"ring", ring}, {"spiral", spiral}, {"star", star},
	}
}

func arrow() []path {
	return []path{{{-1, -0.22}, {0.1, -0.22}, {0.1, -0.68}, {1, 0}, {0.1, 0.68}, {0.1, 0.22}, {-1, 0.22}}}
}

func bolt() []path {
	return []path{{{0.28, -1}, {-0.55, 0.12}, {-0.06, 0.12}, {-0.28, 1}, {0.55, -0.22}, {0.06, -0.22}}}
}

// crescent is a disc without a smaller one beside its middle: two arcs from horn to
// horn.
func crescent() []path {
	const horn = 0.3 * math.Pi // half the angle of the outer circle that is left out
	outer := arc(point{}, 1, horn, 2*math.Pi-horn)
	// The inner circle goes through the horns, with its centre to the right.
	x, y := math.Cos(horn), math.Sin(horn)
	const centre = 0.42
	radius, from := math.Hypot(x-centre, y), math.Atan2(y, x-centre)
	inner := arc(point{centre, 0}, radius, 2*math.Pi-from, from)
	return []path{append(outer, inner...)}
}

func cross() []path {
	const a, b = 0.3, 0.95
	return []path{{{-a, -b}, {a, -b}, {a, -a}, {b, -a}, {b, a}, {a, a}, {a, b}, {-a, b}, {-a, a}, {-b, a}, {-b, -a}, {-a, -a}}}
}

// drop is a teardrop curve.
func drop() []path {
	return []path{curve(func(t float64) point {
		s := math.Sin(t / 2)
		return point{0.95 * math.Cos(t), 1.05 * math.Sin(t) * s * s}
	})}
}

func gear() []path {
	const teeth = 8
	var p path
	for i := range teeth {
		middle := 2 * math.Pi * float64(i) / teeth
		for _, corner := range []struct{ angle, radius float64 }{{-0.26, 0.72}, {-0.17, 1}, {0.17, 1}, {0.26, 0.72}} {
			p = append(p, polar(middle+corner.angle, corner.radius))
		}
	}
	return []path{p, arc(point{}, 0.3, 2*math.Pi, 0)}
}

func heart() []path {
	return []path{curve(func(t float64) point {
		s := math.Sin(t)
		return point{s * s * s, -(13*math.Cos(t) - 5*math.Cos(2*t) - 2*math.Cos(3*t) - math.Cos(4*t)) / 16}
	})}
}

func ring() []path {
	return []path{arc(point{}, 0.95, 0, 2*math.Pi), arc(point{}, 0.58, 2*math.Pi, 0)}
}

// spiral is a band along Archimedes' spiral.
func spiral() []path {
	const turns, steps, half = 2.2, 80, 0.13
	var out, in path
	for i := range steps + 1 {
		share := float64(i) / steps
		angle, radius := turns*2*math.Pi*share, 0.1+0.78*share
		out = append(out, polar(angle, radius+half))
		in = append(in, polar(angle, radius-half))
	}
	for i := range in {
		out = append(out, in[len(in)-1-i])
	}
	return []path{out}
}

func star() []path {
	var p path
	for i := range 10 {
		p = append(p, polar(math.Pi*float64(i)/5, []float64{1, 0.42}[i%2]))
	}
	return []path{p}
}

func polar(angle, radius float64) point {
	return point{radius * math.Cos(angle), radius * math.Sin(angle)}
}

const curveSteps = 48

// curve samples a closed curve over t from 0 to 2 pi.
func curve(at func(t float64) point) path {
	p := make(path, curveSteps)
	for i := range p {
		p[i] = at(2 * math.Pi * float64(i) / curveSteps)
	}
	return p
}

// arc samples a part of a circle, with both its ends.
func arc(centre point, radius, from, to float64) path {
	p := make(path, curveSteps+1)
	for i := range p {
		at := polar(from+(to-from)*float64(i)/curveSteps, radius)
		p[i] = point{centre.x + at.x, centre.y + at.y}
	}
	return p
}
