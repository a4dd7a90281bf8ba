package weights

import "github.com/seed-fb2c0fa6/inception/arch"

// shape returns that of a parameter in the layout.
func (l layout) shape(p arch.Parameter) []int {
	shape := p.Shape
	if order := l.axes(len(p.Shape)); order != nil {
		shape = make([]int, len(order))
		for i, axis := range order {
			shape[i] = p.Shape[axis]
		}
	}
	if l.reshape != nil {
		shape = l.reshape(p.Name, shape)
	}
	return shape
}

// toNative reorders src, of which each axis is the native one that order says, into dst,
// whose native shape is given.
func toNative(dst, src []float32, native, order []int) {
	if order == nil {
		copy(dst, src)
		return
	}
	eachRun(native, order, func(from, to, count, stride int) {
		for i := range count {
			dst[from+i] = src[to+i*stride]
		}
	})
}

// fromNative is the inverse of toNative.
func fromNative(dst, src []float32, native, order []int) {
	if order == nil {
		copy(dst, src)
		return
	}
	eachRun(native, order, func(from, to, count, stride int) {
		for i := range count {
			dst[to+i*stride] = src[from+i]
		}
	})
}

// eachRun goes over a tensor in runs along the last native axis: count values from
// native offset at, which in the layout are stride apart from offset other on. There
// are at most four axes.
func eachRun(native, order []int, run func(at, other, count, stride int)) {
	const axes = 4
	shape, strides := [axes]int{1, 1, 1, 1}, [axes]int{} // with leading axes of size 1
	lead := axes - len(native)
	copy(shape[lead:], native)
	stride := 1
	for i := len(order) - 1; i >= 0; i-- {
		strides[lead+order[i]] = stride
		stride *= native[order[i]]
	}
	const block = 16 // values are one cache line of the native order
	for i3 := 0; i3 < shape[3]; i3 += block {
		for i2 := range shape[2] {
			for i0 := range shape[0] {
				for i1 := range shape[1] {
					at := ((i0*shape[1]+i1)*shape[2]+i2)*shape[3] + i3
					other := i0*strides[0] + i1*strides[1] + i2*strides[2] + i3*strides[3]
					run(at, other, min(block, shape[3]-i3), strides[3])
				}
			}
		}
	}
}
