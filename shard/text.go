package shard

import (
	"encoding/json"
	"unicode/utf8"
)

// Text is a string that comes back as it was, also where it is no UTF-8, as names of files
// may be.
type Text string

type notUTF8 struct {
	Bytes []byte `json:"bytes"`
}

// MarshalJSON writes a string, or an object with its bytes in base64.
func (t Text) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(t)) {
		return json.Marshal(string(t))
	}
	return json.Marshal(notUTF8{[]byte(t)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (t *Text) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '{' {
		var n notUTF8
		err := json.Unmarshal(data, &n)
		*t = Text(n.Bytes)
		return err
	}
	return json.Unmarshal(data, (*string)(t))
}
