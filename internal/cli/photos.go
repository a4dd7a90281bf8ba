package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/seed-fb2c0fa6/inception/internal/printable"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/shard"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// openPhoto decodes a file, or standard input where it is called "-".
func openPhoto(file string, stdin io.Reader, o vision.DecodeOptions) (*vision.Image, error) {
	if file != "-" {
		return vision.Open(file, o)
	}
	data, err := readPicture(file, stdin, o.MaxBytes)
	if err != nil {
		return nil, err
	}
	image, err := vision.Decode(data, o)
	if err != nil {
		return nil, fmt.Errorf("standard input: %w", err)
	}
	return image, nil
}

// readPicture reads a file of at most some bytes, or standard input.
func readPicture(file string, stdin io.Reader, most int64) ([]byte, error) {
	from, name := stdin, "standard input"
	if file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer opened.Close()
		from, name = opened, file
	}
	data, err := io.ReadAll(io.LimitReader(from, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	case int64(len(data)) > most:
		return nil, fmt.Errorf("%s has more bytes than the limit of %d; raise --max-bytes if the image is to be trusted", name, most)
	case len(data) == 0:
		return nil, fmt.Errorf("%s: the file is empty", name)
	}
	return data, nil
}

// An interruptible reader returns the cause of its context's end, also while it waits for
// bytes, as of a terminal that nobody types at.
type interruptible struct {
	ctx  context.Context
	from io.Reader
}

func (r interruptible) Read(p []byte) (int, error) {
	type part struct {
		bytes []byte
		err   error
	}
	read := make(chan part, 1)
	go func() {
		own := make([]byte, len(p)) // p is the caller's again when the context ends
		n, err := r.from.Read(own)
		read <- part{own[:n], err}
	}()
	select {
	case got := <-read:
		return copy(p, got.bytes), got.err
	case <-r.ctx.Done():
		return 0, context.Cause(r.ctx)
	}
}

// A reporter prints photographs one after the other.
type reporter interface {
	report(predict.Record) error
	close() error
}

// newReporter returns one for people, or for programs.
func newReporter(out io.Writer, asJSON bool) reporter {
	if asJSON {
		return &jsonReporter{out: out}
	}
	return &tableReporter{out: out}
}

// A shardReporter writes the file of a shard.
type shardReporter struct{ *shard.Writer }

func (r shardReporter) report(p predict.Record) error { return r.Append(p) }

func (r shardReporter) close() error { return r.Close() }

type tableReporter struct {
	out     io.Writer
	started bool
}

func (r *tableReporter) report(p predict.Record) error {
	name := p.File
	if p.Bytes != nil {
		name = string(p.Bytes)
	}
	if r.started {
		fmt.Fprintln(r.out)
	}
	r.started = true
	if p.Error != "" {
		_, err := fmt.Fprintf(r.out, "%s\n  error: %s\n", printable.Line(name), reasonOf(p))
		return err
	}
	fmt.Fprintf(r.out, "%s  %d x %d\n", printable.Line(name), p.Width, p.Height)
	w := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, c := range p.Predictions {
		fmt.Fprintf(w, "%.2f%%\t%.3f\t  %s %s\n", 100*c.Probability, c.Logit, c.Label, c.Synset)
	}
	return w.Flush()
}

func (r *tableReporter) close() error { return nil }

// reasonOf is why a photo failed, without its name, which is printed before it.
func reasonOf(p predict.Record) string { return strings.TrimPrefix(p.Error, p.File+": ") }

// jsonReporter prints one array, element by element.
type jsonReporter struct {
	out     io.Writer
	started bool
}

func (r *jsonReporter) report(p predict.Record) error {
	data, err := json.MarshalIndent(p, "  ", "  ")
	if err != nil {
		return err
	}
	separator := "[\n  "
	if r.started {
		separator = ",\n  "
	}
	r.started = true
	_, err = fmt.Fprintf(r.out, "%s%s", separator, data)
	return err
}

func (r *jsonReporter) close() error {
	end := "\n]\n"
	if !r.started {
		end = "[]\n"
	}
	_, err := io.WriteString(r.out, end)
	return err
}
