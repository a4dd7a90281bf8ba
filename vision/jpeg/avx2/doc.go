// Package avx2 has the JPEG decoder's kernels for AVX2, generated from _asm/jpeg.
package avx2

//go:generate go -C ../../../_asm run ./jpeg -pkg avx2 -out ../vision/jpeg/avx2/jpeg_amd64.s -stubs ../vision/jpeg/avx2/jpeg_amd64.go
