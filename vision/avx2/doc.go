// Package avx2 has the kernels that images are resized with for AVX2, generated from
// _asm/resize.
package avx2

//go:generate go -C ../../_asm run ./resize -pkg avx2 -out ../vision/avx2/resize_amd64.s -stubs ../vision/avx2/resize_amd64.go
