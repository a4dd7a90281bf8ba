package evaluate

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/seed-fb2c0fa6/inception/score"
	"github.com/seed-fb2c0fa6/inception/shard"
)

// A Part is what the evaluation of one shard has found. Join makes the report of all.
type Part struct {
	Shard shard.Shard
	// Settings are further ones that the numbers depend on, such as what computes: parts
	// that differ in them are not joined.
	Settings []shard.Setting
	// Speed is that of the part.
	Speed Speed

	setup       *setup
	predictions []Prediction // in the order of the set, as are
	unreadable  []failure
}

// Images is how many the part has; Unreadable is how many of these cannot be decoded.
func (p *Part) Images() int     { return len(p.predictions) + len(p.unreadable) }
func (p *Part) Unreadable() int { return len(p.unreadable) }

// A failure is an image that cannot be read or decoded, and why. Both texts are UTF-8.
type failure struct {
	Index int    `json:"index"`
	Name  string `json:"name"`
	Error string `json:"error"`
}

// Kind is that of the shards' files.
const Kind = "evaluation"

// Write writes the file of the shard.
func (p *Part) Write(to io.Writer) error {
	common, err := json.Marshal(p.setup)
	if err != nil {
		return err
	}
	settings := append(p.setup.settings[:len(p.setup.settings):len(p.setup.settings)], p.Settings...)
	w, err := shard.NewWriter(to, shard.Header{Kind: Kind, Shard: p.Shard, Things: p.setup.Images, Settings: settings, Common: common})
	if err != nil {
		return err
	}
	done, failed := p.predictions, p.unreadable
	for len(done)+len(failed) > 0 {
		if len(failed) == 0 || len(done) > 0 && done[0].Index < failed[0].Index {
			err, done = w.Append(done[0]), done[1:]
		} else {
			err, failed = w.Append(failed[0]), failed[1:]
		}
		if err != nil {
			return err
		}
	}
	return w.Close()
}

// Join makes the report that Run would, but for its Speed, of the files of all shards.
func Join(paths []string) (*Report, error) {
	joined, err := shard.Join(Kind, paths)
	if err != nil {
		return nil, err
	}
	var s setup
	if err := json.Unmarshal(joined.Header.Common, &s); err != nil {
		return nil, fmt.Errorf("%s: the first line: %w", paths[0], err)
	}
	var predictions []Prediction
	var unreadable []failure
	last := -1
	err = joined.Each(func(data json.RawMessage) error {
		var record struct {
			Prediction
			Error *string `json:"error"`
		}
		if err := json.Unmarshal(data, &record); err != nil {
			return err
		}
		p := record.Prediction
		if p.Index <= last || p.Index >= s.Of {
			return fmt.Errorf("found image %d after image %d of %d, expected them in their order", p.Index, last, s.Of)
		}
		last = p.Index
		if record.Error != nil {
			unreadable = append(unreadable, failure{p.Index, p.Name, *record.Error})
			return nil
		}
		if err := s.check(p); err != nil {
			return fmt.Errorf("image %d: %w", p.Index, err)
		}
		predictions = append(predictions, p)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.report(predictions, unreadable)
}

// check refuses a prediction that is not of this evaluation.
func (s *setup) check(p Prediction) error {
	if len(p.Top) != len(s.Rows) || p.Label >= len(s.Classes) {
		return fmt.Errorf("found the label %d and classes of %d networks, expected a label below %d and %d networks", p.Label, len(p.Top), len(s.Classes), len(s.Rows))
	}
	if p.Label >= 0 {
		if err := p.Logs.check(len(s.Classes)); err != nil {
			return err
		}
	}
	for _, top := range p.Top {
		if len(top) != min(score.Five, len(s.Classes)) {
			return fmt.Errorf("found %d classes, expected %d", len(top), min(score.Five, len(s.Classes)))
		}
		for _, c := range top {
			if c.Label < 0 || c.Label >= len(s.Classes) {
				return fmt.Errorf("found the class %d, expected one from 0 to %d", c.Label, len(s.Classes)-1)
			}
		}
	}
	return nil
}
