package weights

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/arch"
)

// A Difference is how a parameter differs between two files.
type Difference struct {
	Name string `json:"name"`
	// Only is the file that has the parameter alone; empty where both have it.
	Only string `json:"only,omitempty"`
	// Shapes are both where they differ; nil where they do not.
	Shapes [][]int `json:"shapes,omitempty"`
	// Count is how many values are not the same bit for bit.
	Count int `json:"count,omitempty"`
	// Largest is the largest difference of two values.
	Largest float64 `json:"largest"`
}

// Diff compares the parameters of one network in two files of any formats and layouts, bit
// for bit, and returns those that differ, the largest differences first; none where all are
// the same. Files of two networks are an error.
func Diff(ctx context.Context, a, b string, hint Hint) ([]Difference, error) {
	var network [2]*arch.Network
	var tensors [2]map[string]Tensor
	var order []string
	paths := [2]string{a, b}
	for i, path := range paths {
		c, err := Open(path)
		if err != nil {
			return nil, err
		}
		defer c.Close()
		if network[i], _, err = c.Identify(hint); err != nil {
			return nil, err
		}
		parameters, err := network[i].Parameters()
		if err != nil {
			return nil, err
		}
		found, err := c.Match(parameters)
		if err != nil {
			return nil, err
		}
		tensors[i] = map[string]Tensor{}
		for _, t := range found {
			if _, ok := tensors[0][t.Name]; i == 0 || !ok {
				order = append(order, t.Name)
			}
			tensors[i][t.Name] = t
		}
	}
	if x, y := network[0].Name(), network[1].Name(); x != y {
		return nil, fmt.Errorf("%s is of %s, %s of %s; only weights of one network are compared", a, x, b, y)
	}
	var all []Difference
	for _, name := range order {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		first, inFirst := tensors[0][name]
		second, inSecond := tensors[1][name]
		d := Difference{Name: name, Largest: math.Inf(1)}
		switch {
		case !inFirst:
			d.Only = b
		case !inSecond:
			d.Only = a
		case !slices.Equal(first.Shape, second.Shape):
			d.Shapes = [][]int{first.Shape, second.Shape}
		default:
			var err error
			if d.Count, d.Largest, err = first.compare(second); err != nil {
				return nil, err
			}
			if d.Count == 0 {
				continue
			}
		}
		all = append(all, d)
	}
	slices.SortStableFunc(all, func(x, y Difference) int { return cmp.Compare(y.Largest, x.Largest) })
	for i := range all {
		if math.IsInf(all[i].Largest, 1) {
			all[i].Largest = 0 // of values that are not compared
		}
	}
	return all, nil
}

// compare returns how many values are not the same, and the largest difference.
func (t Tensor) compare(other Tensor) (count int, largest float64, err error) {
	if t.DType == dtypes.Int8 && other.DType == dtypes.Int8 {
		x, y := make([]int8, t.Size()), make([]int8, t.Size())
		if err := cmp.Or(t.ReadInt8s(x), other.ReadInt8s(y)); err != nil {
			return 0, 0, err
		}
		for i := range x {
			if x[i] != y[i] {
				count++
				largest = max(largest, math.Abs(float64(x[i])-float64(y[i])))
			}
		}
		return count, largest, nil
	}
	x, y := make([]float32, t.Size()), make([]float32, t.Size())
	if err := cmp.Or(t.Read(x), other.Read(y)); err != nil {
		return 0, 0, err
	}
	for i := range x {
		if math.Float32bits(x[i]) != math.Float32bits(y[i]) {
			count++
			largest = max(largest, math.Abs(float64(x[i])-float64(y[i])))
		}
	}
	return count, largest, nil
}
