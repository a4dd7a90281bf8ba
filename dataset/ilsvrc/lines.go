package ilsvrc

import (
	"fmt"
	"strings"

	"github.com/seed-fb2c0fa6/inception/internal/textfile"
)

// eachLine calls parse for the lines that are not empty, nor comments; its errors name the
// line.
func eachLine(data []byte, parse func(line string) error) error {
	for number, line := range textfile.Lines(data) {
		text := strings.TrimSpace(line)
		if text == "" {
			continue
		}
		if err := parse(text); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
	}
	return nil
}
