package kernel

import (
	"golang.org/x/sys/cpu"

	"github.com/seed-fb2c0fa6/inception/engine/kernel/amx"
	"github.com/seed-fb2c0fa6/inception/engine/kernel/avx2"
	"github.com/seed-fb2c0fa6/inception/engine/kernel/avx512"
	"github.com/seed-fb2c0fa6/inception/engine/kernel/avx512bf16"
	"github.com/seed-fb2c0fa6/inception/engine/kernel/avx512vnni"
	"github.com/seed-fb2c0fa6/inception/engine/kernel/avxvnni"
	"github.com/seed-fb2c0fa6/inception/engine/kernel/generic"
)

func sets() []*Set {
	var found []*Set
	hasAVX2 := cpu.X86.HasAVX2 && cpu.X86.HasFMA && cpu.X86.HasBMI2
	if hasAVX2 && cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL {
		full := func() *Set {
			set := avx512Set()
			if cpu.X86.HasAVX512BF16 {
				addBF16(set)
			}
			if cpu.X86.HasAVX512VNNI {
				addVNNI(set)
				if cpu.X86.HasAVX512BF16 {
					set.GemmI8.tile = avx512bf16.GemmI8_14x32
				}
			}
			return set
		}
		if hasAMX() && amx.Permission() == nil {
			set := full()
			addAMX(set)
			found = append(found, set)
		}
		found = append(found, full())
	}
	if hasAVX2 && cpu.X86.HasAVXVNNI {
		set := avx2Set()
		addAVXVNNI(set)
		found = append(found, set)
	}
	if hasAVX2 {
		found = append(found, avx2Set())
	}
	return append(found, genericSet())
}

// hasAMX reports whether the CPU has AMX, and what of AVX-512 its products need beside it.
func hasAMX() bool {
	return cpu.X86.HasAMXTile && cpu.X86.HasAMXInt8 && cpu.X86.HasAMXBF16 && cpu.X86.HasAVX512BF16
}

func refused() string {
	if !hasAMX() {
		return ""
	}
	if err := amx.Permission(); err != nil {
		return err.Error()
	}
	return ""
}

func avx512Set() *Set {
	gemm := &GemmF32{
		Name: "GemmF32_14x32", NR: 32,
		rows: 14, tile: avx512.GemmF32_14x32,
		indirectRows: 12, indirect: avx512.IndirectGemmF32_12x32,
	}
	gradient := &GradientF32{Name: "GradientF32_14x32", NR: 32, rows: 14, tile: avx512.GradientF32_14x32}
	return &Set{
		ISA:   AVX512,
		Lanes: 16,
		Gemm:  gemm,
		GemmWide: &GemmF32{
			Name: "GemmWideF32_6x32", NR: 32, Wide: true,
			rows: 6, tile: avx512.GemmWideF32_6x32,
			indirectRows: 6, indirect: avx512.IndirectGemmWideF32_6x32,
		},
		GemmI8: &GemmI8{
			Name: "GemmI8_14x32", NR: 32, halves: true,
			rows: 14, tile: avx512.GemmI8_14x32,
			indirectRows: 12, indirect: avx512.IndirectGemmI8_12x32,
		},
		winogradI8: newWinogradI8(gemm, &GemmI16{Name: "GemmI16_14x32", NR: 32, bytes: 1, rows: 14, tile: avx512.GemmI16_14x32},
			winogradTransformsI8{input: avx512.WinogradInputI8_6x6, output: avx512.WinogradOutputI8_6x6_4x4},
			winogradTransformsI8{input: avx512.WinogradInputI8_12, output: avx512.WinogradOutputI8_9_6}),
		Gradient: gradient,
		winograd: newWinograd(gemm, gradient, winogradTransforms{
			avx512.WinogradInputF32_6x6, avx512.WinogradInputF32_6, avx512.WinogradInputF32_10,
			avx512.WinogradOutputF32_6x6_4x4, avx512.WinogradOutputF32_6_4, avx512.WinogradOutputF32_10_4,
			avx512.WinogradGradientF32_4x4_6x6, avx512.WinogradGradientF32_4_6, avx512.WinogradGradientF32_4_10,
		}),
		norm: normalizationF32{
			avx512.StatisticsF32, avx512.NormalizeF32, avx512.NormGradientSumsF32, avx512.NormGradientF32,
		},
		element: elementF32{
			unary: [elementOps]unaryF32{
				Neg: avx512.NegF32, Abs: avx512.AbsF32, Sqrt: avx512.SqrtF32, Sign: avx512.SignF32, Rectify: avx512.RectifyF32, Step: avx512.StepF32,
			},
			binary: [elementOps]binaryF32{
				Add: avx512.AddF32, Sub: avx512.SubF32, Mul: avx512.MulF32, Div: avx512.DivF32, Max: avx512.MaxF32, Min: avx512.MinF32,
				Equal: avx512.EqualF32, NotEqual: avx512.NotEqualF32, Less: avx512.LessF32, LessOrEqual: avx512.LessOrEqualF32,
			},
			choose: avx512.SelectF32,
		},
		bf16:            conversionBF16{avx512.SliceToBF16, avx512.SliceFromBF16},
		u8:              conversionU8{1, avx512.SliceToU8, avx512.SliceFromU8},
		pool:            poolKernels[float32]{avx512.PoolMaxF32, avx512.PoolSumF32},
		poolBF16:        poolKernels[uint16]{avx512.PoolMaxBF16, avx512.PoolSumBF16},
		poolU8:          poolU8(1, avx512.PoolMaxU8, avx512.PoolSumU8),
		poolMaxGradient: avx512.PoolMaxGradientF32, poolSumGradient: avx512.PoolSumGradientF32,
		loads:         loading{avx512.LoadF32, 16 * 16},
		multiplyAdd:   loop{avx512.MultiplyAddF32, 12 * 16 * 2},
		multiplyAddI8: loop{avx512.MultiplyAddI8, 12 * 16 * 4 * 2},
	}
}

