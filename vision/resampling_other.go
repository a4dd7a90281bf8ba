//go:build !amd64

package vision

func chooseResampler() resampler { return plainResampler }
