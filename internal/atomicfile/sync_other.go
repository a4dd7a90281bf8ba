//go:build !unix

package atomicfile

// syncFolder does nothing: elsewhere a folder cannot be synced by itself.
func syncFolder(string) error { return nil }
