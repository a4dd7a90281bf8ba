//go:build unix

package server

import (
	"fmt"
	"io/fs"
	"syscall"
)

// identity tells a file from another of its size and time that has taken its place, and from
// itself when others might read it.
func identity(info fs.FileInfo) string {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return fmt.Sprintf("%d %v %d %d", s.Ino, info.Mode(), s.Uid, s.Gid)
	}
	return ""
}
