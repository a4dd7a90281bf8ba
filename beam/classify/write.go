package classify

import (
	"bufio"
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"slices"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/seed-fb2c0fa6/inception/internal/atomicfile"
	"github.com/seed-fb2c0fa6/inception/shard"
)

func init() {
	register.DoFn1x2[string, int, string](&divideFn{})
	register.DoFn2x0[[]byte, func(int, string)](&placesFn{})
	register.DoFn3x1[context.Context, int, func(*string) bool, error](&writeFn{})
	register.Emitter2[int, string]()
	register.Iter1[string]()
}

// Write writes lines to a file, or divides them among several: of 7, NAME.jsonl becomes
// NAME-00000-of-00007.jsonl and so on, as of inception predict --shard. The lines of a file are
// in their order as text, which is that of the photographs' names, and it is in memory before it
// is written: a record takes some 700 bytes. Files appear whole, and all of them, also without
// lines.
func Write(s beam.Scope, path string, files int, lines beam.PCollection) error {
	if path == "" || files < 1 {
		return fmt.Errorf("expected the path of a file and at least 1 file, found %q and %d", path, files)
	}
	s = s.Scope("Write predictions")
	divided := beam.ParDo(s, &divideFn{Files: files}, lines)
	places := beam.ParDo(s, &placesFn{Files: files}, beam.Impulse(s))
	beam.ParDo0(s, &writeFn{Path: path, Files: files}, beam.GroupByKey(s, beam.Flatten(s, divided, places)))
	return nil
}

// divideFn divides lines by what they say.
type divideFn struct{ Files int }

func (f *divideFn) ProcessElement(line string) (int, string) {
	h := fnv.New64a()
	_, _ = io.WriteString(h, line)
	return int(h.Sum64() % uint64(f.Files)), line
}

// placesFn adds a line of nothing for each file, so that there is one.
type placesFn struct{ Files int }

func (f *placesFn) ProcessElement(_ []byte, emit func(int, string)) {
	for i := range f.Files {
		emit(i, "")
	}
}

type writeFn struct {
	Path  string
	Files int
}

func (f *writeFn) ProcessElement(ctx context.Context, file int, lines func(*string) bool) error {
	path := f.Path
	if f.Files > 1 {
		path = shard.Shard{Index: file, Of: f.Files}.Path(path)
	}
	var all []string
	for line := ""; lines(&line); {
		if line != "" {
			all = append(all, line)
		}
	}
	slices.Sort(all)
	write := func(to io.Writer) error {
		b := bufio.NewWriter(to)
		for _, line := range all {
			_, _ = b.WriteString(line) // Flush has the error
			_ = b.WriteByte('\n')
		}
		return b.Flush()
	}
	if !remote(path) {
		return atomicfile.Write(path, write)
	}
	files, err := openFiles(ctx, path)
	if err != nil {
		return err
	}
	defer files.Close()
	to, err := files.OpenWrite(ctx, path)
	if err != nil {
		return &storageError{path, err}
	}
	if err := write(to); err != nil {
		return &storageError{path, err} // not closed, which is what makes it an object
	}
	if err := to.Close(); err != nil {
		return &storageError{path, err}
	}
	return nil
}
