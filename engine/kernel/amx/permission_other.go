//go:build amd64 && !linux

package amx

import "errors"

// Permission returns the error that leave to use the tiles is asked for on Linux alone.
func Permission() error {
	return errors.New("AMX's tiles are used on Linux alone")
}
