package jpeg

// A kernelSet is what takes the time, for an instruction set. Each function may read and
// write up to padding bytes behind what it is for, but for the dst of convert.
type kernelSet struct {
	name string
	// These are the functions of those names.
	transform8, transform4, transform2 transform
	// sum writes 3*near + far, n of them.
	sum func(dst []int16, near, far []uint8, n int)
	// widen writes 2n values: (3*sums[1+i] + sums[i] + leftBias) / 16 and
	// (3*sums[1+i] + sums[2+i] + rightBias) / 16.
	widen func(dst []uint8, sums []int16, n int, leftBias, rightBias uint16)
	// convert writes RGB, len(dst)/3 pixels.
	convert func(dst, luma, cb, cr []uint8)
}

// A transform writes blocks of samples side by side: the inverse transform of coefficients
// times quantisation, both in natural order. dst is [side][stride], coefficients
// [blocks][64].
type transform func(dst []uint8, stride int, coefficients []int16, quant *[64]uint16, blocks int)

var kernels = choose()

var generic = kernelSet{
	name:       "generic",
	transform8: transform8, transform4: transform4, transform2: transform2,
	sum: sum, widen: widen, convert: convert,
}

func sum(dst []int16, near, far []uint8, n int) {
	dst, far = dst[:n], far[:n]
	for i, v := range near[:n] {
		dst[i] = 3*int16(v) + int16(far[i])
	}
}

func widen(dst []uint8, sums []int16, n int, leftBias, rightBias uint16) {
	for i := range n {
		v := 3 * uint16(sums[1+i])
		dst[2*i] = uint8((v + uint16(sums[i]) + leftBias) >> 4)
		dst[2*i+1] = uint8((v + uint16(sums[2+i]) + rightBias) >> 4)
	}
}

// JPEG's colours (JFIF: BT.601 from 0 to 255) in fixed point with 16 bits of fraction.
const (
	crToR = 91881  // 1.40200
	cbToB = 116130 // 1.77200
	crToG = 46802  // 0.71414
	cbToG = 22554  // 0.34414
	half  = 1 << 15
)

func convert(dst, luma, cb, cr []uint8) {
	n := len(dst) / 3
	luma, cb, cr = luma[:n], cb[:n], cr[:n]
	for x, l := range luma {
		y, b, r := int32(l), int32(cb[x])-128, int32(cr[x])-128
		p := (*[3]uint8)(dst[3*x:])
		p[0] = clamp(y + (crToR*r+half)>>16)
		p[1] = clamp(y + (-cbToG*b-crToG*r+half)>>16)
		p[2] = clamp(y + (cbToB*b+half)>>16)
	}
}

func clamp(v int32) uint8 { return uint8(min(max(v, 0), 255)) }
