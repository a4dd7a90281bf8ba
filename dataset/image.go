package dataset

import (
	"context"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// imageEndings are those of the names of files that package vision decodes.
func imageEndings() []string {
	return []string{".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".webp", ".bmp"}
}

// ImageEndings lists the endings of the names of images, for help texts and errors.
func ImageEndings() string { return anyOf(imageEndings()) }

// anyOf lists words of which one is meant.
func anyOf(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// isImage tells by the end of the name, in either case, whether package vision
// decodes the file.
func isImage(name string) bool {
	return slices.Contains(imageEndings(), strings.ToLower(path.Ext(name)))
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
// whose names end, in either case, as [ImageEndings] lists, but for those and what is in
// folders whose names begin with a dot or are __MACOSX. Symbolic links are followed. There
// may be none.
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
