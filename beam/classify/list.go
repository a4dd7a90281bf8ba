package classify

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/log"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/seed-fb2c0fa6/inception/dataset"
)

func init() {
	register.DoFn3x1[context.Context, string, func(string), error](&listFn{})
	register.Emitter1[string]()
}

// List are the paths of photographs, divided anew among the workers. A pattern is the path of a
// file; a folder of the workers' file system, which stands for the images in it and below it;
// or what [path.Match] describes there or in object storage, where ** of gs:// also goes below
// folders. A pattern that nothing matches is an error, and so is a folder that cannot be read
// whole.
func List(s beam.Scope, patterns ...string) beam.PCollection {
	s = s.Scope("List photographs")
	return beam.Reshuffle(s, beam.ParDo(s, &listFn{}, beam.CreateList(s, patterns)))
}

type listFn struct{}

func (*listFn) ProcessElement(ctx context.Context, pattern string, emit func(string)) error {
	paths, err := list(ctx, pattern)
	if err != nil {
		return err
	}
	for _, path := range paths {
		emit(path)
	}
	return nil
}

func list(ctx context.Context, pattern string) ([]string, error) {
	if !remote(pattern) {
		if info, err := os.Stat(pattern); err == nil {
			if info.IsDir() {
				return images(ctx, pattern)
			}
			return []string{pattern}, nil // also where its name has what patterns have
		}
	}
	files, err := openFiles(ctx, pattern)
	if err != nil {
		return nil, err
	}
	defer files.Close()
	found, err := files.List(ctx, pattern)
	if err != nil {
		return nil, fmt.Errorf("list the photographs of %s: %w", pattern, err)
	}
	paths := found[:0]
	for _, path := range found {
		if !strings.HasSuffix(path, "/") { // what stands for a folder in object storage
			paths = append(paths, path)
		}
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("expected photographs, found none that match %s; check the pattern: * does not match a slash", pattern)
	}
	return paths, nil
}

// images are those in a folder and below it, as inception predict takes them.
func images(ctx context.Context, folder string) ([]string, error) {
	paths, left, err := dataset.Images(ctx, folder)
	if err != nil {
		return nil, fmt.Errorf("list the images in %s: %w", folder, err)
	}
	for _, u := range left.Unreadable {
		err = errors.Join(err, fmt.Errorf("%s: %s cannot be read, so that images may be missing: %w", folder, u.Name, u.Err))
	}
	for _, f := range left.Images {
		log.Warnf(ctx, "%s: %s (%s) is of a format that is not read, and is left out", folder, f.Name, f.Format)
	}
	for _, name := range left.Circles {
		log.Warnf(ctx, "%s: %s leads back to a folder around it, and is not followed", folder, name)
	}
	if err == nil && len(paths) == 0 {
		err = fmt.Errorf("the folder %s has no images: expected files that end in %s, or that begin as an image does", folder, dataset.ImageEndings())
	}
	return paths, err
}

// remote reports whether a path is one of object storage.
func remote(path string) bool { return strings.Contains(path, "://") }

// openFiles opens the file system of a path. Those of object storage panic where they have no
// credentials.
func openFiles(ctx context.Context, path string) (files filesystem.Interface, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("open the file system of %s: %v", path, v)
		}
	}()
	files, err = filesystem.New(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("expected a path of the file system, gs:// or s3://: %w", err)
	}
	return files, nil
}
