// Package kernel chooses the kernels for the machine and checks what they are given.
//
// A kernel is the innermost loop over contiguous memory: a tile of a matrix product,
// a transform of Winograd's convolution, a row of pooling. Each exists as plain Go and,
// for amd64, in assembly for AVX2 with FMA and for AVX-512; products of bfloat16 and of 8-bit
// integers also for instructions made for these.
package kernel

import (
	"fmt"

	"github.com/seed-fb2c0fa6/inception/engine/kernel/generic"
)

// ISA is a set of instructions that kernels are written for.
type ISA string

const (
	Generic ISA = "generic" // plain Go
	AVX2    ISA = "avx2"    // with FMA
	AVXVNNI ISA = "avxvnni" // AVX2 with products of 8-bit integers
	AVX512  ISA = "avx512"  // F, BW, DQ, VL
	AMX     ISA = "amx"     // with AVX-512 and its instructions on bfloat16 and 8-bit integers
)

// Refused says why instructions that the CPU has are not among those that are available; it is
// empty where all are.
func Refused() string { return refused() }

// Set is the kernels of one ISA.
type Set struct {
	ISA ISA
	// Lanes is how many float32 a vector has.
	Lanes int

	// Gemm is the usual tile of matrix products; GemmWide, for b in the same order, sums
	// them in float64, which takes two to three times as long.
	Gemm, GemmWide *GemmF32

	// GemmBF16 is the tile of products of bfloat16. It is nil where the machine has no
	// instructions for them, but for the generic set, where it is their meaning.
	GemmBF16 *GemmBF16

	// GemmI8 is the tile of products of 8-bit integers.
	GemmI8 *GemmI8

	// Gradient is the kernel of weights' gradients, and GradientBF16 that of those of bfloat16, nil
	// but for AMX.
	Gradient     *GradientF32
	GradientBF16 *GradientBF16

	winograd     []*WinogradF32
	winogradBF16 []*WinogradBF16 // where GemmBF16 is
	winogradI8   []*WinogradI8   // where it is faster than GemmI8

	norm normalizationF32

	element elementF32

	bf16 conversionBF16
	u8   conversionU8

	pool            poolKernels[float32]
	poolBF16        poolKernels[uint16]
	poolU8          poolKernels[uint8]
	poolMaxGradient poolMaxGradientF32
	poolSumGradient poolSumGradientF32

	loads loading // of LoadBandwidth

	multiplyAdd, multiplyAddBF16, multiplyAddI8 loop // of PeakF32, PeakBF16 and PeakI8; the second is zero without GemmBF16
}

// Available lists the ISAs of this machine, best first.
func Available() []ISA {
	var found []ISA
	for _, set := range sets() {
		found = append(found, set.ISA)
	}
	return found
}

// For returns the kernels of an ISA, or an error where this machine lacks it.
func For(isa ISA) (*Set, error) {
	for _, set := range sets() {
		if set.ISA == isa {
			return set, nil
		}
	}
	why := ""
	if isa == AMX && Refused() != "" {
		why = ": " + Refused()
	}
	return nil, fmt.Errorf("kernel: instruction set %q is not available here, of %v%s", isa, Available(), why)
}

