//go:build !unix

package safetensors

import "os"

// load reads the file at path into memory.
func load(path string) (data []byte, release func() error, err error) {
	data, err = os.ReadFile(path)
	return data, func() error { return nil }, err
}
