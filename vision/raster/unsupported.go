package raster

import (
	"errors"
	"fmt"
)

// An UnsupportedError says of what kind a file is whose kind is not read. It wraps
// errors.ErrUnsupported.
type UnsupportedError string

// Error returns the kind.
func (e UnsupportedError) Error() string { return string(e) }

// Is says that the error is errors.ErrUnsupported.
func (e UnsupportedError) Is(target error) bool { return target == errors.ErrUnsupported }

// Unsupported returns the error for a kind.
func Unsupported(format string, args ...any) error {
	return UnsupportedError(fmt.Sprintf(format, args...))
}
