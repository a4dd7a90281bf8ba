package vision

import (
	"errors"
	"fmt"
	"slices"
)

// Cuts is a photograph in the sizes that a list of views is cut from: resized once for
// each scale, and no further than the views reach. It may be read by several goroutines.
type Cuts struct {
	views []View
	cuts  []cut // one for each view
}

// A cut is the square of an image that is a view's result before it is mirrored.
type cut struct {
	image *Image
	x, y  int
}

// A part is a region of a photograph resized to width x height.
type part struct {
	width, height int
	region        region
	image         *Image
}

// Cut resizes an image for its views, which are those that Views returns for its size.
// Views of other sizes are cut too, but one that reaches beyond its resized image is an
// error.
func Cut(m *Image, views []View, filter Interpolation) (*Cuts, error) {
	if err := errors.Join(m.check(), filter.check()); err != nil {
		return nil, err
	}
	var parts []part
	for _, v := range views {
		if v.Side < 1 || v.X < 0 || v.Y < 0 || v.X > v.Width-v.Side || v.Y > v.Height-v.Side || max(v.Side, v.Size) > maxSize || v.Size < 1 {
			return nil, fmt.Errorf("a view of %d pixels is to be cut from the square of %d at %d,%d of an image of %d x %d, expected one inside it",
				v.Size, v.Side, v.X, v.Y, v.Width, v.Height)
		}
		parts = reach(parts, v)
	}
	for i, p := range parts {
		parts[i].image = resizeRegion(m, p.width, p.height, p.region, filter)
	}
	c := &Cuts{views: views, cuts: make([]cut, len(views))}
	shrunk := map[View]*Image{} // views that are resized once more
	for i, v := range views {
		v.Mirrored = false
		at := slices.IndexFunc(parts, func(p part) bool { return p.holds(v) })
		p := parts[at]
		c.cuts[i] = cut{p.image, v.X - p.region.x, v.Y - p.region.y}
		if v.Side == v.Size {
			continue
		}
		if shrunk[v] == nil {
			square, err := p.image.cut(region{c.cuts[i].x, c.cuts[i].y, v.Side, v.Side})
			if err != nil {
				return nil, err
			}
			shrunk[v] = resizeRegion(square, v.Size, v.Size, region{0, 0, v.Size, v.Size}, filter)
		}
		c.cuts[i] = cut{image: shrunk[v]}
	}
	return c, nil
}

// reach adds a view's square to the parts. Parts that overlap become one, so that no
// pixel is computed twice, while far ones, as in very long images, stay apart.
func reach(parts []part, v View) []part {
	if slices.ContainsFunc(parts, func(p part) bool { return p.holds(v) }) {
		return parts
	}
	added := part{width: v.Width, height: v.Height, region: v.square()}
	for i := 0; i < len(parts); i++ {
		p := parts[i]
		if p.width != v.Width || p.height != v.Height || !p.region.overlaps(added.region) {
			continue
		}
		added.region = p.region.around(added.region)
		parts = slices.Delete(parts, i, i+1)
		i = -1 // the larger region may overlap others
	}
	return append(parts, added)
}

func (v View) square() region { return region{v.X, v.Y, v.Side, v.Side} }

// holds tells whether a view can be cut from the part.
func (p part) holds(v View) bool {
	return p.width == v.Width && p.height == v.Height && p.region.around(v.square()) == p.region
}

func (r region) overlaps(o region) bool {
	return r.x < o.x+o.width && o.x < r.x+r.width && r.y < o.y+o.height && o.y < r.y+r.height
}

// around is the smallest region that holds both.
func (r region) around(o region) region {
	x, y := min(r.x, o.x), min(r.y, o.y)
	return region{x, y, max(r.x+r.width, o.x+o.width) - x, max(r.y+r.height, o.y+o.height) - y}
}

// Len returns the number of views.
func (c *Cuts) Len() int { return len(c.views) }

// Image returns view i, from 0 to Len()-1.
func (c *Cuts) Image(i int) *Image {
	v, from := c.views[i], c.cuts[i]
	out := newImage(v.Size, v.Size)
	for y := range v.Size {
		row, to := from.image.row(from.y + y)[3*from.x:], out.row(y)
		if !v.Mirrored {
			copy(to, row)
			continue
		}
		for x := range v.Size {
			copy(to[3*(v.Size-1-x):][:3], row[3*x:])
		}
	}
	return out
}

// Normalize writes view i, from 0 to Len()-1, into dst as Normalize writes an image.
func (c *Cuts) Normalize(dst []float32, i int, mean, std [3]float32) error {
	v, from := c.views[i], c.cuts[i]
	if len(dst) != v.Size*v.Size*3 {
		return fmt.Errorf("a view of %d x %d pixels is to be normalised into %d values, expected %d", v.Size, v.Size, len(dst), v.Size*v.Size*3)
	}
	values, err := newNormalization(mean, std)
	if err != nil {
		return err
	}
	for y := range v.Size {
		row, to := from.image.row(from.y + y)[3*from.x:][:3*v.Size], dst[y*v.Size*3:][:3*v.Size]
		if v.Mirrored {
			values.mirror(to, row)
		} else {
			values.write(to, row)
		}
	}
	return nil
}

// Bytes is the memory that the cuts hold.
func (c *Cuts) Bytes() int64 {
	var total int64
	seen := map[*Image]bool{}
	for _, part := range c.cuts {
		if !seen[part.image] {
			seen[part.image] = true
			total += int64(len(part.image.Pix))
		}
	}
	return total
}
