package evaluate

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/seed-fb2c0fa6/inception/internal/printable"
	"github.com/seed-fb2c0fa6/inception/score"
	"github.com/seed-fb2c0fa6/inception/shard"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// A setup is what is known of an evaluation but its predictions: all its shards have the
// same.
type setup struct {
	Of             int          `json:"of"` // images in the set
	Images         int          `json:"images"`
	Excluded       int          `json:"excluded"`
	MostUnreadable int          `json:"most_unreadable"`
	Crops          vision.Crops `json:"crops"`
	Matching       Matching     `json:"matching"`
	Renormalized   bool         `json:"renormalized"`
	Classes        []shard.Text `json:"classes"`
	LeftOut        LeftOut      `json:"left_out"`
	Rows           []setupRow   `json:"rows"` // the members, and the ensemble after them where there are several

	settings []shard.Setting
}

// A setupRow is what is known of a row of the report.
type setupRow struct {
	Name        shard.Text `json:"name"`
	Size        int        `json:"size"`
	Classes     int        `json:"classes"`
	Fingerprint string     `json:"fingerprint"`
}

// setUp describes the evaluation of images of these indexes, without others that are
// excluded.
func (e *evaluation) setUp(indexes []int, excluded int) (*setup, error) {
	s := &setup{
		Of: e.set.Len(), Images: len(indexes), Excluded: excluded, MostUnreadable: int(e.o.MaxUnreadable * float64(len(indexes))),
		Crops: e.o.Crops, Matching: e.o.Classes, LeftOut: LeftOutOf(e.set.LeftOut()),
	}
	if e.o.SkipUnreadable {
		s.MostUnreadable = len(indexes)
	}
	for _, class := range e.classes {
		s.Classes = append(s.Classes, shard.Text(class))
	}
	fingerprints, err := e.fingerprints()
	if err != nil {
		return nil, err
	}
	for i, m := range e.members {
		s.Rows = append(s.Rows, setupRow{shard.Text(m.Name), m.Preprocessing.Size, m.Classes, fingerprints[i]})
		s.Renormalized = s.Renormalized || slices.Contains(e.orders[i], absent)
	}
	if n := len(e.members); n > 1 {
		s.Rows = append(s.Rows, setupRow{Name: ensemble, Fingerprint: fingerprints[n]})
	}
	s.settings, err = e.settings(s, indexes)
	return s, err
}

// settings are what shards of one evaluation are told from others by.
func (e *evaluation) settings(s *setup, indexes []int) (all []shard.Setting, err error) {
	add := func(name string, value any) {
		text, ok := value.(string)
		if !ok {
			var data []byte
			if data, err = json.Marshal(value); err != nil {
				err = fmt.Errorf("%s: %w", name, err)
			}
			text = string(data)
		}
		all = append(all, shard.Setting{Name: name, Value: text})
	}
	for i, m := range e.members {
		which := ""
		if len(e.members) > 1 {
			which = fmt.Sprintf(" of network %d", i+1)
		}
		add("name"+which, printable.UTF8(m.Name))
		add("file of weights"+which, m.Fingerprint)
		add("preprocessing"+which, m.Preprocessing)
		labels, _ := json.Marshal(m.Labels)
		add("list of labels"+which, fmt.Sprintf("%d, SHA-256 %x", m.Classes, sha256.Sum256(labels)))
	}
	d := e.o.Decode
	add("number of crops", e.o.Crops)
	add("batch size", e.o.Batch)
	add("way to decode", []any{d.MaxPixels, d.MaxBytes, d.IgnoreOrientation, d.AllowTruncated, d.Exact})
	add("matching of classes", []any{e.o.Classes, e.o.ByNumber})
	add("number of photographs that may be unreadable", s.MostUnreadable)
	list := sha256.New()
	for _, index := range indexes {
		name := e.set.Name(index)
		fmt.Fprintf(list, "%d %d %d %s\n", index, e.label(index), len(name), name)
	}
	add("list of photographs and classes", fmt.Sprintf("%d, SHA-256 %x", len(indexes), list.Sum(nil)))
	return all, err
}

// fingerprints sum up what each row's predictions depend on beside the image.
func (e *evaluation) fingerprints() (all []string, err error) {
	sum := func(parts ...any) (string, error) {
		text, err := json.Marshal(parts)
		digest := sha256.Sum256(text)
		return fmt.Sprintf("%x", digest[:6]), err
	}
	for _, m := range e.members {
		parts := []any{m.Fingerprint, m.Preprocessing, e.o.Crops}
		if e.o.Decode.IgnoreOrientation {
			parts = append(parts, "as stored")
		}
		if e.o.Decode.Exact {
			parts = append(parts, "exact")
		}
		if e.o.Classes != Same {
			parts = append(parts, e.o.Classes)
		}
		one, err := sum(parts...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		all = append(all, one)
	}
	if len(all) > 1 {
		together, err := sum(all)
		if err != nil {
			return nil, err
		}
		all = append(all, together)
	}
	return all, nil
}

func (s *setup) classes() []string {
	all := make([]string, len(s.Classes))
	for i, class := range s.Classes {
		all[i] = string(class)
	}
	return all
}

// header is the first line of a file of predictions.
func (s *setup) header() []string {
	header := []string{"index", "image", "label", "model", "crops", "fingerprint"}
	for _, column := range []string{"top", "p"} {
		for i := range min(score.Five, len(s.Classes)) {
			header = append(header, column+strconv.Itoa(i+1))
		}
	}
	return append(header, "logs")
}

// key is the fields of a line that do not depend on what was computed.
func (s *setup) key(p Prediction, row int) []string {
	label := ""
	if p.Label >= 0 {
		label = string(s.Classes[p.Label])
	}
	return []string{strconv.Itoa(p.Index), p.Name, label, string(s.Rows[row].Name), strconv.Itoa(int(s.Crops)), s.Rows[row].Fingerprint}
}

// lines are those of an image.
func (s *setup) lines(p Prediction) [][]string {
	lines := make([][]string, len(p.Top))
	for row, top := range p.Top {
		fields := s.key(p, row)
		for _, c := range top {
			fields = append(fields, string(s.Classes[c.Label]))
		}
		for _, c := range top {
			fields = append(fields, strconv.FormatFloat(c.Probability, 'g', -1, 64))
		}
		logs := ""
		if row == len(p.Top)-1 {
			text, _ := p.Logs.MarshalText()
			logs = string(text)
		}
		lines[row] = append(fields, logs)
	}
	return lines
}

// WritePredictions writes a CSV file with one line for each image, in the order of the set,
// and row of the report. It is the file that Options.Predictions names:
//
//	index        the image's place in the set
//	image        its name in the set
//	label        the name of its class; empty where it is not known
//	model        a member's name, or "ensemble"
//	crops        how many crops its probabilities are the mean of
//	fingerprint  of what the line depends on: weights, preprocessing, crops
//	top1 ...     the names of the most probable classes, up to five
//	p1 ...       their probabilities, in digits that give back the same float64
//	logs         natural logarithms of the probabilities of all classes, in base64 of
//	             little-endian float32; empty but in an image's last line, and without a label
func (r *Report) WritePredictions(w io.Writer) error {
	lines := [][]string{r.setup.header()}
	for i := 0; ; i++ {
		data, err := csvLines(lines...)
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil || i == len(r.Predictions) {
			return err
		}
		lines = r.setup.lines(r.Predictions[i])
	}
}
