package evaluate

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

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
	// Calibration is that of the last row; nil without labels.
	Calibration *Calibration `json:"calibration,omitempty"`
	// Confusion is how many images of each class, by label, the last row took for each:
	// [true label][predicted label].
	Confusion [][]int `json:"-"`
	// Predictions are those of all images, in the order of the set.
	Predictions []Prediction `json:"-"`
	// Speed is zero in the report of shards, which have one each.
	Speed Speed `json:"speed,omitzero"`

	setup *setup
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
	// Recall is the share of its images that are taken for it, and Precision the share of
	// the images that are taken for it which are its own; nil where there are none.
	Recall    *float64 `json:"recall,omitempty"`
	Precision *float64 `json:"precision,omitempty"`
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

// report counts the predictions, which are in the order of the set, as are the unreadable
// images.
func (s *setup) report(predictions []Prediction, unreadable []failure) (*Report, error) {
	r := &Report{
		Images: len(predictions), Of: s.Of, Excluded: s.Excluded, Unreadable: []Unreadable{},
		Crops: s.Crops, Labelled: true, LeftOut: s.LeftOut, Classes: s.classes(), Matching: s.Matching, Renormalized: s.Renormalized,
		Predictions: predictions, setup: s,
	}
	for _, u := range unreadable {
		r.Unreadable = append(r.Unreadable, Unreadable{u.Name, u.Error})
	}
	if len(unreadable) > s.MostUnreadable {
		u := unreadable[s.MostUnreadable]
		return nil, &UnreadableError{u.Name, errors.New(u.Error), s.MostUnreadable, s.Images}
	}
	if len(predictions) == 0 {
		return nil, fmt.Errorf("none of the %d images can be read; the first: %s: %s", s.Images, unreadable[0].Name, unreadable[0].Error)
	}
	for _, p := range predictions {
		r.Labelled = r.Labelled && p.Label >= 0
	}
	for i, known := range s.Rows {
		row := Row{Name: string(known.Name), Size: known.Size, Classes: known.Classes}
		if r.Labelled {
			row.Top1, row.Top5 = r.count(i)
		}
		r.Rows = append(r.Rows, row)
	}
	if r.Labelled {
		r.countClasses()
		r.Calibration = r.calibration()
	}
	return r, nil
}

func (r *Report) count(row int) (top1, top5 score.Errors) {
	var one, five int
	for _, p := range r.Predictions {
		miss1, miss5 := p.misses(row)
		if miss1 {
			one++
		}
		if miss5 {
			five++
		}
	}
	return score.ErrorsOf(one, r.Images), score.ErrorsOf(five, r.Images)
}

// countClasses counts by class, for the last row.
func (r *Report) countClasses() {
	row, n := len(r.Rows)-1, len(r.Classes)
	r.Confusion = make([][]int, n)
	for i := range r.Confusion {
		r.Confusion[i] = make([]int, n)
	}
	images, taken, five := make([]int, n), make([]int, n), make([]int, n)
	for _, p := range r.Predictions {
		images[p.Label]++
		taken[p.Top[row][0].Label]++
		r.Confusion[p.Label][p.Top[row][0].Label]++
		if _, miss5 := p.misses(row); miss5 {
			five[p.Label]++
		}
	}
	for label, class := range r.Classes {
		c := ClassRow{Class: class, Top1: score.ErrorsOf(images[label]-r.Confusion[label][label], images[label]), Top5: score.ErrorsOf(five[label], images[label])}
		c.Recall, c.Precision = shareOf(r.Confusion[label][label], images[label]), shareOf(r.Confusion[label][label], taken[label])
		for other, count := range r.Confusion[label] {
			if other != label && count > c.ConfusedImages {
				c.Confused, c.ConfusedImages = r.Classes[other], count
			}
		}
		r.PerClass = append(r.PerClass, c)
	}
}

// shareOf is nil where there is nothing to have a share of.
func shareOf(count, of int) *float64 {
	if of == 0 {
		return nil
	}
	share := float64(count) / float64(of)
	return &share
}
