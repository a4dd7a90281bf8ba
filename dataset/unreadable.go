package dataset

import (
	"fmt"
	"strings"
	"sync"
)

// DefaultMaxUnreadable is the share of a set that may be unreadable where no limit
// is set.
const DefaultMaxUnreadable = 0.01

// An UnreadableError says that too many images cannot be read or decoded.
type UnreadableError struct {
	// Images are those found so far, in the order in which they were met.
	Images []Unreadable
	// Limit is how many may be, Of the number of images.
	Limit, Of int
}

// An Unreadable is an image, or what else may be among them, that cannot be read or
// decoded, and why.
type Unreadable struct {
	Name string
	Err  error
}

// Error lists the first images.
func (e *UnreadableError) Error() string {
	const most = 20
	var b strings.Builder
	fmt.Fprintf(&b, "found %d unreadable images, expected at most %d of the %d there are; repair or remove them, or raise max_unreadable (--max-unreadable), the share that may be:", len(e.Images), e.Limit, e.Of)
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

// An UnreadableLimit counts the unreadable images of sets that are used together, such as
// those to train and to validate on, each image once. Its methods may be called from
// several goroutines at once.
type UnreadableLimit struct {
	report    func(name string, err error)
	limit, of int

	mu     sync.Mutex
	seen   map[imageOf]bool
	images []Unreadable
}

type imageOf struct {
	set   *Set
	index int
}

// NewUnreadableLimit lets a share, from 0 to 1, of a number of images be unreadable. Report
// is told once of each, from the goroutine that finds it; it may be nil.
func NewUnreadableLimit(of int, share float64, report func(name string, err error)) *UnreadableLimit {
	return &UnreadableLimit{report: report, limit: int(share * float64(of)), of: of, seen: map[imageOf]bool{}}
}

// Count returns how many images were found unreadable.
func (l *UnreadableLimit) Count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.images)
}

// Add counts an image of a set, unless it was before. It returns an *UnreadableError when
// there are too many, or none that can be read.
func (l *UnreadableLimit) Add(set *Set, index int, err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	image := imageOf{set, index}
	if l.seen[image] {
		return nil
	}
	l.seen[image] = true
	l.images = append(l.images, Unreadable{set.Name(index), err})
	if l.report != nil {
		l.report(set.Name(index), err)
	}
	if len(l.images) > l.limit || len(l.images) == l.of {
		return &UnreadableError{append([]Unreadable(nil), l.images...), min(l.limit, l.of-1), l.of}
	}
	return nil
}
