//go:build !linux

package engine

func adviseHugePages([]float32) {}
