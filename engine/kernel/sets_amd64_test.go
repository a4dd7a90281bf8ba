package kernel

// otherGemmI8 are products of 8-bit integers by the instructions of AVX-512 that every machine
// with it has, where the machine has VNNI too.
func otherGemmI8() []*GemmI8 {
	set, err := For(AVX512)
	if err != nil || set.GemmI8.halves {
		return nil
	}
	return []*GemmI8{avx512Set().GemmI8}
}

// otherWinogradI8 are the convolutions of 8-bit integers of such machines.
func otherWinogradI8() []*WinogradI8 {
	if otherGemmI8() == nil {
		return nil
	}
	return avx512Set().winogradI8
}
