package jpeg

import (
	"golang.org/x/sys/cpu"

	"github.com/seed-fb2c0fa6/inception/vision/jpeg/avx2"
)

func choose() kernelSet {
	if !cpu.X86.HasAVX2 {
		return generic
	}
	return kernelSet{
		name:       "avx2",
		transform8: transformAVX2(avx2.Transform8, 8), transform4: transformAVX2(avx2.Transform4, 4), transform2: transformAVX2(avx2.Transform2, 2),
		sum: sumAVX2, widen: widenAVX2, convert: convertAVX2,
	}
}

// transformAVX2 gives a kernel for pairs of blocks what it reads and writes.
func transformAVX2(kernel func(dst *uint8, stride int, coefficients *int16, quant *uint16, pairs int), side int) transform {
	return func(dst []uint8, stride int, coefficients []int16, quant *[64]uint16, blocks int) {
		pairs := (blocks + 1) / 2
		if pairs == 0 {
			return
		}
		dst, coefficients = dst[:(side-1)*stride+2*pairs*side], coefficients[:2*pairs*64]
		kernel(&dst[0], stride, &coefficients[0], &quant[0], pairs)
	}
}

func sumAVX2(dst []int16, near, far []uint8, n int) {
	whole := (n + 15) &^ 15
	if n <= 0 {
		return
	}
	dst, near, far = dst[:whole], near[:whole], far[:whole]
	avx2.Sum(&dst[0], &near[0], &far[0], whole)
}

func widenAVX2(dst []uint8, sums []int16, n int, leftBias, rightBias uint16) {
	whole := (n + 15) &^ 15
	if n <= 0 {
		return
	}
	dst, sums = dst[:2*whole], sums[:whole+2]
	avx2.Widen(&dst[0], &sums[0], whole, leftBias, rightBias)
}

func convertAVX2(dst, luma, cb, cr []uint8) {
	n := len(dst) / 3
	whole := n &^ 15
	luma, cb, cr = luma[:n], cb[:n], cr[:n]
	if whole > 0 {
		avx2.Convert(&dst[0], &luma[0], &cb[0], &cr[0], whole)
	}
	convert(dst[3*whole:3*n], luma[whole:], cb[whole:], cr[whole:])
}
