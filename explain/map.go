package explain

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// A Map says how much the cells of a grid over an image speak for something.
type Map struct {
	Height, Width int
	Values        []float32 // [Height, Width], rows first
	// Signed is set where values below 0 speak against it. No values are below 0 elsewhere.
	Signed bool
}

// shownShare of the cells have values that a picture tells apart; the colours of the few that
// are larger are those of the largest of them. It concerns maps of more than 100 cells.
const shownShare = 0.99

// Limit is the absolute value that the end of the colour scale stands for, and whether there are
// larger ones.
func (m Map) Limit() (limit float32, exceeded bool) {
	sizes := make([]float32, len(m.Values))
	for i, v := range m.Values {
		sizes[i] = float32(math.Abs(float64(v)))
	}
	slices.SortFunc(sizes, cmp.Compare)
	last := len(sizes) - 1
	at := min(int(math.Ceil(shownShare*float64(len(sizes))))-1, last)
	if sizes[at] == 0 { // nearly all are
		at = last
	}
	return sizes[at], sizes[at] < sizes[last]
}

// Largest is the largest absolute value.
func (m Map) Largest() float32 {
	var largest float32
	for _, v := range m.Values {
		largest = max(largest, float32(math.Abs(float64(v))))
	}
	return largest
}

// Sum is that of the values.
func (m Map) Sum() float64 {
	sum := 0.0
	for _, v := range m.Values {
		sum += float64(v)
	}
	return sum
}

// at interpolates between the centres of cells, for a place from 0 to 1 on each axis.
func (m Map) at(x, y float64) float64 {
	along := func(at float64, cells int) (low, high int, share float64) {
		place := min(max(at*float64(cells)-0.5, 0), float64(cells-1))
		low = int(place)
		return low, min(low+1, cells-1), place - float64(low)
	}
	left, right, across := along(x, m.Width)
	top, bottom, down := along(y, m.Height)
	row := func(y int) float64 {
		return (1-across)*float64(m.Values[y*m.Width+left]) + across*float64(m.Values[y*m.Width+right])
	}
	return (1-down)*row(top) + down*row(bottom)
}

// check refuses maps without values.
func (m Map) check() error {
	if m.Height < 1 || m.Width < 1 || len(m.Values) != m.Height*m.Width {
		return fmt.Errorf("a map of %d x %d cells has %d values, expected at least one cell and a value for each", m.Height, m.Width, len(m.Values))
	}
	return nil
}