// addBF16 adds the kernels of AVX512-BF16. Where there are AMX's tiles besides, on Emerald
// Rapids, the same instructions were measured to be slower than those of float32.
func addBF16(set *Set) {
	set.GemmBF16 = &GemmBF16{
		Name: "GemmBF16_14x32", NR: 32, Faster: !cpu.X86.HasAMXBF16,
		rows: 14, tile: avx512bf16.GemmBF16_14x32,
		indirectRows: 12, indirect: avx512bf16.IndirectGemmBF16_12x32,
		convert: set.bf16,
	}
	set.winogradBF16 = newWinogradBF16(set.Gemm,
		winogradTransformsBF16{avx512bf16.WinogradInputBF16_8x8, avx512bf16.WinogradOutputBF16_8x8_6x6, avx512bf16.WinogradWeightsBF16_3x3_8x8},
		winogradTransformsBF16{avx512bf16.WinogradInputBF16_9x9, avx512bf16.WinogradOutputBF16_9x9_7x7, avx512bf16.WinogradWeightsBF16_3x3_9x9},
		winogradTransformsBF16{avx512bf16.WinogradInputBF16_10x10, avx512bf16.WinogradOutputBF16_10x10_8x8, avx512bf16.WinogradWeightsBF16_3x3_10x10},
		winogradTransformsBF16{avx512bf16.WinogradInputBF16_15, avx512bf16.WinogradOutputBF16_15_9, avx512bf16.WinogradWeightsBF16_7_15},
	)
	set.multiplyAddBF16 = loop{avx512bf16.MultiplyAddBF16, 12 * 16 * 2 * 2}
}

// addVNNI adds the kernels of AVX512-VNNI.
func addVNNI(set *Set) {
	set.GemmI8 = &GemmI8{
		Name: "GemmI8_14x32 of VNNI", NR: 32,
		rows: 14, tile: avx512vnni.GemmI8_14x32,
		indirectRows: 12, indirect: avx512vnni.IndirectGemmI8_12x32,
	}
	square := set.winogradI8[0]
	square.product = &GemmI16{Name: "GemmI16_14x32 of VNNI", NR: 32, bytes: 2, rows: 14, tile: avx512vnni.GemmI16_14x32}
	set.winogradI8 = []*WinogradI8{square} // lines have half the products, which take twice as long
	set.multiplyAddI8 = loop{avx512vnni.MultiplyAddI8, 12 * 16 * 4 * 2}
}

// addAMX puts AMX's blocks in the place of a set's products of 8-bit integers and bfloat16.
func addAMX(set *Set) {
	set.ISA = AMX
	set.Gemm.largeL2 = true
	set.winogradI8 = nil // its tiles multiply bytes many times as fast as AVX-512 does words
	set.GemmI8 = &GemmI8{
		Name: "GemmI8_32x32 of AMX", NR: 32,
		rows: 32, indirectRows: 32, block: amx.GemmI8_32x32, copyRows: amx.CopyRows,
	}
	set.GemmBF16 = &GemmBF16{
		Name: "GemmBF16_32x32 of AMX", NR: 32, Faster: true,
		rows: 32, indirectRows: 32, block: amx.GemmBF16_32x32, copyRows: amx.CopyRows, convert: set.bf16,
	}
	packing := packingBF16{amx.InterleaveRows, amx.TransposeRows, amx.TransposePairs}
	set.GemmBF16.packing = &packing
	set.GradientBF16 = &GradientBF16{Name: "GradientBF16_32x32 of AMX", block: amx.GemmBF16_32x32, packingBF16: packing}
	set.multiplyAddI8 = loop{amx.MultiplyAddI8, 4 * 16 * 16 * 64 * 2}
	set.multiplyAddBF16 = loop{amx.MultiplyAddBF16, 4 * 16 * 16 * 32 * 2}
}

