package evaluate

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/seed-fb2c0fa6/inception/score"
)

// Logs are natural logarithms of probabilities, of each class. As text they are base64 of
// float32, little-endian.
type Logs []float32

// logsOf takes a probability that is no normal number, as that of a class whose logit is 700
// below another's, for the least one, so that all logarithms are finite.
func logsOf(probabilities []float64) Logs {
	const least = 0x1p-1022
	l := make(Logs, len(probabilities))
	for i, p := range probabilities {
		l[i] = float32(math.Log(max(p, least)))
	}
	return l
}

// MarshalText writes base64.
func (l Logs) MarshalText() ([]byte, error) {
	data := make([]byte, 0, 4*len(l))
	for _, v := range l {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return base64.StdEncoding.AppendEncode(nil, data), nil
}

// UnmarshalText reads what MarshalText writes.
func (l *Logs) UnmarshalText(text []byte) error {
	data, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil {
		return fmt.Errorf("logarithms of probabilities: %w", err)
	}
	if len(data)%4 != 0 {
		return fmt.Errorf("logarithms of probabilities: found %d bytes, expected four for each", len(data))
	}
	*l = nil
	for at := 0; at < len(data); at += 4 {
		*l = append(*l, math.Float32frombits(binary.LittleEndian.Uint32(data[at:])))
	}
	return nil
}

// check refuses logarithms that are not of this many classes, or of no probabilities.
func (l Logs) check(classes int) error {
	if len(l) != classes {
		return fmt.Errorf("found logarithms of %d probabilities, expected %d", len(l), classes)
	}
	if !score.Finite(l) {
		return fmt.Errorf("found logarithms of probabilities that are not finite numbers")
	}
	return nil
}
