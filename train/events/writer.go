package events

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/seed-fb2c0fa6/inception/internal/tfrecord"
	"github.com/seed-fb2c0fa6/inception/internal/wire"
)

// A Scalar is a number by its tag, such as "loss" or "validation/top1". TensorBoard
// groups tags by what is before their slash, and keeps numbers as float32.
type Scalar struct {
	Tag   string
	Value float64
}

// A Picture is an image by its tag.
type Picture struct {
	Tag   string
	Image image.Image
}

// A Writer appends to one event file. Each event goes to the file whole and at once, so
// that TensorBoard shows it while the run goes on and a killed process loses none. Its
// methods are for one goroutine.
type Writer struct {
	file *os.File
	size int64 // of the whole events
}

// Create makes a new event file in a folder, which must exist. TensorBoard shows all
// event files of a folder as one run; where first is greater than zero, it is told to
// forget what older files say of that step and of later ones, as a run that resumes
// from step first computes them again.
func Create(folder string, first int64) (*Writer, error) {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	// TensorBoard reads files in the order of their names.
	prefix := filepath.Join(folder, fmt.Sprintf("events.out.tfevents.%010d.%s.%d", time.Now().Unix(), host, os.Getpid()))
	var file *os.File
	for i := 0; ; i++ {
		file, err = os.OpenFile(fmt.Sprintf("%s.%d", prefix, i), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("create an event file: %w", err)
	}
	w := &Writer{file: file}
	err = w.write(0, eventFileVersion, []byte(fileVersion))
	if err == nil && first > 0 {
		err = w.write(first, eventSessionLog, wire.AppendNumber(nil, sessionLogStatus, sessionStart))
	}
	if err != nil {
		return nil, errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	return w, nil
}

// Scalars writes numbers of a step.
func (w *Writer) Scalars(step int64, scalars ...Scalar) error {
	var summary []byte
	for _, s := range scalars {
		if err := checkTag(s.Tag); err != nil {
			return err
		}
		summary = wire.AppendBytes(summary, summaryValue, scalarValue(s))
	}
	return w.write(step, eventSummary, summary)
}

// Pictures writes images of a step, as PNG files.
func (w *Writer) Pictures(step int64, pictures ...Picture) error {
	var summary []byte
	for _, p := range pictures {
		if err := checkTag(p.Tag); err != nil {
			return err
		}
		var encoded bytes.Buffer
		if err := png.Encode(&encoded, p.Image); err != nil {
			return fmt.Errorf("picture %q: %w", p.Tag, err)
		}
		size := p.Image.Bounds().Size()
		summary = wire.AppendBytes(summary, summaryValue, pictureValue(p.Tag, size.X, size.Y, encoded.Bytes()))
	}
	return w.write(step, eventSummary, summary)
}

func checkTag(tag string) error {
	if tag == "" {
		return errors.New("expected a tag for each value of an event, found an empty one")
	}
	return nil
}

// write appends an event. When it does not fit, the file is left as it was before.
func (w *Writer) write(step int64, number protowire.Number, content []byte) error {
	now := float64(time.Now().UnixMicro()) / 1e6
	record := tfrecord.Append(nil, event(now, step, number, content))
	if _, err := w.file.WriteAt(record, w.size); err != nil {
		return fmt.Errorf("write an event: %w", errors.Join(err, w.file.Truncate(w.size)))
	}
	w.size += int64(len(record))
	return nil
}

// Close closes the file.
func (w *Writer) Close() error { return w.file.Close() }
