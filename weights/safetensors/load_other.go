//go:build !unix

package safetensors

import "os"

// load reads the file at path into memory.
func load(path string) (data []byte, file *os.File, release func() error, err error) {
	data, err = os.ReadFile(path)
	return data, nil, func() error { return nil }, err
}
