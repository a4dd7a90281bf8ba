package kernel

import "github.com/seed-fb2c0fa6/inception/engine/internal/tuning"

// A Walk is how AMX's blocks read the images under a window. An image, or some of its lines, is
// copied with what is outside around it, so that the pixels that a tap reads for output pixels
// side by side lie at equal distances: a tile's rows are loaded where they are, and a pixel is
// copied once and not for each tap.
//
// Lines are rows of pixels, or columns where the window is a single row: its taps are lines then,
// and nothing lies between the output pixels of one line and those of the next. Where a stride is
// two, even and odd lines and pixels are copied to planes of their own.
//
// A place counts output pixels and what lies between them: that of pixel x in line y is
// y*pitch + x.
type Walk struct {
	Geometry
	lines, length int // output lines of an image, and pixels of a line
	pitch         int // places from line to line
	shift         int // lines that a plane has beyond those of output
	tail          int // places that a line's pixels reach beyond pitch

	planes []plane
	taps   []tapPlace // in the order of the window
	across bool       // lines are columns
	places []int32    // [lines*pitch] the output pixel of an image, -1 between them
}

// A plane lists the pixels of an image in its places, -1 outside.
type plane struct{ pixels []int32 }

// tapPlace is where the pixels of a tap lie: in a plane, so many places after the output's.
type tapPlace struct{ plane, place int }

// NewWalk returns how blocks walk over the images of a geometry.
func NewWalk(g Geometry) *Walk {
	w := &Walk{Geometry: g, across: g.Kernel.Y == 1 && g.Kernel.X > 1}
	turned := func(p Pair) Pair {
		if w.across {
			return Pair{p.X, p.Y}
		}
		return p
	}
	out, in, kernel := turned(g.Out), turned(g.In), turned(g.Kernel)
	stride, padding, dilation, apart := turned(g.Stride), turned(g.Padding), turned(g.Dilation), turned(g.InputDilation)
	w.lines, w.length = out.Y, out.X
	w.shift = (kernel.Y - 1) * dilation.Y / stride.Y
	reach := out.X + (kernel.X-1)*dilation.X/stride.X // pixels of a plane that a line reads

	// at is the pixel of the image at a coordinate of a plane, or -1.
	at := func(i, stride, phase, padding, apart, size int) int {
		i = i*stride + phase - padding
		if i < 0 || i%apart != 0 || i/apart >= size {
			return -1
		}
		return i / apart
	}
	// What lies outside after a line may be what lies outside before the next.
	shared := reach
	phases := map[Pair]int{}
	for ky := range kernel.Y {
		for kx := range kernel.X {
			phase := Pair{ky * dilation.Y % stride.Y, kx * dilation.X % stride.X}
			if _, ok := phases[phase]; ok {
				continue
			}
			phases[phase] = len(phases)
			before, after := 0, 0
			for before < reach && at(before, stride.X, phase.X, padding.X, apart.X, in.X) < 0 {
				before++
			}
			for after < reach && at(reach-1-after, stride.X, phase.X, padding.X, apart.X, in.X) < 0 {
				after++
			}
			shared = min(shared, before, after)
		}
	}
	w.pitch = max(reach-shared, out.X)
	w.tail = max(reach-w.pitch, 0)
	w.planes = make([]plane, len(phases))
	for phase, i := range phases {
		pixels := make([]int32, (w.lines+w.shift)*w.pitch+w.tail)
		for place := range pixels {
			y, x := place/w.pitch, place%w.pitch
			line := at(y, stride.Y, phase.Y, padding.Y, apart.Y, in.Y)
			along := at(x, stride.X, phase.X, padding.X, apart.X, in.X)
			if y >= w.lines+w.shift {
				line = -1
			}
			switch {
			case line < 0 || along < 0:
				pixels[place] = -1
			case w.across:
				pixels[place] = int32(along*g.In.X + line)
			default:
				pixels[place] = int32(line*g.In.X + along)
			}
		}
		w.planes[i] = plane{pixels}
	}
	for ky := range kernel.Y {
		for kx := range kernel.X {
			y, x := ky*dilation.Y, kx*dilation.X
			w.taps = append(w.taps, tapPlace{phases[Pair{y % stride.Y, x % stride.X}], y/stride.Y*w.pitch + x/stride.X})
		}
	}
	w.places = make([]int32, w.lines*w.pitch)
	for place := range w.places {
		y, x := place/w.pitch, place%w.pitch
		switch {
		case x >= w.length:
			w.places[place] = -1
		case w.across:
			w.places[place] = int32(x*g.Out.X + y)
		default:
			w.places[place] = int32(y*g.Out.X + x)
		}
	}
	return w
}

// together is how many lines of output pixels of so many bytes are copied for at a time: a part
// of a level-2 cache.
func (w *Walk) together(pitch int) int {
	fit := tuning.WalkBytes / (len(w.planes) * w.pitch * pitch)
	return min(max(1, fit-w.shift), w.lines)
}

// planeBytes is how much memory a plane of so many lines of output takes.
func (w *Walk) planeBytes(lines, pitch int) int {
	return ((lines+w.shift)*w.pitch + w.tail) * pitch
}

// footprint is how many bytes of the planes a block reads, about.
func (w *Walk) footprint(rows, pitch int) int {
	kernel := w.Kernel
	if w.across {
		kernel = Pair{kernel.X, kernel.Y}
	}
	// Lines that follow each other overlap where they are shorter than a block.
	perPlane := ceilDivide(len(w.taps), len(w.planes))
	along := ceilDivide(kernel.X, max(1, len(w.planes)/2))
	lines := ceilDivide(perPlane, along)
	line := rows + along - 1
	return len(w.planes) * pitch * min(lines*line, line+(lines-1)*w.pitch)
}

// inside are the taps that are not outside of the image for all of some lines, at least one line
// of taps.
func (w *Walk) inside(first, last int) (tap0, tap1 int) {
	kernel, stride, padding, dilation, apart, size := w.Kernel.Y, w.Stride.Y, w.Padding.Y, w.Dilation.Y, w.InputDilation.Y, w.In.Y
	each := w.Kernel.X
	if w.across {
		kernel, stride, padding, dilation, apart, size = w.Kernel.X, w.Stride.X, w.Padding.X, w.Dilation.X, w.InputDilation.X, w.In.X
		each = 1
	}
	end := kernel
	begin := 0
	for begin < end-1 && last*stride+begin*dilation-padding < 0 {
		begin++
	}
	for begin < end-1 && first*stride+(end-1)*dilation-padding > (size-1)*apart {
		end--
	}
	return begin * each, end * each
}

func ceilDivide(a, b int) int { return (a + b - 1) / b }
