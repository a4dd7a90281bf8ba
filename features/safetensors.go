package features

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

// tensorsEncoder writes one tensor and its metadata. Its header comes first and has the names
// of the rows: the place for all is left, and those that have none become spaces.
type tensorsEncoder struct {
	patched
	h      Header
	files  []string // of the rows
	room   int      // bytes of the header's text
	values []byte
}

// headerLimit is what readers of the format take.
const headerLimit = 100_000_000

func beginSafetensors(w io.WriteSeeker, h Header) (encoder, error) {
	e := &tensorsEncoder{patched: newPatched(w), h: h}
	text, err := e.text(h.Files)
	if err != nil {
		return nil, err
	}
	const alignment = 8
	e.room = (len(text) + alignment - 1) / alignment * alignment
	if e.room > headerLimit {
		return nil, fmt.Errorf("the names of %d photographs take %d bytes, and a header has at most %d; write .npy", len(h.Files), e.room, headerLimit)
	}
	_, err = e.Write(e.beginning(text))
	return e, err
}

// text is the header for rows of the given photographs.
func (e *tensorsEncoder) text(files []string) ([]byte, error) {
	about, err := json.Marshal(e.h.About)
	if err != nil {
		return nil, err
	}
	names, err := json.Marshal(utf8Names(files))
	if err != nil {
		return nil, err
	}
	size := 4 * len(files) * e.h.values()
	type tensor struct {
		DType   string `json:"dtype"`
		Shape   []int  `json:"shape"`
		Offsets [2]int `json:"data_offsets"`
	}
	return json.Marshal(struct {
		Metadata map[string]string `json:"__metadata__"`
		Features tensor            `json:"features"`
	}{
		map[string]string{keyAbout: string(about), keyFiles: string(names)},
		tensor{"F32", append([]int{len(files)}, e.h.Shape...), [2]int{0, size}},
	})
}

func (e *tensorsEncoder) beginning(text []byte) []byte {
	beginning := binary.LittleEndian.AppendUint64(nil, uint64(e.room))
	beginning = append(beginning, text...)
	return append(beginning, bytes.Repeat([]byte{' '}, e.room-len(text))...)
}

func (e *tensorsEncoder) row(r Row) (err error) {
	if r.Err != nil {
		return nil
	}
	e.files = append(e.files, r.File)
	e.values, err = writeFloats(e, e.values[:0], r.Values)
	return err
}

func (e *tensorsEncoder) end() error {
	text, err := e.text(e.files)
	if err != nil {
		return err
	}
	if len(text) > e.room {
		return fmt.Errorf("the names of %d rows take more than the %d bytes that were left for those of %d photographs", len(e.files), e.room, len(e.h.Files))
	}
	return e.patch(e.beginning(text))
}
