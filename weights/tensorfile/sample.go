package tensorfile

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// sampleBytes is how much of each end of a file a Sample has at most.
const sampleBytes = 512

// A Sample is what is seen of a path before it is opened: what its format is told by.
type Sample struct {
	Path string
	// Folder is set for a folder, which has no bytes.
	Folder bool
	// Head and Tail are the first and the last bytes of a file, at most 512.
	Head, Tail []byte
}

// Look takes a sample.
func Look(path string) (Sample, error) {
	s := Sample{Path: path}
	info, err := os.Stat(path)
	if err != nil {
		return s, err
	}
	if s.Folder = info.IsDir(); s.Folder {
		return s, nil
	}
	if !info.Mode().IsRegular() {
		return s, fmt.Errorf("%s is neither a file nor a folder but %s", path, info.Mode())
	}
	file, err := os.Open(path)
	if err != nil {
		return s, err
	}
	defer file.Close()
	read := func(at int64) ([]byte, error) {
		data := make([]byte, min(sampleBytes, info.Size()))
		n, err := file.ReadAt(data, at)
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return data[:n], err
	}
	if s.Head, err = read(0); err != nil {
		return s, err
	}
	s.Tail, err = read(max(0, info.Size()-sampleBytes))
	return s, err
}
