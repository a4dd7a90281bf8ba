//go:build !amd64

package jpeg

func choose() kernelSet { return generic }
