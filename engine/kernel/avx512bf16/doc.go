// Package avx512bf16 has the kernels for AVX-512 with the instructions on bfloat16 of
// AVX512-BF16, generated from _asm/avx512bf16.
package avx512bf16

//go:generate go -C ../../../_asm run ./avx512bf16/gemm -pkg avx512bf16 -out ../engine/kernel/avx512bf16/gemm_amd64.s -stubs ../engine/kernel/avx512bf16/gemm_amd64.go
//go:generate go -C ../../../_asm run ./avx512bf16/peak -pkg avx512bf16 -out ../engine/kernel/avx512bf16/peak_amd64.s -stubs ../engine/kernel/avx512bf16/peak_amd64.go
//go:generate go -C ../../../_asm run ./avx512bf16/winograd -pkg avx512bf16 -out ../engine/kernel/avx512bf16/winograd_amd64.s -stubs ../engine/kernel/avx512bf16/winograd_amd64.go
