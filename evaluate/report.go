package evaluate

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/seed-fb2c0fa6/inception/internal/printable"
	"github.com/seed-fb2c0fa6/inception/score"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// ensemble is the name of the row of all members together.
const ensemble = "ensemble"

// A Report is the result of an evaluation.
type Report struct {
	// Images is how many images were classified, Of those of the set; Excluded is how many
	// were left out before.
	Images   int `json:"images"`
	Of       int `json:"of"`
	Excluded int `json:"excluded"`
	// Unreadable are the images that were left out since they cannot be decoded.
	Unreadable []Unreadable `json:"unreadable"`
	Crops      vision.Crops `json:"crops"`
	// Labelled is false for a set without labels, of which errors are not known.
	Labelled bool `json:"labelled"`
	// LeftOut is what the data have that is not among the images.
	LeftOut LeftOut `json:"left_out"`
	// Classes are those of the set, in the order of their labels; with Matching All those of
	// the networks that the set lacks behind them.
	Classes []string `json:"classes"`
	// Matching is how these go with those of the networks.
	Matching Matching `json:"matching"`
	// Renormalized is whether the probabilities are shares of the set's classes alone, of
	// more that the networks have.
	Renormalized bool `json:"renormalized"`
	// Rows are the members, and the ensemble after them where there are several.
	Rows []Row `json:"rows"`
	// PerClass are the classes in the order of their labels, by the last row.
	PerClass []ClassRow `json:"per_class"`
	// Confusion is how many images of each class, by label, the last row took for each:
	// [true label][predicted label].
	Confusion [][]int `json:"-"`
	// Predictions are those of all images, in the order of the set.
	Predictions []Prediction `json:"-"`
	Speed       Speed        `json:"speed"`
}

// WorstClasses returns the classes that there are images of, those with the largest top-1
// error first.
func (r *Report) WorstClasses() []ClassRow {
	classes := slices.DeleteFunc(slices.Clone(r.PerClass), func(c ClassRow) bool { return c.Top1.Images == 0 })
	slices.SortStableFunc(classes, func(a, b ClassRow) int { return cmp.Compare(b.Top1.Rate, a.Top1.Rate) })
	return classes
}

// A Row is one network, or all together.
type Row struct {
	Name string `json:"name"`
	// Size is the side of the input in pixels; 0 for an ensemble.
	Size int `json:"size,omitempty"`
	// Classes is the number of the network's; 0 for an ensemble.
	Classes int `json:"classes,omitempty"`
	// Top1 counts the images whose label is not the most probable class, Top5 those whose
	// label is not among the five most probable.
	Top1 score.Errors `json:"top1"`
	Top5 score.Errors `json:"top5"`
}

// A ClassRow is the images of one class.
type ClassRow struct {
	Class string       `json:"class"`
	Top1  score.Errors `json:"top1"`
	Top5  score.Errors `json:"top5"`
	// Confused is the class that most of the top-1 errors were taken for, the first of
	// equal ones; empty without errors.
	Confused string `json:"confused,omitempty"`
	// ConfusedImages is how many.
	ConfusedImages int `json:"confused_images,omitempty"`
}

// An Unreadable is an image that was left out, and why.
type Unreadable struct {
	Name  string `json:"name"`
	Error string `json:"error"`
}

// Speed is how long an evaluation took.
type Speed struct {
	// Seconds is the time from the first image to the last, of which networks Waited for
	// photographs to be decoded.
	Seconds float64 `json:"seconds"`
	Waited  float64 `json:"waited"`
	// Views is how many views went through networks: a photograph's crops, without those
	// that fall together, for each member.
	Views int `json:"views"`
	// Resumed is how many images were found in the file of predictions.
	Resumed int `json:"resumed"`
}

// report counts the predictions.
func (e *evaluation) report() (*Report, error) {
	slices.SortFunc(e.done, func(a, b Prediction) int { return a.Index - b.Index })
	r := &Report{
		Images: len(e.done), Of: e.set.Len(), Excluded: e.excluded, Unreadable: []Unreadable{},
		Crops: e.o.Crops, Labelled: true, LeftOut: LeftOutOf(e.set.LeftOut()), Classes: e.classes, Matching: e.o.Classes, Predictions: e.done, Speed: e.speed,
	}
	for _, u := range e.unreadable {
		r.Unreadable = append(r.Unreadable, Unreadable{printable.UTF8(u.Name), printable.UTF8(u.Err.Error())})
	}
	if len(e.done) == 0 {
		return nil, fmt.Errorf("none of the %d images can be read; the first: %w", len(e.indexes), e.unreadable[0])
	}
	for _, p := range e.done {
		r.Labelled = r.Labelled && e.label(p.Index) >= 0
	}
	for i, name := range e.rowNames() {
		row := Row{Name: name}
		if i < len(e.members) {
			row.Size, row.Classes = e.members[i].Preprocessing.Size, e.members[i].Classes
			r.Renormalized = r.Renormalized || slices.Contains(e.orders[i], absent)
		}
		if r.Labelled {
			row.Top1, row.Top5 = e.count(i)
		}
		r.Rows = append(r.Rows, row)
	}
	if r.Labelled {
		e.countClasses(r)
	}
	return r, nil
}

// rowNames are the names of the members, and the ensemble's where there are several.
func (e *evaluation) rowNames() []string {
	var names []string
	for _, m := range e.members {
		names = append(names, m.Name)
	}
	if len(names) > 1 {
		names = append(names, ensemble)
	}
	return names
}

// misses tells whether the label is none of the first, and none of the five.
func (e *evaluation) misses(p Prediction, row int) (top1, top5 bool) {
	label, classes := e.label(p.Index), p.Top[row]
	return classes[0].Label != label, !slices.ContainsFunc(classes, func(c Class) bool { return c.Label == label })
}

func (e *evaluation) count(row int) (top1, top5 score.Errors) {
	var one, five int
	for _, p := range e.done {
		miss1, miss5 := e.misses(p, row)
		if miss1 {
			one++
		}
		if miss5 {
			five++
		}
	}
	return score.ErrorsOf(one, len(e.done)), score.ErrorsOf(five, len(e.done))
}

// countClasses counts by class, for the last row.
func (e *evaluation) countClasses(r *Report) {
	row, n := len(r.Rows)-1, len(e.classes)
	r.Confusion = make([][]int, n)
	for i := range r.Confusion {
		r.Confusion[i] = make([]int, n)
	}
	images, five := make([]int, n), make([]int, n)
	for _, p := range e.done {
		label := e.label(p.Index)
		images[label]++
		r.Confusion[label][p.Top[row][0].Label]++
		if _, miss5 := e.misses(p, row); miss5 {
			five[label]++
		}
	}
	for label, class := range e.classes {
		c := ClassRow{Class: class, Top1: score.ErrorsOf(images[label]-r.Confusion[label][label], images[label]), Top5: score.ErrorsOf(five[label], images[label])}
		for other, count := range r.Confusion[label] {
			if other != label && count > c.ConfusedImages {
				c.Confused, c.ConfusedImages = e.classes[other], count
			}
		}
		r.PerClass = append(r.PerClass, c)
	}
}
