package explain

import (
	"fmt"
	"strconv"
)

// FilterSheet draws the filters of a convolution, as many as most from the first on, or all
// where it is 0. The shape is height, width, channels of the input, channels of the output,
// and weights has it, the last axis fastest.
//
// Filters of three channels, which only those over images have, are drawn in R, G, B. Others
// are a grey patch for each channel of the input, in rows. The scale is that of all filters of
// the layer, or with each every filter's own, which its label says.
func FilterSheet(shape []int, weights []float32, most int, each bool) (*Sheet, error) {
	const axes = 4
	all := 1
	for _, n := range shape {
		all *= n
	}
	if len(shape) != axes || all < 1 || len(weights) != all {
		return nil, fmt.Errorf("filters are shaped %v with %d values, expected height, width, channels of the input and of the output, and a value for each", shape, len(weights))
	}
	in, out := shape[2], shape[3]
	const rgb = 3
	s := &Sheet{Height: shape[0], Width: shape[1], Colours: 1, Signed: true}
	if in == rgb {
		s.Colours = rgb
	}
	patches, cells := in/s.Colours, shape[0]*shape[1]
	for filter := range out {
		t := Tile{Index: filter, Label: strconv.Itoa(filter), Patches: make([][]float32, patches)}
		for p := range t.Patches {
			t.Patches[p] = make([]float32, 0, cells*s.Colours)
			for cell := range cells {
				for c := range s.Colours {
					t.Patches[p] = append(t.Patches[p], weights[(cell*in+p*s.Colours+c)*out+filter])
				}
			}
		}
		s.Tiles = append(s.Tiles, t)
	}
	s.settle(most, each)
	line := fmt.Sprintf("%d of %d filters of %d x %d x %d", len(s.Tiles), out, s.Height, s.Width, in)
	if patches > 1 {
		line += ": a patch for each channel of the input, in rows"
	}
	s.Lines = []string{line, scaleText(each, "filter")}
	if s.Colours == rgb {
		s.Lines[1] += ", of R, G and B alike"
	}
	return s, nil
}

// settle sets the scale by all tiles, and keeps as many as most, or all where it is 0.
func (s *Sheet) settle(most int, each bool) {
	s.Each = each
	for i := range s.Tiles {
		t := &s.Tiles[i]
		s.Largest = max(s.Largest, t.Largest())
		if each {
			t.Label += fmt.Sprintf("  to %.3g", t.Largest())
		}
	}
	if most > 0 {
		s.Tiles = s.Tiles[:min(len(s.Tiles), most)]
	}
}

// scaleText says by what tiles are normalised.
func scaleText(each bool, tile string) string {
	if each {
		return "Each " + tile + " has a scale of its own, which ends where its label says"
	}
	return "One scale for all " + tile + "s of the layer"
}
