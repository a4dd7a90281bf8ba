package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/seed-fb2c0fa6/inception/internal/tfrecord"
)

const (
	kindTar      = "tar archive"
	kindGzip     = "gzip-compressed tar archive"
	kindZstd     = "zstd-compressed tar archive"
	kindTFRecord = "TFRecord file"
)

// open opens what the path is.
func open(ctx context.Context, path string, o Options) (*Set, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("expected a folder, a tar archive or a TFRecord file; check the path: %w", err)
	}
	if info.IsDir() {
		if shards, err := findShards(path, o.Split); err != nil || shards != nil {
			return openShards(ctx, shards, filepath.Join(path, labelsFile), o, err)
		}
		l, err := listFolder(ctx, path)
		return assemble(l, &folder{path, l.files}, o, err)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	kind, err := kindOf(file, info.Size())
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if kind == kindTar {
		l, storage, err := openTar(ctx, file)
		set, err := assemble(l, storage, o, err)
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
		return set, nil
	}
	defer file.Close()
	if kind == kindTFRecord {
		return openShards(ctx, []string{path}, filepath.Join(filepath.Dir(path), labelsFile), o, nil)
	}
	l, storage, err := openCompressed(ctx, file, kind, o.Split, o.MemoryLimit)
	return assemble(l, storage, o, err)
}

// assemble makes a set of a listing, unless there was an error.
func assemble(l listing, s storage, o Options, err error) (*Set, error) {
	if err != nil {
		return nil, err
	}
	if o.LabelOffset != 0 {
		return nil, fmt.Errorf("the label offset is %d, expected 0: folders have no numbers", o.LabelOffset)
	}
	if o.Flat {
		items, ignored, err := arrangeFlat(l, o)
		if err != nil {
			return nil, err
		}
		return &Set{classes: o.Classes, items: items, ignored: ignored, storage: s}, nil
	}
	if o.Labels != nil {
		return nil, errors.New("found labels, expected none: the images of a set that is not flat have those of their folders")
	}
	classes, items, ignored, err := arrange(l, o)
	if err != nil {
		return nil, err
	}
	return &Set{classes: classes, items: items, ignored: ignored, storage: s}, nil
}

// kindOf tells an archive or record file by its first bytes, and leaves the file at
// its beginning.
func kindOf(file *os.File, size int64) (string, error) {
	head := make([]byte, 512) // a tar block
	n, err := io.ReadFull(file, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return "", err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	head = head[:n]
	switch {
	case n == 0:
		return "", errors.New("the file is empty; copy or download it again")
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return kindGzip, nil
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")):
		return kindZstd, nil
	case n > 262 && string(head[257:262]) == "ustar":
		return kindTar, nil
	case tfrecord.Begins(head):
		return kindTFRecord, nil
	}
	return "", fmt.Errorf("expected a folder, a .tar, .tar.gz or .tar.zst archive or a TFRecord file, found a file of %d bytes that begins with % x; unpack it, or pack it as one of these", size, head[:min(n, 8)])
}
