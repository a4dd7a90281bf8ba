package dataset

import (
	"fmt"
	"strings"
)

// DefaultMaxUnreadable is the share of a set that may be unreadable where no limit
// is set.
const DefaultMaxUnreadable = 0.01

// An UnreadableError says that too many images of a set cannot be read or decoded.
type UnreadableError struct {
	// Images are those found so far, in the order in which they were met.
	Images []Unreadable
	// Limit is how many may be, Of the number of images in the set.
	Limit, Of int
}

// An Unreadable is an image that cannot be read or decoded, and why.
type Unreadable struct {
	Name string
	Err  error
}

// Error lists the first images.
func (e *UnreadableError) Error() string {
	const most = 20
	var b strings.Builder
	fmt.Fprintf(&b, "found %d unreadable images, expected at most %d of the %d in the set; repair or remove them, or raise the limit:", len(e.Images), e.Limit, e.Of)
	for i, image := range e.Images {
		if i == most {
			fmt.Fprintf(&b, "\n  and %d more", len(e.Images)-most)
			break
		}
		fmt.Fprintf(&b, "\n  %s: %v", image.Name, image.Err)
	}
	return b.String()
}

// Unwrap returns the reason for each image.
func (e *UnreadableError) Unwrap() []error {
	all := make([]error, len(e.Images))
	for i, image := range e.Images {
		all[i] = image.Err
	}
	return all
}

// A register counts a set's unreadable images, each once.
type register struct {
	report func(name string, err error)
	limit  int
	of     int
	seen   map[int]bool
	images []Unreadable
}

func newRegister(of int, share float64, report func(string, error)) *register {
	switch {
	case share == 0:
		share = DefaultMaxUnreadable
	case share < 0:
		share = 0
	}
	return &register{report: report, limit: int(share * float64(of)), of: of, seen: map[int]bool{}}
}

// add returns an error when there are too many, or none that can be read.
func (r *register) add(index int, name string, err error) error {
	if r.seen[index] {
		return nil
	}
	r.seen[index] = true
	r.images = append(r.images, Unreadable{name, err})
	if r.report != nil {
		r.report(name, err)
	}
	if len(r.images) > r.limit || len(r.images) == r.of {
		return &UnreadableError{r.images, min(r.limit, r.of-1), r.of}
	}
	return nil
}
