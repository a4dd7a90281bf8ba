package ilsvrc

import (
	"bytes"
	"fmt"
	"strings"
)

// eachLine calls parse for the lines that are not empty; its errors name the line.
func eachLine(data []byte, parse func(line string) error) error {
	number := 0
	for line := range bytes.Lines(data) {
		number++
		text := strings.TrimSpace(string(line))
		if text == "" {
			continue
		}
		if err := parse(text); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
	}
	return nil
}
