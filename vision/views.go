package vision

import (
	"fmt"
	"math"
)

// Crops is how many parts of a photograph a network classifies; their softmax outputs
// are averaged (the paper's section 5).
type Crops int

const (
	// Crops1 is the central crop of a Preprocessing.
	Crops1 Crops = 1
	// Crops10 is the corners and the centre of the central square, each with its
	// mirror image (Krizhevsky et al., "ImageNet classification with deep convolutional
	// neural networks", section 4.1).
	Crops10 Crops = 10
	// Crops12 is Crops10 and the central square as a whole, with its mirror image.
	Crops12 Crops = 12
	// Crops144 is the parts of Crops12 in each of three squares along the longer side,
	// at each of four scales (Szegedy et al., arXiv 1409.4842, section 7).
	Crops144 Crops = 144
)

// ParseCrops returns the crops of the given number; the error for another lists those
// that there are.
func ParseCrops(n int) (Crops, error) {
	switch c := Crops(n); c {
	case Crops1, Crops10, Crops12, Crops144:
		return c, nil
	}
	return 0, fmt.Errorf("expected %d, %d, %d or %d crops, found %d", Crops1, Crops10, Crops12, Crops144, n)
}

// A View is one part of a photograph as a network looks at it: data that follow from
// the photograph's size alone.
type View struct {
	// Width and Height are what the whole photograph is resized to.
	Width  int `json:"width"`
	Height int `json:"height"`
	// X and Y are the top left corner of the square that is cut out of it, Side its side.
	X    int `json:"x"`
	Y    int `json:"y"`
	Side int `json:"side"`
	// Size is the side of the result: the square is resized where it differs from Side.
	Size int `json:"size"`
	// Mirrored exchanges left and right.
	Mirrored bool `json:"mirrored"`
}

// The shorter sides of the four scales at inputs of 299 pixels: 256, 288, 320 and 352
// for inputs of 224 pixels, times 299/224. The first is that of 10 and 12 crops.
var scales = [4]int{342, 384, 427, 470}

const scalesFor = 299

// Views returns the views of a photograph of the given size in pixels, as many as there
// are crops, in a fixed order: by scale, the smallest first; by square, from the left or
// the top; by part: the corners from the top left to the bottom right, the centre, the
// whole; each before its mirror image.
//
// The scales grow with the network's input: their shorter sides are 342, 384, 427 and
// 470 times Size/299, rounded to the nearest pixel. The longer side is rounded down, and
// a centre half way between two pixels goes to the even one, both as for a single crop.
// Crop is used for a single crop alone. Where the photograph is square, the three
// squares of a scale are the same one, and each view of 144 is there three times.
func (p Preprocessing) Views(crops Crops, width, height int) ([]View, error) {
	if _, err := ParseCrops(int(crops)); err != nil {
		return nil, err
	}
	if width < 1 || height < 1 {
		return nil, fmt.Errorf("a photograph has %d x %d pixels, expected at least one", width, height)
	}
	if crops == Crops1 {
		resizedWidth, resizedHeight, square, err := p.geometry(width, height)
		if err != nil {
			return nil, err
		}
		return []View{{Width: resizedWidth, Height: resizedHeight, X: square.x, Y: square.y, Side: p.Size, Size: p.Size}}, nil
	}
	if err := p.checkSize(); err != nil {
		return nil, err
	}
	views := make([]View, 0, crops)
	for _, scale := range scales {
		shorter := int(math.Round(float64(scale*p.Size) / scalesFor))
		resizedWidth, resizedHeight, err := resizedTo(float64(shorter), width, height)
		if err != nil {
			return nil, err
		}
		right, down := resizedWidth-shorter, resizedHeight-shorter // one of which is 0
		squares := [][2]int{{0, 0}, {middle(right), middle(down)}, {right, down}}
		if crops != Crops144 {
			squares = squares[1:2]
		}
		for _, at := range squares {
			square := View{Width: resizedWidth, Height: resizedHeight, X: at[0], Y: at[1], Side: shorter, Size: p.Size}
			views = square.appendParts(views, crops != Crops10)
		}
		if crops != Crops144 {
			break
		}
	}
	return views, nil
}

// appendParts appends the parts of a square, each with its mirror image.
func (square View) appendParts(views []View, whole bool) []View {
	last := square.Side - square.Size
	for _, at := range [5][2]int{{0, 0}, {last, 0}, {0, last}, {last, last}, {middle(last), middle(last)}} {
		part := square
		part.X, part.Y, part.Side = square.X+at[0], square.Y+at[1], square.Size
		views = append(views, part, part.mirrored())
	}
	if whole {
		views = append(views, square, square.mirrored())
	}
	return views
}

func (v View) mirrored() View {
	v.Mirrored = true
	return v
}

// middle halves what is left of a length, as torchvision and timm round.
func middle(left int) int { return int(math.RoundToEven(float64(left) / 2)) }
