//go:build !amd64

package kernel

func sets() []*Set { return []*Set{genericSet()} }

func refused() string { return "" }
