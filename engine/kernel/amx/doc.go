// Package amx has the kernels for AMX, the tiles of registers that multiply blocks of bfloat16
// and of 8-bit integers, generated from _asm/amx. Each function configures the tiles that it
// uses, and releases them before it returns: Go does not move a goroutine to another thread
// while it is in assembly, and the system saves the tiles where a signal or another process
// comes between.
package amx

//go:generate go -C ../../../_asm run ./amx/gemm -pkg amx -out ../engine/kernel/amx/gemm_amd64.s -stubs ../engine/kernel/amx/gemm_amd64.go
//go:generate go -C ../../../_asm run ./amx/peak -pkg amx -out ../engine/kernel/amx/peak_amd64.s -stubs ../engine/kernel/amx/peak_amd64.go
//go:generate go -C ../../../_asm run ./amx/state -pkg amx -out ../engine/kernel/amx/state_amd64.s -stubs ../engine/kernel/amx/state_amd64.go
