package evaluate

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
)

// A predictionLog is the file that (*Report).WritePredictions describes, image by image.
// The lines of an image are written together.
type predictionLog struct {
	file *os.File
	e    *evaluation
}

// openLog opens the file of predictions, or begins one, and returns the predictions in it
// that belong to the evaluation. What an interruption has left of an image without all
// its lines is cut off.
func openLog(e *evaluation) (*predictionLog, []Prediction, error) {
	path := e.o.Predictions
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, nil, fmt.Errorf("the file of predictions: %w", err)
	}
	l := &predictionLog{file: file, e: e}
	done, err := l.resume()
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("the file of predictions %s: %w", path, err), file.Close())
	}
	return l, done, nil
}

// resume reads the file, and leaves it at the end of what is whole.
func (l *predictionLog) resume() (done []Prediction, err error) {
	data, err := io.ReadAll(l.file)
	if err != nil {
		return nil, err
	}
	header, err := csvLines(l.e.setup.header())
	if err != nil {
		return nil, err
	}
	whole := int64(len(header))
	switch {
	case len(data) < len(header) && bytes.HasPrefix(header, data): // empty, or torn in the header
		if _, err := l.file.WriteAt(header, 0); err != nil {
			return nil, err
		}
	case !bytes.HasPrefix(data, header):
		first, _, _ := bytes.Cut(data, []byte("\n"))
		return nil, fmt.Errorf("its first line should be %q, found %q; it is no file of predictions on these classes, or one of another version of inception: name another", header[:len(header)-1], first[:min(len(first), 200)])
	default:
		if done, whole, err = l.read(data); err != nil {
			return nil, err
		}
		if err := l.file.Truncate(whole); err != nil {
			return nil, err
		}
	}
	_, err = l.file.Seek(whole, io.SeekStart)
	return done, err
}

// read parses a file with a right header, and returns the predictions of the images all
// of whose lines are there, and where the last of these ends.
func (l *predictionLog) read(data []byte) (done []Prediction, whole int64, err error) {
	data = data[:bytes.LastIndexByte(data, '\n')+1] // the rest is torn
	labels := make(map[string]int, len(l.e.classes))
	for i, class := range l.e.classes {
		labels[class] = i
	}
	wanted := make(map[int]bool, len(l.e.indexes))
	for _, index := range l.e.indexes {
		wanted[index] = true
	}
	r := csv.NewReader(bytes.NewReader(data))
	if _, err := r.Read(); err != nil {
		return nil, 0, err
	}
	whole = r.InputOffset()
	var p Prediction
	seen := map[int]bool{}
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return done, whole, l.checkLogs(done)
		}
		if err != nil {
			return nil, 0, err
		}
		line, _ := r.FieldPos(0)
		row := len(p.Top)
		index, top, logs, err := l.parse(fields, row, labels)
		if err == nil && row > 0 && index != p.Index {
			err = fmt.Errorf("it is about image %d, expected image %d in %s", index, p.Index, l.e.setup.Rows[row].Name)
		}
		if err == nil && seen[index] {
			err = fmt.Errorf("image %d is there twice", index)
		}
		if err != nil {
			return nil, 0, fmt.Errorf("line %d: %w; name another file, or remove this one to begin again", line, err)
		}
		if row == 0 {
			p = l.e.prediction(index)
		}
		p.Top = append(p.Top, top)
		p.Logs = logs
		if len(p.Top) == len(l.e.setup.Rows) {
			if wanted[index] { // otherwise of a longer evaluation
				done = append(done, p)
			}
			seen[index] = true
			p = Prediction{}
			whole = r.InputOffset()
		}
	}
}

// checkLogs looks at them when all lines are known to be of this evaluation, of which others
// have them elsewhere.
func (l *predictionLog) checkLogs(done []Prediction) error {
	for _, p := range done {
		if p.Label < 0 {
			continue
		}
		if err := p.Logs.check(len(l.e.classes)); err != nil {
			return fmt.Errorf("image %d: %w; name another file, or remove this one to begin again", p.Index, err)
		}
	}
	return nil
}

// parse reads the line of one row, and compares it with the evaluation.
func (l *predictionLog) parse(fields []string, row int, labels map[string]int) (index int, top []Class, logs Logs, err error) {
	index, err = strconv.Atoi(fields[0])
	if err != nil || index < 0 || index >= l.e.set.Len() {
		return 0, nil, nil, fmt.Errorf("the index is %q, expected one from 0 to %d", fields[0], l.e.set.Len()-1)
	}
	for i, want := range l.e.setup.key(l.e.prediction(index), row) {
		if fields[i] != want {
			return 0, nil, nil, fmt.Errorf("found the %s %q, expected %q: it belongs to another evaluation", l.e.setup.header()[i], fields[i], want)
		}
	}
	tops, last := fields[6:len(fields)-1], fields[len(fields)-1]
	for i := range len(tops) / 2 {
		label, ok := labels[tops[i]]
		if !ok {
			return 0, nil, nil, fmt.Errorf("%q is none of the classes", tops[i])
		}
		p, err := strconv.ParseFloat(tops[len(tops)/2+i], 64)
		if err != nil {
			return 0, nil, nil, err
		}
		top = append(top, Class{label, p})
	}
	if last != "" {
		if err := logs.UnmarshalText([]byte(last)); err != nil {
			return 0, nil, nil, err
		}
	}
	return index, top, logs, nil
}

// append writes all lines of an image at once.
func (l *predictionLog) append(p Prediction) error {
	data, err := csvLines(l.e.setup.lines(p)...)
	if err == nil {
		_, err = l.file.Write(data)
	}
	if err != nil {
		return fmt.Errorf("the file of predictions %s: %w", l.e.o.Predictions, err)
	}
	return nil
}

func csvLines(lines ...[]string) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	err := w.WriteAll(slices.Clone(lines))
	return b.Bytes(), err
}

func (l *predictionLog) Close() error { return l.file.Close() }
