//go:build !linux

package run

func adviseHugePages([]byte) {}