// addAVXVNNI puts the kernels of AVX-VNNI in the place of AVX2's.
func addAVXVNNI(set *Set) {
	set.ISA = AVXVNNI
	set.winogradI8 = nil // words take four times as long
	set.GemmI8 = &GemmI8{
		Name: "GemmI8_6x16 of VNNI", NR: 16,
		rows: 6, tile: avxvnni.GemmI8_6x16,
		indirectRows: 6, indirect: avxvnni.IndirectGemmI8_6x16,
	}
	set.multiplyAddI8 = loop{avxvnni.MultiplyAddI8, 12 * 8 * 4 * 2}
}

func avx2Set() *Set {
	gemm := &GemmF32{
		Name: "GemmF32_6x16", NR: 16,
		rows: 6, tile: avx2.GemmF32_6x16,
		indirectRows: 6, indirect: avx2.IndirectGemmF32_6x16,
	}
	gradient := &GradientF32{Name: "GradientF32_6x16", NR: 16, rows: 6, tile: avx2.GradientF32_6x16}
	return &Set{
		ISA:   AVX2,
		Lanes: 8,
		Gemm:  gemm,
		GemmWide: &GemmF32{
			Name: "GemmWideF32_2x16", NR: 16, Wide: true,
			rows: 2, tile: avx2.GemmWideF32_2x16,
			indirectRows: 2, indirect: avx2.IndirectGemmWideF32_2x16,
		},
		GemmI8: &GemmI8{
			Name: "GemmI8_6x16", NR: 16, halves: true,
			rows: 6, tile: avx2.GemmI8_6x16,
			indirectRows: 6, indirect: avx2.IndirectGemmI8_6x16,
		},
		winogradI8: newWinogradI8(gemm, &GemmI16{Name: "GemmI16_6x16", NR: 16, bytes: 1, rows: 6, tile: avx2.GemmI16_6x16},
			winogradTransformsI8{16, 8, avx2.WinogradInputI8_6x6, avx2.WinogradOutputI8_6x6_4x4},
			winogradTransformsI8{16, 8, avx2.WinogradInputI8_12, avx2.WinogradOutputI8_9_6}),
		Gradient: gradient,
		winograd: newWinograd(gemm, gradient, winogradTransforms{
			avx2.WinogradInputF32_6x6, avx2.WinogradInputF32_6, avx2.WinogradInputF32_10,
			avx2.WinogradOutputF32_6x6_4x4, avx2.WinogradOutputF32_6_4, avx2.WinogradOutputF32_10_4,
			avx2.WinogradGradientF32_4x4_6x6, avx2.WinogradGradientF32_4_6, avx2.WinogradGradientF32_4_10,
		}),
		norm: normalizationF32{
			avx2.StatisticsF32, avx2.NormalizeF32, avx2.NormGradientSumsF32, avx2.NormGradientF32,
		},
		element: elementF32{
			unary: [elementOps]unaryF32{
				Neg: avx2.NegF32, Abs: avx2.AbsF32, Sqrt: avx2.SqrtF32, Sign: avx2.SignF32, Rectify: avx2.RectifyF32, Step: avx2.StepF32,
			},
			binary: [elementOps]binaryF32{
				Add: avx2.AddF32, Sub: avx2.SubF32, Mul: avx2.MulF32, Div: avx2.DivF32, Max: avx2.MaxF32, Min: avx2.MinF32,
				Equal: avx2.EqualF32, NotEqual: avx2.NotEqualF32, Less: avx2.LessF32, LessOrEqual: avx2.LessOrEqualF32,
			},
			choose: avx2.SelectF32,
		},
		bf16:            conversionBF16{generic.SliceToBF16, generic.SliceFromBF16},
		u8:              conversionU8{8, avx2.SliceToU8, avx2.SliceFromU8},
		pool:            poolKernels[float32]{avx2.PoolMaxF32, avx2.PoolSumF32},
		poolBF16:        poolKernels[uint16]{generic.PoolMaxBF16, generic.PoolSumBF16},
		poolU8:          poolU8(32, avx2.PoolMaxU8, avx2.PoolSumU8),
		poolMaxGradient: avx2.PoolMaxGradientF32, poolSumGradient: avx2.PoolSumGradientF32,
		loads:         loading{avx2.LoadF32, 16 * 8},
		multiplyAdd:   loop{avx2.MultiplyAddF32, 12 * 8 * 2},
		multiplyAddI8: loop{avx2.MultiplyAddI8, 12 * 8 * 4 * 2},
	}
}
