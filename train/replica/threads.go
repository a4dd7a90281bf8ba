package replica

import (
	"os"
	"runtime"
)

// Threads is how many threads a replica should compute with: its cores, divided among the
// replicas on this machine that have the same ones. A launcher may have given each its own.
func (g *Group) Threads() (int, error) {
	host, err := os.Hostname()
	if err != nil {
		return 0, err
	}
	own := host + "\n" + cores()
	all, err := g.Texts(own)
	if err != nil {
		return 0, err
	}
	sharing := 0
	for _, other := range all {
		if other == own {
			sharing++
		}
	}
	return max(1, runtime.NumCPU()/sharing), nil
}
