package server

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A Stamp is the state of files. The zero value is that of no files.
type Stamp struct {
	state   string // their places behind links, sizes, times and permissions
	changed time.Time
}

// StampOf returns the state of files now.
func StampOf(files ...string) (Stamp, error) {
	var s Stamp
	var all strings.Builder
	for _, file := range files {
		place, err := filepath.EvalSymlinks(file)
		if err != nil {
			return Stamp{}, err
		}
		info, err := os.Stat(place)
		if err != nil {
			return Stamp{}, err
		}
		fmt.Fprintf(&all, "%s %d %d %s\n", place, info.Size(), info.ModTime().UnixNano(), identity(info))
		if info.ModTime().After(s.changed) {
			s.changed = info.ModTime()
		}
	}
	s.state = all.String()
	return s, nil
}

// Same reports whether no file has changed between two stamps.
func (s Stamp) Same(o Stamp) bool { return s.state == o.state }

// still reports whether the files have not changed for a while.
func (s Stamp) still(d time.Duration) bool { return time.Since(s.changed) >= d }
