package engine

import "github.com/gomlx/compute/shapes"

// A tensor is a float32 value of a plan: pixels of channels, [n, h, w, c]. Values
// of two axes, [n, c], have h = w = 1; of other ranks, one pixel. A tensor may be a
// part of another, which joins several along the channels.
type tensor struct {
	n, h, w, c int
	within     *tensor // the tensor that this one is a part of, or nil
	channel    int     // of within, at which this one begins
	dense      bool    // pixels are side by side
	pitch      int     // floats from a pixel to the next
	offset     int     // floats from the beginning of the arena, or of the buffer
	buffer     int     // 0 in the arena; else 1 and the place among a run's buffers
}

func newTensor(shape shapes.Shape) *tensor {
	switch dims := shape.Dimensions; len(dims) {
	case 4:
		return &tensor{n: dims[0], h: dims[1], w: dims[2], c: dims[3]}
	case 2:
		return &tensor{n: dims[0], h: 1, w: 1, c: dims[1]}
	}
	return &tensor{n: 1, h: 1, w: 1, c: shape.Size()}
}

func (t *tensor) pixels() int { return t.n * t.h * t.w }

// whole returns the tensor that has memory of its own.
func (t *tensor) whole() *tensor {
	for t.within != nil {
		t = t.within
	}
	return t
}

// place finds a part's memory in that of its whole.
func (t *tensor) place() {
	if t.within != nil {
		t.within.place()
		t.pitch, t.offset, t.buffer = t.within.pitch, t.within.offset+t.channel, t.within.buffer
	}
}

// in returns the tensor's memory in a run, up to the end of its last pixel.
func (t *tensor) in(r *run) []float32 {
	memory := r.arena
	if t.buffer > 0 {
		memory = r.buffers[t.buffer-1]
	}
	size := (t.pixels()-1)*t.pitch + t.c
	return memory[t.offset:][:size:size]
}

// load copies contiguous values into the tensor.
func (t *tensor) load(r *run, values []float32) {
	to := t.in(r)
	for i := range t.pixels() {
		copy(to[i*t.pitch:][:t.c], values[i*t.c:])
	}
}

// store copies the tensor into contiguous values.
func (t *tensor) store(values []float32, r *run) {
	from := t.in(r)
	for i := range t.pixels() {
		copy(values[i*t.c:][:t.c], from[i*t.pitch:])
	}
}
