package vex

import (
	"bytes"
	"testing"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// TestEncode compares with what GNU as 2.40 writes, registers of each of the fields' bits and
// all kinds of addresses among them.
func TestEncode(t *testing.T) {
	for _, c := range []struct {
		what string
		got  []byte
		want []byte
	}{
		{"ldtilecfg (%rax)", inMemory(ldtilecfg, 0, operand.Mem{Base: reg.RAX}), []byte{0xc4, 0xe2, 0x78, 0x49, 0x00}},
		{"ldtilecfg 64(%rsp)", inMemory(ldtilecfg, 0, operand.Mem{Base: reg.RSP, Disp: 64}), []byte{0xc4, 0xe2, 0x78, 0x49, 0x44, 0x24, 0x40}},
		{"ldtilecfg (%r13)", inMemory(ldtilecfg, 0, operand.Mem{Base: reg.R13}), []byte{0xc4, 0xc2, 0x78, 0x49, 0x45, 0x00}},
		{"tilerelease", inRegister(tilerelease, 0, 0, 0), []byte{0xc4, 0xe2, 0x78, 0x49, 0xc0}},
		{"tilezero %tmm5", inRegister(tilezero, 5, 0, 0), []byte{0xc4, 0xe2, 0x7b, 0x49, 0xe8}},
		{"tileloadd (%r8,%rbx,1), %tmm4", inMemory(tileload, 4, operand.Mem{Base: reg.R8, Index: reg.RBX, Scale: 1}), []byte{0xc4, 0xc2, 0x7b, 0x4b, 0x24, 0x18}},
		{"tileloadd 64(%rdx,%r11,1), %tmm7", inMemory(tileload, 7, operand.Mem{Base: reg.RDX, Index: reg.R11, Scale: 1, Disp: 64}), []byte{0xc4, 0xa2, 0x7b, 0x4b, 0x7c, 0x1a, 0x40}},
		{"tileloadd 2048(%r13,%r9,1), %tmm0", inMemory(tileload, 0, operand.Mem{Base: reg.R13, Index: reg.R9, Scale: 1, Disp: 2048}), []byte{0xc4, 0x82, 0x7b, 0x4b, 0x84, 0x0d, 0x00, 0x08, 0x00, 0x00}},
		{"tilestored %tmm3, 2112(%rsi,%r11,1)", inMemory(tilestore, 3, operand.Mem{Base: reg.RSI, Index: reg.R11, Scale: 1, Disp: 2112}), []byte{0xc4, 0xa2, 0x7a, 0x4b, 0x9c, 0x1e, 0x40, 0x08, 0x00, 0x00}},
		{"tilestored %tmm1, (%rbp,%rcx,1)", inMemory(tilestore, 1, operand.Mem{Base: reg.RBP, Index: reg.RCX, Scale: 1}), []byte{0xc4, 0xe2, 0x7a, 0x4b, 0x4c, 0x0d, 0x00}},
		{"tdpbf16ps %tmm6, %tmm4, %tmm0", inRegister(dpbf16, 0, 6, 4), []byte{0xc4, 0xe2, 0x4a, 0x5c, 0xc4}},
		{"tdpbf16ps %tmm7, %tmm5, %tmm3", inRegister(dpbf16, 3, 7, 5), []byte{0xc4, 0xe2, 0x42, 0x5c, 0xdd}},
		{"tdpbusd %tmm6, %tmm5, %tmm2", inRegister(dpbusd, 2, 6, 5), []byte{0xc4, 0xe2, 0x49, 0x5e, 0xd5}},
		{"tdpbusd %tmm0, %tmm7, %tmm1", inRegister(dpbusd, 1, 0, 7), []byte{0xc4, 0xe2, 0x79, 0x5e, 0xcf}},
		{"{vex} vpdpbusd %ymm3, %ymm2, %ymm1", inRegister(vpdpbusd, 1, 2, 3), []byte{0xc4, 0xe2, 0x6d, 0x50, 0xcb}},
		{"{vex} vpdpbusd %ymm15, %ymm8, %ymm9", inRegister(vpdpbusd, 9, 8, 15), []byte{0xc4, 0x42, 0x3d, 0x50, 0xcf}},
		{"{vex} vpdpbusd %ymm14, %ymm12, %ymm0", inRegister(vpdpbusd, 0, 12, 14), []byte{0xc4, 0xc2, 0x1d, 0x50, 0xc6}},
	} {
		if !bytes.Equal(c.got, c.want) {
			t.Errorf("%s is % x, want % x", c.what, c.got, c.want)
		}
	}
}
