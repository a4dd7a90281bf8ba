package dataset

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// A member is where a file of a tar archive lies.
type member struct {
	offset int64 // of its content in the archive that is not compressed
	size   int64
}

// walkTar lists a tar archive. It calls keep for every file that is not hidden, whose
// content is to be read from the reader; what keep leaves of it is passed. The last
// of several files of one name counts, as when the archive is unpacked.
func walkTar(ctx context.Context, archive io.Reader, keep func(name string, size int64, content io.Reader) (member, error)) (listing, []member, error) {
	var l listing
	var members []member
	at := map[string]int{}
	put := func(name string, m member) {
		if i, ok := at[name]; ok {
			members[i] = m
			return
		}
		at[name] = len(members)
		l.files, members = append(l.files, name), append(members, m)
	}
	r := tar.NewReader(archive)
	for {
		if err := ctx.Err(); err != nil {
			return listing{}, nil, err
		}
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return l, members, nil
		}
		if err != nil {
			return listing{}, nil, fmt.Errorf("after %d files: %w", len(members), err)
		}
		name := memberName(header.Name)
		if name == "." || hidden(name) {
			continue
		}
		switch header.Typeflag {
		case tar.TypeDir:
			l.folders = append(l.folders, name)
		case tar.TypeReg:
			m, err := keep(name, header.Size, r)
			if err != nil {
				return listing{}, nil, fmt.Errorf("%s: %w", name, err)
			}
			put(name, m)
		case tar.TypeLink:
			i, ok := at[memberName(header.Linkname)]
			if !ok {
				return listing{}, nil, fmt.Errorf("%s is a hard link to %s, which is not before it; pack the archive again", name, header.Linkname)
			}
			put(name, members[i])
		case tar.TypeSymlink, tar.TypeGNUSparse:
			if isImage(name) {
				return listing{}, nil, fmt.Errorf("%s is a symbolic link or a sparse file, expected a plain one; pack the archive again with --dereference and without --sparse", name)
			}
		}
	}
}

// memberName is the path of a member below the archive's root.
func memberName(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }

// A tarFile reads a tar archive in place.
type tarFile struct {
	file    *os.File
	members []member
}

// isArchive tells a tar archive, compressed or not.
func isArchive(c candidate) bool {
	_, compressed := compressionOf(c.head)
	const magicAt, magic = 257, "ustar"
	return compressed || len(c.head) > magicAt && strings.HasPrefix(string(c.head[magicAt:]), magic)
}

// openArchive reads a tar archive in place, or the images of a compressed one into
// memory.
func openArchive(ctx context.Context, c candidate, o Options) (_ *Set, err error) {
	file, err := os.Open(c.path)
	if err != nil {
		return nil, err
	}
	if of, compressed := compressionOf(c.head); compressed {
		defer file.Close()
		l, images, err := openCompressed(ctx, file, of, o.Split, o.MemoryLimit)
		return assemble(l, images, o, err)
	}
	l, images, err := openTar(ctx, file)
	set, err := assemble(l, images, o, err)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return set, nil
}

// openTar indexes a tar archive in one pass over its headers.
func openTar(ctx context.Context, file *os.File) (listing, *tarFile, error) {
	position := func() int64 {
		offset, _ := file.Seek(0, io.SeekCurrent)
		return offset
	}
	l, members, err := walkTar(ctx, file, func(_ string, size int64, _ io.Reader) (member, error) {
		// archive/tar reads whole blocks, and no further than the header's.
		offset, err := file.Seek(0, io.SeekCurrent)
		return member{offset, size}, err
	})
	if err != nil {
		return listing{}, nil, corrupt("tar archive", position(), err)
	}
	return l, &tarFile{file, members}, nil
}

// corrupt says where an archive ends to make sense.
func corrupt(kind string, offset int64, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("the %s is corrupt or incomplete at about byte %d; copy or download it again: %w", kind, offset, err)
}

func (f *tarFile) read(at int) ([]byte, error) {
	m := f.members[at]
	content := make([]byte, m.size)
	if _, err := f.file.ReadAt(content, m.offset); err != nil {
		return nil, fmt.Errorf("%s: %d bytes at byte %d: %w", f.file.Name(), m.size, m.offset, err)
	}
	return content, nil
}

func (f *tarFile) Close() error { return f.file.Close() }
