package gallery

import (
	"cmp"
	"context"
	"fmt"
	"html/template"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-fb2c0fa6/inception/evaluate"
	"github.com/seed-fb2c0fa6/inception/score"
)

// How much of an evaluation is shown. A page of all this is about 10 MB.
const (
	mostWorst    = 30   // photographs of the largest losses
	mostColumns  = 30   // classes of which the whole matrix is shown
	mostPairs    = 100  // confusions of more classes
	mostConfused = 1200 // photographs of all confusions
	mostOfPair   = 12   // and of one
	leastOfPair  = 3
	mostChanged  = 24 // photographs that were corrected, and as many that were spoiled
)

// A gallery is one call of Write.
type gallery struct {
	report  *evaluate.Report
	options Options
	folder  string
	photos  []*photo // that are shown
}

// A view is what the page shows.
type view struct {
	Report      *evaluate.Report
	Row         evaluate.Row // the last
	Data        string
	Results     []result
	Worst       []*photo
	Classes     []class
	Matrix      [][]cell // [class][taken for]; nil for many classes
	Pairs       []*pair  // the most frequent first
	MorePairs   int      // that are not shown
	Comparisons []comparison
	Calibration []calibration
	Pictures    bool
}

// A result is the errors of a network, on some crops.
type result struct {
	Name       string
	Crops      int
	Top1, Top5 score.Errors
}

// A photo is an image that is shown, and what the last row says of it.
type photo struct {
	thumbnail
	index       int
	Name        string
	Link        template.URL // empty where it is no file
	Class       string
	Probability float64 // of its class
	Top         []guess
	Before      string // what it was taken for by the other side of a comparison
}

// A guess is one of the classes that an image may have.
type guess struct {
	Class       string
	Probability float64
	Right       bool
}

// A class is a line of the table of classes.
type class struct {
	evaluate.ClassRow
	Label    int
	Accuracy score.Errors // of what is right, not of errors
	Confused *pair        // with what most of its errors are; nil where it is not shown
}

// A pair is the images of one class that are taken for another.
type pair struct {
	Label, Taken   int
	Class, TakenAs string
	Images         int
	Photos         []*photo
	More           int // that are not shown
}

// A cell of the matrix has Level percent of the strongest colour.
type cell struct {
	Images int
	Level  int
	Right  bool
	Pair   *pair
	Name   string
}

// A calibration is one with its diagram.
type calibration struct {
	score.Calibration
	Title   string
	Diagram template.HTML
}

func (g *gallery) view(ctx context.Context) (*view, error) {
	r := g.report
	v := &view{Report: r, Row: r.Rows[len(r.Rows)-1], Data: g.options.Data, Pictures: g.options.Set != nil}
	if s := g.options.Single; s != nil {
		for _, row := range s.Rows {
			v.Results = append(v.Results, result{row.Name, int(s.Crops), row.Top1, row.Top5})
		}
	}
	for _, row := range r.Rows {
		v.Results = append(v.Results, result{row.Name, int(r.Crops), row.Top1, row.Top5})
	}
	wrong := g.wrong()
	for _, p := range wrong[:min(len(wrong), mostWorst)] {
		v.Worst = append(v.Worst, g.photo(p))
	}
	pairs := g.pairs(wrong)
	v.Pairs = pairs
	if len(r.Classes) > mostColumns {
		v.Pairs = pairs[:min(len(pairs), mostPairs)]
		v.MorePairs = len(pairs) - len(v.Pairs)
	} else {
		v.Matrix = matrix(r, pairs)
	}
	g.fill(v.Pairs, wrong)
	v.Classes = classes(r, v.Pairs)
	v.Comparisons = g.comparisons()
	if err := v.calibrate(r.Calibration); err != nil {
		return nil, err
	}
	if g.options.Set == nil {
		return v, nil
	}
	indexes := map[int]bool{}
	for _, p := range g.photos {
		indexes[p.index] = true
	}
	thumbnails, err := g.thumbnails(ctx, indexes)
	if err != nil {
		return nil, err
	}
	for _, p := range g.photos {
		p.thumbnail = thumbnails[p.index]
	}
	return v, nil
}

func taken(p evaluate.Prediction) int { return p.Top[len(p.Top)-1][0].Label }

// wrong returns what is taken for another class, that which gives the right class the least
// probability first.
func (g *gallery) wrong() []evaluate.Prediction {
	var wrong []evaluate.Prediction
	for _, p := range g.report.Predictions {
		if taken(p) != p.Label {
			wrong = append(wrong, p)
		}
	}
	slices.SortStableFunc(wrong, func(a, b evaluate.Prediction) int { return cmp.Compare(a.Logs[a.Label], b.Logs[b.Label]) })
	return wrong
}

