package dataset

import (
	"context"
	"path"
	"path/filepath"
	"strings"
)

// imageEndings are those of [Images], for errors.
const imageEndings = ".jpg, .jpeg, .png, .gif, .webp or .bmp"

// isImage tells by the end of the name, in either case, whether package vision
// decodes the file.
func isImage(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".webp", ".bmp":
		return true
	}
	return false
}

// hidden tells files that operating systems leave behind.
func hidden(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") || part == "__MACOSX" {
			return true
		}
	}
	return false
}

// Images returns the paths of the images in a folder and below it, folder by folder in
// the order of their names: by the same rule that sets are read by. That is the files
// whose names end, in either case, in .jpg, .jpeg, .jpe, .jfif, .png, .gif, .webp or .bmp,
// but for those and what is in folders whose names begin with a dot or are __MACOSX.
// Symbolic links are followed. There may be none.
func Images(ctx context.Context, folder string) ([]string, error) {
	l, err := listFolder(ctx, folder)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, name := range l.files {
		if isImage(name) {
			paths = append(paths, filepath.Join(folder, filepath.FromSlash(name)))
		}
	}
	return paths, nil
}
