package replica

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// cores identifies those that this process may run on.
func cores() string {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return ""
	}
	return fmt.Sprint(set)
}
