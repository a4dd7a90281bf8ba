package dataset

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// largestFile is the size of a file in an archive that is unpacked into memory: a picture
// of the largest size that is decoded is smaller, whatever the archive says of it.
const largestFile = 1 << 30

func isZip(c candidate) bool {
	return c.paths == nil && (bytes.HasPrefix(c.head, []byte("PK\x03\x04")) || bytes.HasPrefix(c.head, []byte("PK\x05\x06")))
}

// openZip reads a zip archive in place.
func openZip(ctx context.Context, c candidate, o Options) (_ *Set, err error) {
	archive, err := zip.OpenReader(c.path)
	if err != nil {
		return nil, fmt.Errorf("the zip archive is corrupt or incomplete; copy or download it again: %w", err)
	}
	archive.RegisterDecompressor(zstd.ZipMethodWinZip, zstd.ZipDecompressor())
	z := &zipFile{archive: archive}
	l, err := z.list(ctx)
	set, err := assemble(l, z, o, err)
	if err != nil {
		return nil, errors.Join(err, archive.Close())
	}
	return set, nil
}

// A zipFile reads a zip archive in place.
type zipFile struct {
	archive *zip.ReadCloser
	members []*zip.File
}

// list lists the archive. The last of several files of one name counts, as when the archive
// is unpacked.
func (z *zipFile) list(ctx context.Context) (listing, error) {
	var l listing
	at := map[string]int{}
	for _, m := range z.archive.File {
		if err := ctx.Err(); err != nil {
			return listing{}, err
		}
		stored := m.Name
		if !strings.Contains(stored, "/") {
			stored = strings.ReplaceAll(stored, `\`, "/") // as programs of Windows have written it
		}
		name := memberName(stored)
		switch {
		case name == "" || hidden(name):
			continue
		case strings.HasSuffix(stored, "/"):
			l.folders = append(l.folders, name)
			continue
		}
		k, err := kindOf(name, func() ([]byte, error) { return z.head(m) })
		if err == nil && k.image {
			err = check(m)
		}
		if err != nil {
			return listing{}, fmt.Errorf("%s: %w", name, err)
		}
		f := file{name: name, kind: k}
		if i, ok := at[name]; ok {
			l.files[i], z.members[i] = f, m
			continue
		}
		at[name] = len(l.files)
		l.files, z.members = append(l.files, f), append(z.members, m)
	}
	return l, nil
}

// check refuses what is not a file that can be unpacked.
func check(m *zip.File) error {
	const encrypted = 1
	switch {
	case m.Mode()&fs.ModeSymlink != 0:
		return errors.New("it is a symbolic link, expected a plain file; pack the archive again with what links lead to")
	case m.Flags&encrypted != 0:
		return errors.New("it is encrypted; unpack the archive with its password")
	case m.UncompressedSize64 > largestFile:
		return fmt.Errorf("it says that it unpacks to %d bytes, more than the %d of any image", m.UncompressedSize64, largestFile)
	}
	return nil
}

// head returns the first bytes of a file; none of one that cannot be unpacked, which is no
// image then.
func (z *zipFile) head(m *zip.File) ([]byte, error) {
	if check(m) != nil {
		return nil, nil
	}
	content, err := m.Open()
	if errors.Is(err, zip.ErrAlgorithm) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer content.Close()
	return beginning(content)
}

func (z *zipFile) read(at int) ([]byte, error) {
	m := z.members[at]
	content, err := m.Open()
	if err != nil {
		if errors.Is(err, zip.ErrAlgorithm) {
			err = fmt.Errorf("it is compressed by the method %d, expected deflate or zstd; pack the archive again: %w", m.Method, err)
		}
		return nil, fmt.Errorf("%s: %w", m.Name, err)
	}
	defer content.Close()
	data := make([]byte, m.UncompressedSize64)
	if _, err := io.ReadFull(content, data); err != nil {
		return nil, fmt.Errorf("%s: %w", m.Name, err)
	}
	// The checksum is compared at the end.
	if n, err := content.Read(make([]byte, 1)); n > 0 || !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", m.Name, errors.Join(errors.New("its content is not what the archive says; copy or download it again"), err))
	}
	return data, nil
}

func (z *zipFile) Close() error { return z.archive.Close() }
