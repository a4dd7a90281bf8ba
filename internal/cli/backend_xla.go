//go:build xla

package cli

import "github.com/gomlx/go-xla/compute/xla" // registers "xla"

func init() {
	// A plug-in is of hundreds of megabytes: which, and from where, is the user's choice.
	xla.EnableAutoInstall(false)
}
