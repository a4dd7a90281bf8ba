package evaluate

import (
	"cmp"
	"fmt"

	"github.com/seed-fb2c0fa6/inception/vision"
)

// A group is the members that look at the same views, so that these are made once.
type group struct {
	preprocessing vision.Preprocessing
	crops         vision.Crops
	members       []int // places in the evaluation's members
	resizedTo     int   // the largest shorter side that photographs are resized to
}

// groupsOf puts members of equal preprocessing together, in the order of the first of
// each.
func groupsOf(members []Member, crops vision.Crops) ([]*group, error) {
	var groups []*group
	found := map[vision.Preprocessing]*group{}
	for i, m := range members {
		p := m.Preprocessing
		if crops != vision.Crops1 {
			p.Crop = 0 // other crops do not depend on it
		}
		p.Alpha = cmp.Or(p.Alpha, vision.AlphaWhite)
		g := found[p]
		if g == nil {
			g = &group{preprocessing: p, crops: crops}
			// Whatever is wrong with the preprocessing shows on any photograph.
			views, err := g.preprocessing.Views(crops, 1, 1)
			if err == nil {
				err = g.normalize(make([]float32, g.values()), &vision.Image{Width: 1, Height: 1, Pix: make([]uint8, 3)}, views)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", m.Name, err)
			}
			for _, v := range views {
				g.resizedTo = max(g.resizedTo, min(v.Width, v.Height))
			}
			found[p] = g
			groups = append(groups, g)
		}
		g.members = append(g.members, i)
	}
	return groups, nil
}

// normalize checks that the first of an image's views can be made.
func (g *group) normalize(dst []float32, m *vision.Image, views []vision.View) error {
	cuts, err := vision.Cut(m, views[:1], g.preprocessing.Interpolation)
	if err != nil {
		return err
	}
	return cuts.Normalize(dst, 0, g.preprocessing.Mean, g.preprocessing.Std)
}

// values is the number of values in an image of the group.
func (g *group) values() int { return g.preprocessing.Size * g.preprocessing.Size * 3 }

// viewsOf returns the views of a photograph.
func (g *group) viewsOf(m *vision.Image) ([]vision.View, error) {
	width, height := m.PhotoSize()
	return g.preprocessing.Views(g.crops, width, height)
}

// A sight is what a group sees of a photograph: its distinct views, and how many of the
// crops each stands for. Those of a square photograph fall together.
type sight struct {
	cuts  *vision.Cuts
	count []int
}

func (g *group) look(m *vision.Image) (sight, error) {
	views, err := g.viewsOf(m)
	if err != nil {
		return sight{}, err
	}
	var s sight
	at := make(map[vision.View]int, len(views))
	distinct := views[:0]
	for _, v := range views {
		i, ok := at[v]
		if !ok {
			i = len(distinct)
			at[v] = i
			distinct = append(distinct, v)
			s.count = append(s.count, 0)
		}
		s.count[i]++
	}
	s.cuts, err = vision.Cut(m, distinct, g.preprocessing.Interpolation)
	return s, err
}
