//go:build unix

package safetensors

import (
	"errors"
	"fmt"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// load maps the file at path into memory, read-only, and leaves it open to be read
// from. release gives both up.
func load(path string) (data []byte, file *os.File, release func() error, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, nil, err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, nil, fmt.Errorf("found no regular file but %s", info.Mode())
	}
	if info.Size() > math.MaxInt {
		return nil, nil, nil, errors.New("found a file larger than this machine's address space")
	}
	if info.Size() == 0 { // cannot be mapped
		return nil, f, f.Close, nil
	}
	data, err = unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("mapping it: %w", err)
	}
	return data, f, func() error { return errors.Join(unix.Munmap(data), f.Close()) }, nil
}
