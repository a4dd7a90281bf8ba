package explain

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/math/fixed"

	"github.com/seed-fb2c0fa6/inception/vision"
)

// A Sheet is tiles of numbers side by side, as pictures that are enlarged without smoothing.
type Sheet struct {
	// Lines are what is written above the tiles.
	Lines []string
	// Photograph is drawn above the tiles; nil for none.
	Photograph *vision.Image
	// Height and Width are those of each patch of a tile, and Colours is 1 for greys, or 3 for
	// R, G, B.
	Height, Width, Colours int
	Tiles                  []Tile
	// Largest is what white stands for; with Each it is each tile's own largest absolute value.
	Largest float32
	Each    bool
	// Signed lets values below 0 be darker than the middle grey, which is 0 then, and black
	// -Largest. Black is 0 otherwise.
	Signed bool
}

// A Tile is one or more patches, in rows from the top left.
type Tile struct {
	// Index is the tile's among all that there are, also those that a Sheet leaves out.
	Index int
	// Label is what is written under it.
	Label string
	// Patches are of the Sheet's height, width and colours, the last axis fastest.
	Patches [][]float32
}

// Largest is the largest absolute value of a tile.
func (t Tile) Largest() float32 {
	var largest float32
	for _, p := range t.Patches {
		largest = max(largest, Map{Values: p}.Largest())
	}
	return largest
}

// level is the brightness of a value.
func (s *Sheet) level(v, largest float32) uint8 {
	share := 0.0
	if largest > 0 {
		share = float64(v) / float64(largest)
	}
	if s.Signed {
		share = (share + 1) / 2
	}
	return uint8(math.Floor(255*min(max(share, 0), 1) + 0.5))
}

// The layout of a sheet, in pixels.
const (
	tileSide   = 140 // that tiles of one patch are enlarged to at most, where they are smaller
	manySide   = 192
	patchGap   = 1 // where patches are more than a value
	lineHeight = textSize + 5
	scaleWidth = 256
	scaleRoom  = 3 * lineHeight
)

// columns is how many tiles a row has: numbers by which places are easily counted.
func (s *Sheet) columns() int {
	const few, many = 8, 16
	if len(s.Tiles) <= few*few {
		return min(len(s.Tiles), few)
	}
	return many
}

// Draw draws the sheet.
func (s *Sheet) Draw() (image.Image, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	face, err := textFace()
	if err != nil {
		return nil, err
	}
	// A tile is rows of patches, about as high as it is wide.
	patches := len(s.Tiles[0].Patches)
	across := min(patches, int(math.Ceil(math.Sqrt(float64(patches)*float64(s.Height)/float64(s.Width)))))
	down := (patches + across - 1) / across
	side := tileSide
	if patches > 1 {
		side = manySide
	}
	unit := max(1, side/max(across*s.Width, down*s.Height)) // pixels of a value
	space := patchGap
	if s.Width*s.Height == 1 {
		space = 0
	}
	pitch := image.Pt(unit*s.Width+space, unit*s.Height+space) // of patches
	width, height := across*pitch.X-space, down*pitch.Y-space

	cell := width // with its label
	for _, t := range s.Tiles {
		cell = max(cell, font.MeasureString(face, t.Label).Ceil())
	}
	headWidth, headHeight := scaleWidth, len(s.Lines)*lineHeight+scaleRoom
	for _, line := range s.Lines {
		headWidth = max(headWidth, font.MeasureString(face, line).Ceil())
	}
	left := gap // of the lines
	if m := s.Photograph; m != nil {
		left += m.Width + gap
		headHeight = max(headHeight, m.Height)
	}
	columns := s.columns()
	rows := (len(s.Tiles) + columns - 1) / columns
	top := gap + headHeight + gap // of the tiles
	size := image.Pt(max(gap+columns*(cell+gap), left+headWidth+gap), top+rows*(height+lineHeight+gap))
	if size.X > vision.DefaultMaxPixels/size.Y {
		return nil, fmt.Errorf("a sheet of %d tiles has %d x %d pixels, expected at most %d; draw fewer", len(s.Tiles), size.X, size.Y, vision.DefaultMaxPixels)
	}
	picture := image.NewNRGBA(image.Rectangle{Max: size})
	draw.Draw(picture, picture.Bounds(), image.White, image.Point{}, draw.Src)
	write := func(x, y int, text string) { // from a line's top left
		d := font.Drawer{Dst: picture, Src: image.Black, Face: face, Dot: fixed.P(x, y+textSize)}
		d.DrawString(text)
	}
	if m := s.Photograph; m != nil {
		for i := range m.Width * m.Height {
			p := m.Pix[3*i:]
			picture.SetNRGBA(gap+i%m.Width, gap+i/m.Width, color.NRGBA{p[0], p[1], p[2], 255})
		}
	}
	for i, line := range s.Lines {
		write(left, gap+i*lineHeight, line)
	}
	s.drawScale(picture, left, gap+len(s.Lines)*lineHeight+lineHeight/2, write, func(text string) int { return font.MeasureString(face, text).Ceil() })
	for i, t := range s.Tiles {
		x, y := gap+i%columns*(cell+gap), top+i/columns*(height+lineHeight+gap)
		largest := s.Largest
		if s.Each {
			largest = t.Largest()
		}
		for j, p := range t.Patches {
			s.drawPatch(picture, x+j%across*pitch.X, y+j/across*pitch.Y, unit, p, largest)
		}
		write(x, y+height, t.Label)
	}
	return picture, nil
}

