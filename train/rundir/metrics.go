package rundir

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
)

// header names the columns of metrics.csv. There is a row for every few steps, with the
// means over them, and one for every validation, whose other columns are empty.
// Accuracies and waiting, the part of the time that the step waited for images, are
// shares.
func header() []string {
	return []string{
		"step", "epoch", "loss", "learning_rate", "gradient_norm", "top1", "top5", "images_per_second", "waiting",
		"validation_loss", "validation_top1", "validation_top5",
	}
}

// metrics appends rows to metrics.csv.
type metrics struct {
	file   *os.File
	writer *csv.Writer
}

// openMetrics opens a run's metrics, without the rows that a run which is resumed after a
// step will write again: those of later steps, and of its validation where that is due.
func openMetrics(path string, step int, due bool) (*metrics, error) {
	end, err := endOfStep(path, step, due)
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return nil, err
	}
	m := &metrics{file: file, writer: csv.NewWriter(file)}
	if err := file.Truncate(end); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if _, err := file.Seek(end, io.SeekStart); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if end == 0 {
		if err := m.write(header()); err != nil {
			return nil, errors.Join(err, file.Close())
		}
	}
	return m, nil
}

// endOfStep returns where the rows that stay end.
func endOfStep(path string, step int, due bool) (int64, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer file.Close()
	loss := slices.Index(header(), "loss") // empty in a row of a validation
	var end int64
	lines := bufio.NewReader(file)
	for row := 1; ; row++ {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return end, nil // a row without its end was being written
		}
		if err != nil {
			return 0, err
		}
		if row > 1 {
			cells := strings.Split(line, ",")
			found, err := strconv.Atoi(cells[0])
			if err != nil || len(cells) != len(header()) {
				return 0, fmt.Errorf("%s, row %d: expected a step and %d columns, found %q; repair or remove the file", path, row, len(header()), line)
			}
			if found > step || due && found == step && cells[loss] == "" {
				return end, nil
			}
		}
		end += int64(len(line))
	}
}

func (m *metrics) write(row []string) error {
	if err := m.writer.Write(row); err != nil {
		return err
	}
	m.writer.Flush()
	return m.writer.Error()
}

func (m *metrics) training(s Steps) error {
	return m.write([]string{
		strconv.Itoa(s.Step), rounded(s.Epoch, 4), exact(s.Loss), exact(s.LearningRate), exact(s.GradientNorm), exact(s.Top1), exact(s.Top5),
		rounded(s.ImagesPerSecond, 2), rounded(s.Waiting, 4), "", "", "",
	})
}

func (m *metrics) validation(v Validation) error {
	return m.write([]string{
		strconv.Itoa(v.Step), rounded(v.Epoch, 4), "", "", "", "", "", "", "", exact(v.Loss), exact(v.Top1), exact(v.Top5),
	})
}

func (m *metrics) close() error { return m.file.Close() }

func exact(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

func rounded(v float64, digits int) string { return strconv.FormatFloat(v, 'f', digits, 64) }
