package npz

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	"github.com/seed-fb2c0fa6/inception/internal/atomicfile"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// An Array is an array of float64, rows first.
type Array struct {
	Shape  []int
	Values []float64
}

// largestArray keeps what a small archive claims from taking all memory.
const largestArray = 1 << 27

// ReadArrays reads the named arrays of an archive, of float32 or float64, in full precision,
// and its texts; arrays have two axes at most. An array that is not there is none of the result.
func ReadArrays(path string, names ...string) (map[string]Array, map[string]string, error) {
	opened, size, err := tensorfile.Open("npz", path)
	if err != nil {
		return nil, nil, err
	}
	defer opened.Close()
	a, err := parse(path, opened, size)
	if err != nil {
		return nil, nil, err
	}
	z, err := zip.NewReader(opened, size)
	if err != nil {
		return nil, nil, notZip(path, opened, size, err)
	}
	arrays := map[string]Array{}
	for _, f := range z.File {
		name := f.Name[:max(0, len(f.Name)-len(ending))]
		if !slices.Contains(names, name) {
			continue
		}
		c := complainer{path, f.Name}
		_, h, err := openEntry(f, size, c)
		if err != nil {
			return nil, nil, err
		}
		if h.dtype.kind != 'f' || h.dtype.size != 4 && h.dtype.size != 8 {
			return nil, nil, c.mismatch("elements of float32 or float64", h.dtype.descr, saveAgain)
		}
		if len(h.shape) > 2 {
			return nil, nil, c.mismatch("two axes at most", tensorfile.ShapeText(h.shape), saveAgain)
		}
		elements, _ := tensorfile.Elements(h.shape)
		if elements > largestArray {
			return nil, nil, c.mismatch(fmt.Sprintf("%d elements at most", largestArray), fmt.Sprint(elements), saveAgain)
		}
		array := Array{Shape: h.shape}
		err = readElements(f, h, c, func(r io.Reader) error {
			data := make([]byte, elements*h.dtype.size)
			if _, err := io.ReadFull(r, data); err != nil {
				return err
			}
			h.dtype.littleEndian(data)
			array.Values = make([]float64, elements)
			to := func(i int) int { return i }
			if h.fortran && len(h.shape) == 2 {
				to = func(i int) int { return i%h.shape[0]*h.shape[1] + i/h.shape[0] }
			}
			for i := range array.Values {
				if h.dtype.size == 8 {
					array.Values[to(i)] = math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:]))
				} else {
					array.Values[to(i)] = float64(math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:])))
				}
			}
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
		arrays[name] = array
	}
	return arrays, a.metadata, nil
}

// WriteArrays writes arrays of float64 and texts, as numpy.savez does, each sorted by name. The
// file appears whole or not at all.
func WriteArrays(path string, arrays map[string]Array, texts map[string]string) error {
	err := atomicfile.Write(path, func(w io.Writer) error {
		z := zip.NewWriter(w)
		for _, name := range slices.Sorted(maps.Keys(texts)) {
			text := toUTF32(texts[name])
			if err := writeArray(z, name, fmt.Sprintf("<U%d", len(text)/4), nil, text); err != nil {
				return err
			}
		}
		for _, name := range slices.Sorted(maps.Keys(arrays)) {
			data := make([]byte, 0, 8*len(arrays[name].Values))
			for _, v := range arrays[name].Values {
				data = binary.LittleEndian.AppendUint64(data, math.Float64bits(v))
			}
			if err := writeArray(z, name, "<f8", arrays[name].Shape, data); err != nil {
				return err
			}
		}
		return z.Close()
	})
	if err != nil {
		return fmt.Errorf("npz: %s: writing: %w", path, err)
	}
	return nil
}
