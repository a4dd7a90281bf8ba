package dataset

import (
	"context"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-fb2c0fa6/inception/vision"
)

// imageEndings are those of the names of images, which are taken for such whatever they
// hold: one that cannot be decoded is unreadable, not left out.
func imageEndings() []string {
	return []string{".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".webp", ".bmp", ".tif", ".tiff"}
}

// ImageEndings lists the endings of the names of images, for help texts and errors. Files
// without one of them are looked into.
func ImageEndings() string { return anyOf(imageEndings()) }

// anyOf lists words of which one is meant.
func anyOf(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// A kind is what a file is to a set.
type kind struct {
	// image is set for what package vision may decode, by its name or by its first bytes.
	image bool
	// foreign names the format of what looks like an image but is of a format that is not
	// read, such as "HEIC"; empty for all other files.
	foreign string
}

// kindOf tells what a file is: an image by the ending of its name, in either case, or else
// by its first bytes, for which head is called.
func kindOf(name string, head func() ([]byte, error)) (kind, error) {
	ending := strings.ToLower(path.Ext(name))
	if slices.Contains(imageEndings(), ending) {
		return kind{image: true}, nil
	}
	if format := foreignEnding(ending); format != "" {
		return kind{foreign: format}, nil
	}
	first, err := head()
	if err != nil {
		return kind{}, err
	}
	switch format, readable := vision.Recognise(first); {
	case format != "" && readable:
		return kind{image: true}, nil
	case format != "":
		return kind{foreign: format}, nil
	}
	return kind{}, nil
}

// foreignEnding names the format of images that are told by the endings of their names
// alone: raw files of cameras, which begin as a TIFF, and formats that begin with nothing
// of their own.
func foreignEnding(ending string) string {
	switch ending {
	case ".cr2", ".cr3", ".nef", ".arw", ".dng", ".raf", ".orf", ".rw2", ".pef", ".srw":
		return "a camera's raw file"
	case ".svg", ".svgz":
		return "SVG"
	case ".tga":
		return "TGA"
	}
	return ""
}

// hidden tells files and folders that operating systems and other programs leave behind,
// with copies of images or what is no image: those whose names begin with a dot, among them
// AppleDouble's ._x.jpg, .Trashes and .thumbnails, and those listed here.
func hidden(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") {
			return true
		}
		switch strings.ToLower(part) {
		case "__macosx", // AppleDouble files in archives
			"@eadir", "@tmp", "#recycle", "#snapshot", "@recycle", "@recently-snapshot", // of network storage
			"$recycle.bin", "recycler", "system volume information", "thumbs.db", "ehthumbs.db", "desktop.ini", // of Windows
			"lost+found":
			return true
		}
	}
	return false
}

// Images returns the paths of the images in a folder and below it, folder by folder in
// the order of their names: by the same rule that sets are read by. That is the files
// whose names end, in either case, as [ImageEndings] lists, and others whose first bytes
// are those of an image. Files that look like an image but are of a format that is not
// read are among them. What operating systems leave behind is not, such as what has a name
// that begins with a dot. Symbolic links are followed. What could not be read, and what is
// named as an image but is a pipe or a device, says the second result. There may be no images.
func Images(ctx context.Context, folder string) ([]string, LeftOut, error) {
	l, err := listFolder(ctx, folder)
	if err != nil {
		return nil, LeftOut{}, err
	}
	var paths []string
	for _, f := range l.files {
		switch {
		case f.kind == (kind{}):
		case f.irregular != nil:
			l.unreadable = append(l.unreadable, Unreadable{Name: f.name, Err: f.irregular})
		default:
			paths = append(paths, filepath.Join(folder, filepath.FromSlash(f.name)))
		}
	}
	return paths, LeftOut{Unreadable: l.unreadable, Circles: l.circles}, nil
}

// A LeftOut is what a folder or a set has that is not among its images.
type LeftOut struct {
	// Unreadable are folders that cannot be listed, and files that cannot be looked into, so
	// that images may be missing. The folder itself is named ".".
	Unreadable []Unreadable
	// Images are files that look like images, of formats that are not read.
	Images []ForeignImage
	// Circles are symbolic links that lead back to a folder around them, or folders behind
	// such a link that are around it: what is in them is among the images already.
	Circles []string
}

// A ForeignImage is a file that looks like an image, and its format, such as "HEIC".
type ForeignImage struct{ Name, Format string }

// fileError is a reason not to open a file.
type fileError string

func (e fileError) Error() string { return string(e) }

// irregular refuses what is neither a file nor a folder: a pipe would be waited for.
func irregular(mode fs.FileMode) error {
	return fileError("expected a file, found " + mode.String() + ", such as a pipe or a device")
}
