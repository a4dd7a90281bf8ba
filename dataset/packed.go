package dataset

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/seed-fb2c0fa6/inception/internal/tfrecord"
)

// recordsIn tells a record file by how it begins, and what it is compressed with: by the
// two ways of TensorFlow (tensorflow/core/lib/io/record_writer.h), nil where by none.
func recordsIn(head []byte) (packed func(io.Reader) (io.ReadCloser, error), ok bool) {
	if tfrecord.Begins(head) {
		return nil, true
	}
	for _, open := range []func(io.Reader) (io.ReadCloser, error){
		func(r io.Reader) (io.ReadCloser, error) { return gzip.NewReader(r) },
		zlib.NewReader,
	} {
		unpacked, err := open(bytes.NewReader(head))
		if err != nil {
			continue
		}
		first := make([]byte, tfrecord.HeadSize)
		if _, err := io.ReadFull(unpacked, first); err == nil && tfrecord.Begins(first) {
			return open, true
		}
	}
	return nil, false
}

// openShard returns a record file, read into memory where it is compressed.
func openShard(ctx context.Context, path string, room *room) (shard, error) {
	head, err := headOf(path)
	if err != nil {
		return shard{}, err
	}
	packed, _ := recordsIn(head)
	if packed == nil { // or no record file, which shows when it is read
		return shard{path: path}, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return shard{}, err
	}
	defer file.Close()
	compressed := &countingReader{ctx: ctx, r: file}
	unpacked, err := packed(compressed)
	if err != nil {
		return shard{}, corrupt("compressed TFRecord file "+path, compressed.count, err)
	}
	var b bytes.Buffer
	for {
		n, err := io.CopyN(&b, unpacked, 1<<20)
		if full := room.take(n); full != nil {
			return shard{}, fmt.Errorf("%s: %w", path, full)
		}
		if err == io.EOF {
			return shard{path, b.Bytes()}, nil
		}
		if err != nil {
			return shard{}, corrupt("compressed TFRecord file "+path, compressed.count, err)
		}
	}
}

// A room is memory that is left for what cannot be read in place.
type room struct {
	limit int64
	taken atomic.Int64
}

func newRoom(limit int64) *room {
	if limit == 0 {
		limit = DefaultMemoryLimit
	}
	return &room{limit: limit}
}

// take returns a memoryError where there is not that much.
func (r *room) take(n int64) error {
	if r.taken.Add(n) > r.limit {
		return memoryError(r.limit)
	}
	return nil
}
