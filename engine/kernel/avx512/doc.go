// Package avx512 has the kernels for AVX-512, generated from _asm/avx512.
package avx512

//go:generate go -C ../../../_asm run ./avx512/convert -pkg avx512 -out ../engine/kernel/avx512/convert_amd64.s -stubs ../engine/kernel/avx512/convert_amd64.go
//go:generate go -C ../../../_asm run ./avx512/element -pkg avx512 -out ../engine/kernel/avx512/element_amd64.s -stubs ../engine/kernel/avx512/element_amd64.go
//go:generate go -C ../../../_asm run ./avx512/gemm -pkg avx512 -out ../engine/kernel/avx512/gemm_amd64.s -stubs ../engine/kernel/avx512/gemm_amd64.go
//go:generate go -C ../../../_asm run ./avx512/gemmi8 -pkg avx512 -out ../engine/kernel/avx512/gemm_i8_amd64.s -stubs ../engine/kernel/avx512/gemm_i8_amd64.go
//go:generate go -C ../../../_asm run ./avx512/gradient -pkg avx512 -out ../engine/kernel/avx512/gradient_amd64.s -stubs ../engine/kernel/avx512/gradient_amd64.go
//go:generate go -C ../../../_asm run ./avx512/normalize -pkg avx512 -out ../engine/kernel/avx512/normalize_amd64.s -stubs ../engine/kernel/avx512/normalize_amd64.go
//go:generate go -C ../../../_asm run ./avx512/peak -pkg avx512 -out ../engine/kernel/avx512/peak_amd64.s -stubs ../engine/kernel/avx512/peak_amd64.go
//go:generate go -C ../../../_asm run ./avx512/pool -pkg avx512 -out ../engine/kernel/avx512/pool_amd64.s -stubs ../engine/kernel/avx512/pool_amd64.go
//go:generate go -C ../../../_asm run ./avx512/poolgradient -pkg avx512 -out ../engine/kernel/avx512/pool_gradient_amd64.s -stubs ../engine/kernel/avx512/pool_gradient_amd64.go
//go:generate go -C ../../../_asm run ./avx512/u8 -pkg avx512 -out ../engine/kernel/avx512/u8_amd64.s -stubs ../engine/kernel/avx512/u8_amd64.go
//go:generate go -C ../../../_asm run ./avx512/winograd -pkg avx512 -out ../engine/kernel/avx512/winograd_amd64.s -stubs ../engine/kernel/avx512/winograd_amd64.go
//go:generate go -C ../../../_asm run ./avx512/winogradi8 -pkg avx512 -out ../engine/kernel/avx512/winograd_i8_amd64.s -stubs ../engine/kernel/avx512/winograd_i8_amd64.go
