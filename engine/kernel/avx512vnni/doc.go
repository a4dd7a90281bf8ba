// Package avx512vnni has the kernels for AVX-512 with the instructions on integers of
// AVX512-VNNI, generated from _asm/avx512vnni.
package avx512vnni

//go:generate go -C ../../../_asm run ./avx512vnni/gemm -pkg avx512vnni -out ../engine/kernel/avx512vnni/gemm_amd64.s -stubs ../engine/kernel/avx512vnni/gemm_amd64.go
//go:generate go -C ../../../_asm run ./avx512vnni/peak -pkg avx512vnni -out ../engine/kernel/avx512vnni/peak_amd64.s -stubs ../engine/kernel/avx512vnni/peak_amd64.go
