package tensorfile

import (
	"errors"
	"fmt"
	"strings"
)

// A Mismatch is a complaint about a file's contents.
type Mismatch struct {
	Format, File string
	// Tensor is empty where the complaint is about the file as a whole.
	Tensor string
	// Expected, Found and Advice say what is wrong and what to do.
	Expected, Found, Advice string
}

func (m *Mismatch) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s: ", m.Format, m.File)
	if m.Tensor != "" {
		fmt.Fprintf(&b, "tensor %s: ", Quote(m.Tensor))
	}
	fmt.Fprintf(&b, "expected %s, found %s; %s", m.Expected, m.Found, m.Advice)
	return b.String()
}

// UnreadType marks the error of a tensor's Values that says that elements of its type are
// not read as numbers: errors.Is finds errors.ErrUnsupported in it, which tells it from
// those of damaged data.
func UnreadType(err error) error { return unreadType{err} }

type unreadType struct{ error }

func (u unreadType) Unwrap() error { return u.error }

func (u unreadType) Is(target error) bool { return target == errors.ErrUnsupported }

// QuoteLimit bounds, in bytes, what an error repeats of a file's own text: a
// hostile header may hold a name of a hundred megabytes.
const QuoteLimit = 200

// Quote returns s in quotes, cut at QuoteLimit.
func Quote(s string) string {
	if len(s) > QuoteLimit {
		return fmt.Sprintf("%q... (%d bytes)", s[:QuoteLimit], len(s))
	}
	return fmt.Sprintf("%q", s)
}
