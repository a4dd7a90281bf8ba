//go:build !linux

package replica

// cores identifies those that this process may run on: all.
func cores() string { return "" }
