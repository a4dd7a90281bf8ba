//go:build !amd64

package kernel

func otherGemmI8() []*GemmI8 { return nil }

func otherWinogradI8() []*WinogradI8 { return nil }
