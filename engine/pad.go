package engine

import "github.com/gomlx/compute"

// A padding writes an image's pixels at a distance from each other, with a value between
// and around them; or leaves out pixels of its edges.
type padding struct {
	in, out          *tensor
	value            float32
	top, left        int // of the first pixel; negative where pixels are left out
	strideY, strideX int
}

func (o *padding) reads() []*tensor  { return []*tensor{o.in} }
func (o *padding) writes() []*tensor { return []*tensor{o.out} }

// lowerPad takes padding of height and width with a constant.
func (l *lowering) lowerPad(n *node) bool {
	a, ok := n.attrs.(padAttrs)
	if !ok || len(a.axes) != 4 || !isFloat32(n.values[0]) || l.constant[n.inputs[0].node.index] || n.values[0].shape().Size() == 0 ||
		a.axes[0] != (compute.PadAxis{}) || a.axes[3] != (compute.PadAxis{}) {
		return false
	}
	value, ok := l.uniform(n.inputs[1])
	if !ok {
		return false
	}
	y, x := a.axes[1], a.axes[2]
	l.operations = append(l.operations, &padding{
		in: l.tensor(n.inputs[0]), out: l.tensor(n.values[0]), value: value,
		top: y.Start, left: x.Start, strideY: y.Interior + 1, strideX: x.Interior + 1,
	})
	return true
}

func (o *padding) bind(r *run) func() error {
	in, out := o.in, o.out
	return r.parallel(out.n*out.h, func(row, _ int) {
		from, to := in.in(r), out.in(r)
		n, y := row/out.h, row%out.h-o.top
		inside := y >= 0 && y%o.strideY == 0 && y/o.strideY < in.h
		for column := range out.w {
			pixel := to[(row*out.w+column)*out.pitch:][:out.c]
			x := column - o.left
			if inside && x >= 0 && x%o.strideX == 0 && x/o.strideX < in.w {
				copy(pixel, from[((n*in.h+y/o.strideY)*in.w+x/o.strideX)*in.pitch:])
				continue
			}
			for c := range pixel {
				pixel[c] = o.value
			}
		}
	})
}
