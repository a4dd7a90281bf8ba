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

// walkTar lists a tar archive. It calls keep for every file that is not hidden, with its
// first bytes where they were looked at to tell what it is, whose further content is to be
// read from the reader; what keep leaves of it is passed. The last of several files of one
// name counts, as when the archive is unpacked.
func walkTar(ctx context.Context, archive io.Reader, keep func(f file, size int64, head []byte, content io.Reader) (member, error)) (listing, []member, error) {
	var l listing
	var members []member
	at := map[string]int{}
	put := func(f file, m member) {
		if i, ok := at[f.name]; ok {
			l.files[i], members[i] = f, m
			return
		}
		at[f.name] = len(members)
		l.files, members = append(l.files, f), append(members, m)
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
			var head []byte
			k, err := kindOf(name, func() (_ []byte, err error) {
				head, err = beginning(r)
				return head, err
			})
			f := file{name: name, kind: k}
			var m member
			if err == nil {
				m, err = keep(f, header.Size, head, r)
			}
			if err != nil {
				return listing{}, nil, fmt.Errorf("%s: %w", name, err)
			}
			put(f, m)
		case tar.TypeLink:
			i, ok := at[memberName(header.Linkname)]
			if !ok {
				return listing{}, nil, fmt.Errorf("%s is a hard link to %s, which is not before it; pack the archive again", name, header.Linkname)
			}
			put(file{name: name, kind: l.files[i].kind}, members[i])
		case tar.TypeSymlink, tar.TypeGNUSparse:
			if k, _ := kindOf(name, func() ([]byte, error) { return nil, nil }); k.image {
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
	return c.paths == nil && (compressed || isTar(c.head))
}

func isTar(head []byte) bool {
	const magicAt, magic = 257, "ustar"
	return len(head) > magicAt && strings.HasPrefix(string(head[magicAt:]), magic)
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
func openTar(ctx context.Context, archive *os.File) (listing, *tarFile, error) {
	position := func() int64 {
		offset, _ := archive.Seek(0, io.SeekCurrent)
		return offset
	}
	l, members, err := walkTar(ctx, archive, func(_ file, size int64, head []byte, _ io.Reader) (member, error) {
		// archive/tar reads whole blocks of headers, and no further; then the head was read.
		offset, err := archive.Seek(0, io.SeekCurrent)
		return member{offset - int64(len(head)), size}, err
	})
	if err != nil {
		return listing{}, nil, corrupt("tar archive", position(), err)
	}
	return l, &tarFile{archive, members}, nil
}

// corrupt says where an archive ends to make sense.
func corrupt(kind string, offset int64, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("the %s is corrupt or incomplete at about byte %d; copy or download it again: %w", kind, offset, err)
}

func (f *tarFile) read(at int) ([]byte, error) { return f.members[at].read(f.file) }

// read returns the file's content.
func (m member) read(archive *os.File) ([]byte, error) {
	content := make([]byte, m.size)
	if _, err := archive.ReadAt(content, m.offset); err != nil {
		return nil, fmt.Errorf("%s: %d bytes at byte %d: %w", archive.Name(), m.size, m.offset, err)
	}
	return content, nil
}

func (f *tarFile) Close() error { return f.file.Close() }