// photo is one to show.
func (g *gallery) photo(p evaluate.Prediction) *photo {
	const guesses = 3
	classes := g.report.Classes
	shown := &photo{index: p.Index, Name: p.Name, Class: classes[p.Label], Probability: probability(p, p.Label), Link: g.link(p.Index)}
	top := p.Top[len(p.Top)-1]
	for _, c := range top[:min(len(top), guesses)] {
		shown.Top = append(shown.Top, guess{classes[c.Label], c.Probability, c.Label == p.Label})
	}
	g.photos = append(g.photos, shown)
	return shown
}

// link leads to a photograph that is a file, from the page where that is on one volume.
func (g *gallery) link(index int) template.URL {
	if g.options.Set == nil {
		return ""
	}
	path, ok := g.options.Set.File(index)
	if !ok {
		return ""
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return ""
	}
	if relative, err := filepath.Rel(g.folder, path); err == nil {
		return template.URL((&url.URL{Path: filepath.ToSlash(relative)}).String())
	}
	return template.URL((&url.URL{Scheme: "file", Path: "/" + strings.TrimPrefix(filepath.ToSlash(path), "/")}).String())
}

// pairs returns the confusions, the most frequent first, without photographs.
func (g *gallery) pairs(wrong []evaluate.Prediction) []*pair {
	classes := g.report.Classes
	at := map[[2]int]*pair{}
	var all []*pair
	for _, p := range wrong {
		key := [2]int{p.Label, taken(p)}
		if at[key] == nil {
			at[key] = &pair{Label: key[0], Taken: key[1], Class: classes[key[0]], TakenAs: classes[key[1]]}
			all = append(all, at[key])
		}
		at[key].Images++
	}
	slices.SortFunc(all, func(a, b *pair) int {
		return cmp.Or(cmp.Compare(b.Images, a.Images), cmp.Compare(a.Label, b.Label), cmp.Compare(a.Taken, b.Taken))
	})
	return all
}

// fill gives pairs their photographs, the worst first.
func (g *gallery) fill(pairs []*pair, wrong []evaluate.Prediction) {
	most := min(max(mostConfused/max(len(pairs), 1), leastOfPair), mostOfPair)
	at := map[[2]int]*pair{}
	for _, p := range pairs {
		at[[2]int{p.Label, p.Taken}] = p
	}
	for _, w := range wrong {
		p := at[[2]int{w.Label, taken(w)}]
		switch {
		case p == nil:
		case len(p.Photos) == most:
			p.More++
		default:
			p.Photos = append(p.Photos, g.photo(w))
		}
	}
}

// matrix is the whole of it; the colours go with the roots of the shares of a line, which
// shows small ones.
func matrix(r *evaluate.Report, pairs []*pair) [][]cell {
	at := map[[2]int]*pair{}
	for _, p := range pairs {
		at[[2]int{p.Label, p.Taken}] = p
	}
	all := make([][]cell, len(r.Classes))
	for label := range all {
		for other, images := range r.Confusion[label] {
			all[label] = append(all[label], cell{
				Images: images, Level: level(images, r.PerClass[label].Top1.Images), Right: other == label, Pair: at[[2]int{label, other}], Name: r.Classes[label],
			})
		}
	}
	return all
}

// classes are those that there are images of, the worst first.
func classes(r *evaluate.Report, pairs []*pair) []class {
	most := map[int]*pair{}
	for _, p := range pairs { // of equal ones the first
		if most[p.Label] == nil {
			most[p.Label] = p
		}
	}
	var all []class
	for label, c := range r.PerClass {
		if n := c.Top1.Images; n > 0 {
			all = append(all, class{c, label, score.ErrorsOf(n-c.Top1.Count, n), most[label]})
		}
	}
	slices.SortStableFunc(all, func(a, b class) int { return cmp.Compare(a.Accuracy.Rate, b.Accuracy.Rate) })
	return all
}

func (v *view) calibrate(c *evaluate.Calibration) error {
	add := func(title string, measured score.Calibration) error {
		diagram, err := reliability(measured)
		v.Calibration = append(v.Calibration, calibration{measured, title, diagram})
		return err
	}
	if err := add("As they are", c.Measured); err != nil || c.Tempered == nil {
		return err
	}
	return add(fmt.Sprintf("At the temperature %.3f", c.Tempered.Temperature), *c.Tempered)
}
