// Package avxvnni has the kernels for AVX2 with the instructions on 8-bit integers of AVX-VNNI,
// as CPUs without AVX-512 have them, generated from _asm/avxvnni.
package avxvnni

//go:generate go -C ../../../_asm run ./avxvnni/gemm -pkg avxvnni -out ../engine/kernel/avxvnni/gemm_amd64.s -stubs ../engine/kernel/avxvnni/gemm_amd64.go
//go:generate go -C ../../../_asm run ./avxvnni/peak -pkg avxvnni -out ../engine/kernel/avxvnni/peak_amd64.s -stubs ../engine/kernel/avxvnni/peak_amd64.go
