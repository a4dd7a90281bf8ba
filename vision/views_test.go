package vision

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/wanted"
)

// A grid is the squares of one scale by hand.
type grid struct {
	width, height int      // of the resized photograph
	squares       [][2]int // top left corners
	side          int
	last, centre  int // offsets in a square of parts of 299 pixels
}

// TestViewsByHand compares the views of three photographs at 299 pixels with boxes that
// were computed by hand: 342 * 500/375 = 456, less 342 leaves 114, the half of which
// is 57; 342-299 = 43, the half of which, 21.5, goes to the even 22; 75x56 at 427 is
// 571.9 wide.
func TestViewsByHand(t *testing.T) {
	for _, c := range []struct {
		width, height int
		grids         []grid
	}{
		{500, 375, []grid{
			{456, 342, [][2]int{{0, 0}, {57, 0}, {114, 0}}, 342, 43, 22},
			{512, 384, [][2]int{{0, 0}, {64, 0}, {128, 0}}, 384, 85, 42},
			{569, 427, [][2]int{{0, 0}, {71, 0}, {142, 0}}, 427, 128, 64},
			{626, 470, [][2]int{{0, 0}, {78, 0}, {156, 0}}, 470, 171, 86},
		}},
		{375, 500, []grid{
			{342, 456, [][2]int{{0, 0}, {0, 57}, {0, 114}}, 342, 43, 22},
			{384, 512, [][2]int{{0, 0}, {0, 64}, {0, 128}}, 384, 85, 42},
			{427, 569, [][2]int{{0, 0}, {0, 71}, {0, 142}}, 427, 128, 64},
			{470, 626, [][2]int{{0, 0}, {0, 78}, {0, 156}}, 470, 171, 86},
		}},
		{75, 56, []grid{
			{458, 342, [][2]int{{0, 0}, {58, 0}, {116, 0}}, 342, 43, 22},
			{514, 384, [][2]int{{0, 0}, {65, 0}, {130, 0}}, 384, 85, 42},
			{571, 427, [][2]int{{0, 0}, {72, 0}, {144, 0}}, 427, 128, 64},
			{629, 470, [][2]int{{0, 0}, {80, 0}, {159, 0}}, 470, 171, 86},
		}},
	} {
		parts := func(g grid, at [2]int, whole bool) (want []View) {
			offsets := [][3]int{{0, 0, 299}, {g.last, 0, 299}, {0, g.last, 299}, {g.last, g.last, 299}, {g.centre, g.centre, 299}}
			if whole {
				offsets = append(offsets, [3]int{0, 0, g.side})
			}
			for _, o := range offsets {
				for _, mirrored := range []bool{false, true} {
					want = append(want, View{g.width, g.height, at[0] + o[0], at[1] + o[1], o[2], 299, mirrored})
				}
			}
			return want
		}
		want := map[Crops][]View{
			Crops10: parts(c.grids[0], c.grids[0].squares[1], false),
			Crops12: parts(c.grids[0], c.grids[0].squares[1], true),
		}
		for _, g := range c.grids {
			for _, at := range g.squares {
				want[Crops144] = append(want[Crops144], parts(g, at, true)...)
			}
		}
		for crops, want := range want {
			got, err := (Preprocessing{Size: 299}).Views(crops, c.width, c.height)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != int(crops) {
				t.Errorf("%d x %d: %d views, want %d", c.width, c.height, len(got), crops)
			}
			for i := range want {
				if got[i] != want[i] {
					t.Errorf("%d x %d: view %d of %d is %+v, want %+v", c.width, c.height, i, crops, got[i], want[i])
				}
			}
			seen := map[View]bool{}
			for _, v := range got {
				seen[v] = true
			}
			if len(seen) != int(crops) {
				t.Errorf("%d x %d: %d of %d views are distinct", c.width, c.height, len(seen), crops)
			}
		}
	}
}

// TestViewsOfOtherSizes expects the scales to grow with the input: 342/299 of 75 pixels
// is 85.8, 384/299 is 96.3, 427/299 is 107.1 and 470/299 is 117.9.
func TestViewsOfOtherSizes(t *testing.T) {
	views, err := (Preprocessing{Size: 75}).Views(Crops144, 32, 32)
	if err != nil {
		t.Fatal(err)
	}
	for i, side := range []int{86, 96, 107, 118} {
		for square := range 3 {
			first := views[36*i+12*square]
			if want := (View{side, side, 0, 0, 75, 75, false}); first != want {
				t.Errorf("scale %d, square %d: %+v, want %+v", i, square, first, want)
			}
		}
	}
	// As Pillow, torchvision and timm have it: 256 for 224 at 87.5%, and a long side
	// of floor(256*500/375) = 341.
	views, err = (Preprocessing{Size: 224, Crop: 0.875}).Views(Crops1, 500, 375)
	if err != nil {
		t.Fatal(err)
	}
	if want := (View{341, 256, 58, 16, 224, 224, false}); len(views) != 1 || views[0] != want {
		t.Errorf("single crop: %+v, want %+v", views, want)
	}
}