func genericSet() *Set {
	gemm := &GemmF32{
		Name: "GemmF32_2x4", NR: 4,
		rows: 2, tile: generic.GemmF32_2x4,
		indirectRows: 2, indirect: generic.IndirectGemmF32_2x4,
	}
	gradient := &GradientF32{Name: "GradientF32_2x4", NR: 4, rows: 2, tile: generic.GradientF32_2x4}
	return &Set{
		ISA:   Generic,
		Lanes: 1,
		Gemm:  gemm,
		GemmWide: &GemmF32{
			Name: "GemmWideF32_2x4", NR: 4, Wide: true,
			rows: 2, tile: generic.GemmWideF32_2x4,
			indirectRows: 2, indirect: generic.IndirectGemmWideF32_2x4,
		},
		GemmBF16: &GemmBF16{
			Name: "GemmBF16_2x4", NR: 4,
			rows: 2, tile: generic.GemmBF16_2x4,
			indirectRows: 2, indirect: generic.IndirectGemmBF16_2x4,
			convert: conversionBF16{generic.SliceToBF16, generic.SliceFromBF16},
		},
		GemmI8: &GemmI8{
			Name: "GemmI8_2x4", NR: 4,
			rows: 2, tile: generic.GemmI8_2x4,
			indirectRows: 2, indirect: generic.IndirectGemmI8_2x4,
		},
		Gradient: gradient,
		winograd: newWinograd(gemm, gradient, winogradTransforms{
			generic.WinogradInputF32_6x6, generic.WinogradInputF32_6, generic.WinogradInputF32_10,
			generic.WinogradOutputF32_6x6_4x4, generic.WinogradOutputF32_6_4, generic.WinogradOutputF32_10_4,
			generic.WinogradGradientF32_4x4_6x6, generic.WinogradGradientF32_4_6, generic.WinogradGradientF32_4_10,
		}),
		winogradBF16: newWinogradBF16(gemm,
			winogradTransformsBF16{generic.WinogradInputBF16_8x8, generic.WinogradOutputBF16_8x8_6x6, generic.WinogradWeightsBF16_3x3_8x8},
			winogradTransformsBF16{generic.WinogradInputBF16_9x9, generic.WinogradOutputBF16_9x9_7x7, generic.WinogradWeightsBF16_3x3_9x9},
			winogradTransformsBF16{generic.WinogradInputBF16_10x10, generic.WinogradOutputBF16_10x10_8x8, generic.WinogradWeightsBF16_3x3_10x10},
			winogradTransformsBF16{generic.WinogradInputBF16_15, generic.WinogradOutputBF16_15_9, generic.WinogradWeightsBF16_7_15},
		),
		winogradI8: newWinogradI8(gemm, &GemmI16{Name: "GemmI16_2x4", NR: 4, bytes: 1, rows: 2, tile: generic.GemmI16_2x4},
			winogradTransformsI8{input: generic.WinogradInputI8_6x6, output: generic.WinogradOutputI8_6x6_4x4},
			winogradTransformsI8{input: generic.WinogradInputI8_12, output: generic.WinogradOutputI8_9_6}),
		norm: normalizationF32{
			generic.StatisticsF32, generic.NormalizeF32, generic.NormGradientSumsF32, generic.NormGradientF32,
		},
		element: elementF32{
			unary: [elementOps]unaryF32{
				Neg: generic.NegF32, Abs: generic.AbsF32, Sqrt: generic.SqrtF32, Sign: generic.SignF32, Rectify: generic.RectifyF32, Step: generic.StepF32,
			},
			binary: [elementOps]binaryF32{
				Add: generic.AddF32, Sub: generic.SubF32, Mul: generic.MulF32, Div: generic.DivF32, Max: generic.MaxF32, Min: generic.MinF32,
				Equal: generic.EqualF32, NotEqual: generic.NotEqualF32, Less: generic.LessF32, LessOrEqual: generic.LessOrEqualF32,
			},
			choose: generic.SelectF32,
		},
		bf16:            conversionBF16{generic.SliceToBF16, generic.SliceFromBF16},
		u8:              conversionU8{1, generic.SliceToU8, generic.SliceFromU8},
		pool:            poolKernels[float32]{generic.PoolMaxF32, generic.PoolSumF32},
		poolBF16:        poolKernels[uint16]{generic.PoolMaxBF16, generic.PoolSumBF16},
		poolU8:          poolU8(1, generic.PoolMaxU8, generic.PoolSumU8),
		poolMaxGradient: generic.PoolMaxGradientF32, poolSumGradient: generic.PoolSumGradientF32,
		multiplyAdd:     loop{func(n int) { generic.MultiplyAddF32(n) }, 16},
		loads:           loading{func(x *float32, n int) { generic.LoadF32(x, n) }, 8},
		multiplyAddBF16: loop{func(n int) { generic.MultiplyAddF32(n) }, 16}, // they are products of float32
		multiplyAddI8:   loop{func(n int) { generic.MultiplyAddI8(n) }, 16},
	}
}
