package dataset

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/klauspost/compress/zstd"
)

// A memory holds the images of a compressed archive.
type memory struct{ contents [][]byte }

// notHeld is the offset of members whose content is not wanted.
const notHeld = -1

// A compression is one of those that tar archives come in.
type compression struct {
	name   string // for errors
	ending string // of the names of archives, for help texts and errors
	magic  string
	reader func(io.Reader) (io.ReadCloser, error)
}

func compressions() []compression {
	return []compression{
		{"gzip", ".tar.gz", "\x1f\x8b", func(r io.Reader) (io.ReadCloser, error) { return gzip.NewReader(r) }},
		{"zstd", ".tar.zst", "\x28\xb5\x2f\xfd", func(r io.Reader) (io.ReadCloser, error) {
			unpacked, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
			if err != nil {
				return nil, err
			}
			return unpacked.IOReadCloser(), nil
		}},
	}
}

// archiveEndings are those of the names of archives, plain and compressed.
func archiveEndings() []string {
	endings := []string{".tar"}
	for _, c := range compressions() {
		endings = append(endings, c.ending)
	}
	return endings
}

// compressionOf returns the compression of a file that begins with head, and false where
// there is none.
func compressionOf(head []byte) (compression, bool) {
	all := compressions()
	i := slices.IndexFunc(all, func(c compression) bool { return bytes.HasPrefix(head, []byte(c.magic)) })
	if i < 0 {
		return compression{}, false
	}
	return all[i], true
}

// openCompressed reads the images of a split from a compressed tar archive in one
// pass. Others are listed without their content.
func openCompressed(ctx context.Context, compressedFile *os.File, of compression, split string, limit int64) (listing, *memory, error) {
	room := newRoom(limit)
	compressed := &countingReader{ctx: ctx, r: compressedFile}
	archive, err := of.reader(compressed)
	if err != nil {
		return listing{}, nil, corrupt(of.name+"-compressed tar archive", compressed.count, err)
	}
	defer archive.Close()
	m := &memory{}
	l, members, err := walkTar(ctx, archive, func(f file, size int64, head []byte, content io.Reader) (member, error) {
		if !f.kind.image || split != "" && !mayBeIn(split, f.name) {
			return member{offset: notHeld}, nil
		}
		if err := room.take(size); err != nil {
			return member{}, err
		}
		data := make([]byte, size)
		if _, err := io.ReadFull(content, data[copy(data, head):]); err != nil {
			return member{}, err
		}
		m.contents = append(m.contents, data)
		return member{offset: int64(len(m.contents) - 1)}, nil
	})
	var full memoryError
	if errors.As(err, &full) {
		return listing{}, nil, err
	}
	if err != nil {
		return listing{}, nil, corrupt(of.name+"-compressed tar archive", compressed.count, err)
	}
	ordered := make([][]byte, len(members))
	for i, at := range members {
		if at.offset != notHeld {
			ordered[i] = m.contents[at.offset]
		}
	}
	return l, &memory{ordered}, nil
}

func (m *memory) read(at int) ([]byte, error) { return m.contents[at], nil }

func (m *memory) Close() error { return nil }

// A memoryError is the limit that was exceeded.
type memoryError int64

func (e memoryError) Error() string {
	return fmt.Sprintf("what is compressed is larger than the memory limit of %d bytes; decompress it, such as to a .tar, which is read in place, or raise the limit", int64(e))
}

// A countingReader counts what was read, and stops when its context ends.
type countingReader struct {
	ctx   context.Context
	r     io.Reader
	count int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	c.count += int64(n)
	return n, err
}