// TestCuts compares every view with the plain way: the whole image is resized, the
// square is cut, resized again where it is larger, and turned over pixel by pixel.
func TestCuts(t *testing.T) {
	mean, std := [3]float32{0.1, 0.2, 0.3}, [3]float32{0.4, 0.5, 0.6}
	for _, size := range [][2]int{{50, 37}, {37, 50}, {40, 40}, {400, 3}, {3, 400}} {
		m := colourfulImage(size[0], size[1])
		for _, crops := range []Crops{Crops1, Crops10, Crops12, Crops144} {
			c := Preprocessing{Size: 30, Crop: 0.875}
			views, err := c.Views(crops, m.Width, m.Height)
			if err != nil {
				t.Fatal(err)
			}
			cuts, err := Cut(m, views, Bicubic)
			if err != nil {
				t.Fatal(err)
			}
			if cuts.Len() != int(crops) {
				t.Fatalf("%d cuts, want %d", cuts.Len(), crops)
			}
			for i, v := range views {
				whole, err := Resize(m, v.Width, v.Height, Bicubic)
				if err != nil {
					t.Fatal(err)
				}
				want, _ := whole.cut(region{v.X, v.Y, v.Side, v.Side})
				if want, err = Resize(want, v.Size, v.Size, Bicubic); err != nil {
					t.Fatal(err)
				}
				if v.Mirrored {
					turned := newImage(want.Width, want.Height)
					for y := range want.Height {
						for x := range want.Width {
							copy(turned.row(y)[3*x:][:3], want.row(y)[3*(want.Width-1-x):])
						}
					}
					want = turned
				}
				name := fmt.Sprintf("%v, view %d of %d", size, i, crops)
				got := cuts.Image(i)
				if got.Width != 30 || got.Height != 30 || !slices.Equal(got.Pix, want.Pix) {
					t.Errorf("%s is another image", name)
				}
				wantValues, values := make([]float32, len(want.Pix)), make([]float32, len(want.Pix))
				if err := Normalize(wantValues, want, mean, std); err != nil {
					t.Fatal(err)
				}
				if err := cuts.Normalize(values, i, mean, std); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(values, wantValues) {
					t.Errorf("%s is normalised otherwise", name)
				}
			}
			if crops == Crops1 {
				apply, err := c.CentralCrop(m)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(apply.Pix, cuts.Image(0).Pix) {
					t.Errorf("%v: the single crop differs from Apply's", size)
				}
			}
		}
	}
}

// TestCutsOfLongImages expects memory for the views alone, not for what lies between.
func TestCutsOfLongImages(t *testing.T) {
	m := colourfulImage(1_000_000, 1)
	views, err := (Preprocessing{Size: 299}).Views(Crops144, m.Width, m.Height)
	if err != nil {
		t.Fatal(err)
	}
	cuts, err := Cut(m, views, Bilinear)
	if err != nil {
		t.Fatal(err)
	}
	if got := cuts.Image(cuts.Len() - 1); got.Width != 299 {
		t.Errorf("the last view is %d wide", got.Width)
	}
}

func TestViewsErrors(t *testing.T) {
	c := Preprocessing{Size: 299, Crop: 0.875}
	check := func(c Preprocessing, crops Crops, width, height int, parts ...string) {
		t.Helper()
		_, err := c.Views(crops, width, height)
		wanted.Error(t, err, parts...)
	}
	check(c, 11, 9, 9, "1, 10, 12 or 144", "found 11")
	check(c, Crops12, 0, 9, "0 x 9")
	check(Preprocessing{Crop: 1}, Crops12, 9, 9, "size", "found 0")
	check(Preprocessing{Size: 9}, Crops1, 9, 9, "crop", "found 0")
	check(c, Crops144, 1<<26, 1, "longer side")
	m := colourfulImage(20, 20)
	for _, v := range []View{{20, 20, 15, 0, 9, 9, false}, {20, 20, 0, -1, 9, 9, false}, {20, 20, 0, 0, 0, 9, false}, {20, 20, 0, 0, 9, 0, false}} {
		_, err := Cut(m, []View{v}, Bicubic)
		wanted.Error(t, err, "inside")
	}
	cuts, err := Cut(m, []View{{20, 20, 0, 0, 9, 9, false}}, Bicubic)
	if err != nil {
		t.Fatal(err)
	}
	wanted.Error(t, cuts.Normalize(make([]float32, 5), 0, [3]float32{}, [3]float32{1, 1, 1}), "5 values", "243")
	wanted.Error(t, cuts.Normalize(make([]float32, 243), 0, [3]float32{}, [3]float32{}), "standard deviation")
}

// colourfulImage has no two pixels alike for long.
func colourfulImage(width, height int) *Image {
	m := newImage(width, height)
	random := rand.New(rand.NewPCG(uint64(width), uint64(height)))
	for i := range m.Pix {
		m.Pix[i] = uint8(random.Uint32())
	}
	return m
}
