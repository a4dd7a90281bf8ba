package shard

import (
	"fmt"
	"path/filepath"
	"strings"
)

// A Shard is one of Of parts, counted from 0.
type Shard struct {
	Index int `json:"shard"`
	Of    int `json:"of"`
}

// Whole is the only part of an undivided list.
func Whole() Shard { return Shard{0, 1} }

// String is what Parse takes, such as 2/7.
func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, s.Of) }

// Check refuses what is no part.
func (s Shard) Check() error {
	switch {
	case s.Of < 1:
		return fmt.Errorf("found %d shards, expected at least 1", s.Of)
	case s.Index < 0 || s.Index >= s.Of:
		return fmt.Errorf("found shard %d of %d, expected %d to %d: shards are counted from 0", s.Index, s.Of, 0, s.Of-1)
	}
	return nil
}

// Range returns which of n things are the shard's: those from the first on, before the
// second. Shards differ in size by one at most; those of few things may be empty.
func (s Shard) Range(n int) (from, to int) {
	quotient, rest := n/s.Of, n%s.Of
	from = s.Index*quotient + min(s.Index, rest)
	to = from + quotient
	if s.Index < rest {
		to++
	}
	return from, to
}

// Path is the name of the shard's file among those of all: results.jsonl becomes
// results-00002-of-00007.jsonl.
func (s Shard) Path(path string) string {
	ending := filepath.Ext(path)
	return fmt.Sprintf("%s-%05d-of-%05d%s", strings.TrimSuffix(path, ending), s.Index, s.Of, ending)
}
