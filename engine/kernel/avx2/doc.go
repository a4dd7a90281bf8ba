// Package avx2 has the kernels for AVX2, generated from _asm/avx2.
package avx2

//go:generate go -C ../../../_asm run ./avx2/element -pkg avx2 -out ../engine/kernel/avx2/element_amd64.s -stubs ../engine/kernel/avx2/element_amd64.go
//go:generate go -C ../../../_asm run ./avx2/gemm -pkg avx2 -out ../engine/kernel/avx2/gemm_amd64.s -stubs ../engine/kernel/avx2/gemm_amd64.go
//go:generate go -C ../../../_asm run ./avx2/gemmi8 -pkg avx2 -out ../engine/kernel/avx2/gemm_i8_amd64.s -stubs ../engine/kernel/avx2/gemm_i8_amd64.go
//go:generate go -C ../../../_asm run ./avx2/gradient -pkg avx2 -out ../engine/kernel/avx2/gradient_amd64.s -stubs ../engine/kernel/avx2/gradient_amd64.go
//go:generate go -C ../../../_asm run ./avx2/normalize -pkg avx2 -out ../engine/kernel/avx2/normalize_amd64.s -stubs ../engine/kernel/avx2/normalize_amd64.go
//go:generate go -C ../../../_asm run ./avx2/peak -pkg avx2 -out ../engine/kernel/avx2/peak_amd64.s -stubs ../engine/kernel/avx2/peak_amd64.go
//go:generate go -C ../../../_asm run ./avx2/pool -pkg avx2 -out ../engine/kernel/avx2/pool_amd64.s -stubs ../engine/kernel/avx2/pool_amd64.go
//go:generate go -C ../../../_asm run ./avx2/poolgradient -pkg avx2 -out ../engine/kernel/avx2/pool_gradient_amd64.s -stubs ../engine/kernel/avx2/pool_gradient_amd64.go
//go:generate go -C ../../../_asm run ./avx2/u8 -pkg avx2 -out ../engine/kernel/avx2/u8_amd64.s -stubs ../engine/kernel/avx2/u8_amd64.go
//go:generate go -C ../../../_asm run ./avx2/winograd -pkg avx2 -out ../engine/kernel/avx2/winograd_amd64.s -stubs ../engine/kernel/avx2/winograd_amd64.go
//go:generate go -C ../../../_asm run ./avx2/winogradi8 -pkg avx2 -out ../engine/kernel/avx2/winograd_i8_amd64.s -stubs ../engine/kernel/avx2/winograd_i8_amd64.go
