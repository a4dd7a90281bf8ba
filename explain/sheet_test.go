package explain_test

import (
	"encoding/json"
	"image"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/seed-fb2c0fa6/inception/explain"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// numbers are those of testdata/sheets.py.
func numbers(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32((i*i*37+i*11)%64-24) / 8
	}
	return x
}

type wantedSheet struct {
	Tiles         [][][][][3]int // [tile][patch][row][column]
	Order         []int
	Mean, Largest []float64
}

// brightness returns what is drawn of a sheet's tiles, after it has found that each cell is of
// one colour: tiles of many patches have some across, and 1 pixel between them.
func brightness(t *testing.T, s *explain.Sheet, across, unit int) (tiles [][][][][3]int) {
	t.Helper()
	picture, err := s.Draw()
	if err != nil {
		t.Fatal(err)
	}
	const gap, line, scale, columns = 12, 18, 3 * 18, 8
	down := (len(s.Tiles[0].Patches) + across - 1) / across
	width, height := across*(unit*s.Width+1)-1, down*(unit*s.Height+1)-1
	head := len(s.Lines)*line + scale
	if s.Photograph != nil {
		head = max(head, s.Photograph.Height)
	}
	colour := func(at image.Point) [3]int {
		r, g, b, _ := picture.At(at.X, at.Y).RGBA()
		return [3]int{int(r >> 8), int(g >> 8), int(b >> 8)}
	}
	for i, tile := range s.Tiles {
		corner := image.Pt(gap+i%columns*(width+gap), 2*gap+head+i/columns*(height+line+gap))
		var patches [][][][3]int
		for p := range tile.Patches {
			patch := make([][][3]int, s.Height)
			for y := range s.Height {
				for x := range s.Width {
					first := corner.Add(image.Pt(p%across*(unit*s.Width+1)+x*unit, p/across*(unit*s.Height+1)+y*unit))
					c := colour(first)
					for at := range unit * unit {
						if other := colour(first.Add(image.Pt(at%unit, at/unit))); other != c {
							t.Fatalf("tile %d, patch %d: the cell %d, %d has the colours %v and %v", i, p, x, y, c, other)
						}
					}
					patch[y] = append(patch[y], c)
				}
			}
			patches = append(patches, patch)
		}
		tiles = append(tiles, patches)
	}
	return tiles
}

// TestSheets expects what numpy makes of the same values.
func TestSheets(t *testing.T) {
	data, err := os.ReadFile("testdata/sheets.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]wantedSheet
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	relu := numbers(4 * 3 * 7)
	for i := range relu {
		if relu[i] = max(relu[i], 0); i%7 == 1 {
			relu[i] = 0
		}
	}
	photograph := &vision.Image{Width: 99, Height: 120, Pix: make([]byte, 3*99*120)}
	var channels []explain.Channel
	filters := func(shape []int, each bool) (*explain.Sheet, error) {
		return explain.FilterSheet(shape, numbers(shape[0]*shape[1]*shape[2]*shape[3]), 0, each)
	}
	activations := func(values []float32, order explain.Order, each bool) (s *explain.Sheet, err error) {
		s, channels, err = explain.ActivationSheet(photograph, []int{4, 3, 7}, values, order, 0, each)
		return s, err
	}
	for name, c := range map[string]struct {
		sheet        func() (*explain.Sheet, error)
		across, unit int
	}{
		"filters of images":               {func() (*explain.Sheet, error) { return filters([]int{3, 2, 3, 9}, false) }, 1, 46},
		"filters of images, each":         {func() (*explain.Sheet, error) { return filters([]int{3, 2, 3, 9}, true) }, 1, 46},
		"inner filters":                   {func() (*explain.Sheet, error) { return filters([]int{2, 3, 5, 4}, false) }, 2, 32},
		"activations":                     {func() (*explain.Sheet, error) { return activations(numbers(84), explain.ByIndex, false) }, 1, 35},
		"activations after ReLU, by mean": {func() (*explain.Sheet, error) { return activations(relu, explain.ByMean, false) }, 1, 35},
		"activations after ReLU, each":    {func() (*explain.Sheet, error) { return activations(relu, explain.ByMean, true) }, 1, 35},
	} {
		s, err := c.sheet()
		if err != nil {
			t.Fatal(err)
		}
		for i := range s.Tiles {
			s.Tiles[i].Label = "" // so that tiles are no wider than their pictures
		}
		want := all[name]
		if len(want.Tiles) != len(s.Tiles) {
			t.Fatalf("%s: %d tiles, want %d", name, len(s.Tiles), len(want.Tiles))
		}
		for i, tile := range brightness(t, s, c.across, c.unit) {
			if s.Tiles[i].Index != want.Order[i] {
				t.Errorf("%s: tile %d is %d, want %d", name, i, s.Tiles[i].Index, want.Order[i])
			}
			for p := range tile {
				for y := range tile[p] {
					if !slices.Equal(tile[p][y], want.Tiles[i][p][y]) {
						t.Errorf("%s: row %d of patch %d of tile %d is %v, want %v", name, y, p, i, tile[p][y], want.Tiles[i][p][y])
					}
				}
			}
			if want.Mean == nil {
				continue
			}
			if got := channels[i]; got.Index != want.Order[i] || math.Abs(got.Mean-want.Mean[i]) > 1e-9 || float64(got.Largest) != want.Largest[i] {
				t.Errorf("%s: channel %+v, want %d, %g, %g", name, got, want.Order[i], want.Mean[i], want.Largest[i])
			}
		}
	}

	// Filters that are not drawn count.
	some, err := explain.FilterSheet([]int{1, 1, 3, 9}, numbers(27), 1, false)
	if err != nil || len(some.Tiles) != 1 || some.Largest != (explain.Map{Values: numbers(27)}).Largest() || some.Largest == some.Tiles[0].Largest() {
		t.Errorf("%+v, %v", some, err)
	}
}

func TestSheetErrors(t *testing.T) {
	_, err := explain.FilterSheet([]int{3, 3, 3}, numbers(27), 0, false)
	wanted.Error(t, err, "[3 3 3]", "27 values")
	_, err = explain.FilterSheet([]int{3, 3, 3, 2}, numbers(27), 0, false)
	wanted.Error(t, err, "[3 3 3 2]", "27 values")
	_, _, err = explain.ActivationSheet(nil, []int{2, 2, 0}, nil, explain.ByIndex, 0, false)
	wanted.Error(t, err, "[2 2 0]")
	_, _, err = explain.ActivationSheet(nil, []int{2, 2, 2}, numbers(8), "size", 0, false)
	wanted.Error(t, err, `"size"`, `"index" "mean"`)
	for want, s := range map[string]*explain.Sheet{
		"no tiles":   {Height: 1, Width: 1, Colours: 1},
		"2 colours":  {Height: 1, Width: 1, Colours: 2, Tiles: []explain.Tile{{}}},
		"0 patches":  {Height: 1, Width: 1, Colours: 1, Tiles: []explain.Tile{{}}},
		"3 values":   {Height: 2, Width: 2, Colours: 1, Tiles: []explain.Tile{{Patches: [][]float32{numbers(3)}}}},
		"draw fewer": {Height: 20000, Width: 1000, Colours: 1, Tiles: slices.Repeat([]explain.Tile{{Patches: [][]float32{make([]float32, 20000000)}}}, 9)},
	} {
		_, err := s.Draw()
		wanted.Error(t, err, want)
	}
	zeros, err := explain.FilterSheet([]int{1, 1, 3, 2}, make([]float32, 6), 0, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := zeros.Draw(); err != nil {
		t.Errorf("zeros: %v", err)
	}
}
