package rundir

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A Point is what was measured at one step; NaN stands for what was not.
type Point struct {
	// Epoch is how often all images had been seen, with its fraction.
	Epoch                float64
	Training, Validation Measures
	// GradientNorm is the L2 norm of all gradients before they are clipped.
	GradientNorm float64
}

// Measures are those of a number of images. Top1 and Top5 are the shares, from 0 to 1,
// whose class was the first, or among the first five.
type Measures struct{ Loss, Top1, Top5 float64 }

// ReadMetrics reads a metrics.csv, also while a run writes it: a last line without an end
// is left out. Columns are found by their names: epoch is required, and at least one of
// loss, top1, top5, validation_loss, validation_top1 and validation_top5; an empty cell
// is what was not measured. The points are in the order of their epochs.
func ReadMetrics(path string) ([]Point, error) {
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("expected the folder of a run, with the file %s that training writes: %w", filepath.Base(path), err)
	case err != nil:
		return nil, err
	}
	points, err := parse(data[:bytes.LastIndexByte(data, '\n')+1])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return points, nil
}

// columns are those that are read, with where their values go: the epoch, the measures, of
// which one at least is required, and others.
var columns = []struct {
	name string
	of   func(*Point) *float64
}{
	{"epoch", func(p *Point) *float64 { return &p.Epoch }},
	{"loss", func(p *Point) *float64 { return &p.Training.Loss }},
	{"top1", func(p *Point) *float64 { return &p.Training.Top1 }},
	{"top5", func(p *Point) *float64 { return &p.Training.Top5 }},
	{"validation_loss", func(p *Point) *float64 { return &p.Validation.Loss }},
	{"validation_top1", func(p *Point) *float64 { return &p.Validation.Top1 }},
	{"validation_top5", func(p *Point) *float64 { return &p.Validation.Top5 }},
	{"gradient_norm", func(p *Point) *float64 { return &p.GradientNorm }},
}

// measures is where the measures among columns end.
const measures = 7

func parse(data []byte) ([]Point, error) {
	r := csv.NewReader(bytes.NewReader(data))
	r.ReuseRecord = true
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("it is empty; wait for the run's first steps")
	}
	if err != nil {
		return nil, err
	}
	places := make([]int, len(columns)) // -1 for a column that is absent
	found := 0
	for i, c := range columns {
		if places[i] = slices.Index(header, c.name); places[i] >= 0 && i < measures {
			found++
		}
	}
	if places[0] < 0 || found < 2 {
		return nil, fmt.Errorf("expected the columns epoch and one of %s at least, found %s", measureNames(), strings.Join(header, ", "))
	}
	var points []Point
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		p := Point{}
		for i, c := range columns {
			value := math.NaN()
			if at := places[i]; at >= 0 && row[at] != "" {
				if value, err = strconv.ParseFloat(row[at], 64); err != nil {
					line, _ := r.FieldPos(at)
					return nil, fmt.Errorf("line %d: expected a number as %s, found %q", line, c.name, row[at])
				}
			}
			*c.of(&p) = value
		}
		if math.IsNaN(p.Epoch) {
			line, _ := r.FieldPos(places[0])
			return nil, fmt.Errorf("line %d: expected a number as epoch, found %q", line, row[places[0]])
		}
		points = append(points, p)
	}
	if len(points) == 0 {
		return nil, errors.New("it has no rows; wait for the run's first steps")
	}
	slices.SortStableFunc(points, func(a, b Point) int { return cmp.Compare(a.Epoch, b.Epoch) })
	return points, nil
}

func measureNames() string {
	var names []string
	for _, c := range columns[1:measures] {
		names = append(names, c.name)
	}
	return strings.Join(names, ", ")
}