func (s *Sheet) drawPatch(picture *image.NRGBA, left, top, unit int, values []float32, largest float32) {
	for i := range s.Height * s.Width {
		v := values[i*s.Colours:][:s.Colours]
		c := color.NRGBA{s.level(v[0], largest), s.level(v[s.Colours/2], largest), s.level(v[s.Colours-1], largest), 255}
		corner := image.Pt(left+i%s.Width*unit, top+i/s.Width*unit)
		draw.Draw(picture, image.Rectangle{corner, corner.Add(image.Pt(unit, unit))}, image.NewUniform(c), image.Point{}, draw.Src)
	}
}

// drawScale draws what the greys stand for.
func (s *Sheet) drawScale(picture *image.NRGBA, left, top int, write func(x, y int, text string), widthOf func(text string) int) {
	for x := range scaleWidth {
		share := float32(x) / (scaleWidth - 1)
		if s.Signed {
			share = 2*share - 1
		}
		level := s.level(share, 1)
		for y := range lineHeight {
			picture.SetNRGBA(left+x, top+y, color.NRGBA{level, level, level, 255})
		}
	}
	low, high := signed(-float64(s.Largest)), signed(float64(s.Largest))
	if s.Each {
		low, high = "minus it", "the tile's largest"
	}
	ends := []string{low, "0", high}
	if !s.Signed {
		ends = ends[1:]
	}
	for i, text := range ends {
		x := i * (scaleWidth - widthOf(text)) / (len(ends) - 1)
		write(left+x, top+lineHeight, text)
	}
}

func (s *Sheet) check() error {
	if len(s.Tiles) == 0 {
		return fmt.Errorf("a sheet has no tiles, expected at least one")
	}
	values := s.Height * s.Width * s.Colours
	if s.Height < 1 || s.Width < 1 || s.Colours != 1 && s.Colours != 3 {
		return fmt.Errorf("patches are %d x %d of %d colours, expected at least 1 x 1 of 1 or 3", s.Height, s.Width, s.Colours)
	}
	for _, t := range s.Tiles {
		if len(t.Patches) == 0 || len(t.Patches) != len(s.Tiles[0].Patches) {
			return fmt.Errorf("tile %d has %d patches, expected as many as the first, %d, and at least one", t.Index, len(t.Patches), len(s.Tiles[0].Patches))
		}
		for _, p := range t.Patches {
			if len(p) != values {
				return fmt.Errorf("a patch of tile %d has %d values, expected %d x %d x %d", t.Index, len(p), s.Height, s.Width, s.Colours)
			}
		}
	}
	return nil
}
