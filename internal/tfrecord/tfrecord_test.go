package tfrecord

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

// TestChecksums compares with published vectors: RFC 3720 (iSCSI), appendix B.4, and
// the check value of CRC-32C. Masked sums are in TestTensorFlowsRecords.
func TestChecksums(t *testing.T) {
	ascending := make([]byte, 32)
	for i := range ascending {
		ascending[i] = byte(i)
	}
	for name, c := range map[string]struct {
		data []byte
		want uint32
	}{
		"check value":   {[]byte("123456789"), 0xE3069283},
		"32 zeros":      {make([]byte, 32), 0x8A9136AA},
		"32 bytes 0xff": {bytes.Repeat([]byte{0xff}, 32), 0x62A8AB43},
		"0 to 31":       {ascending, 0x46DD794E},
		"nothing":       {nil, 0},
	} {
		rotated := maskedSum(c.data) - 0xa282ead8
		if got := rotated<<15 | rotated>>17; got != c.want {
			t.Errorf("%s: %08x, want %08x", name, got, c.want)
		}
	}
}

// TestTensorFlowsRecords reads and writes a file as TensorFlow wrote it: the records
// foo and bar (apache/beam, sdks/python/apache_beam/io/tfrecordio_test.py).
func TestTensorFlowsRecords(t *testing.T) {
	file, err := base64.StdEncoding.DecodeString("AwAAAAAAAACwmUkOZm9vYYq+/gMAAAAAAAAAsJlJDmJhckYA5cg=")
	if err != nil {
		t.Fatal(err)
	}
	if got := Append(Append(nil, []byte("foo")), []byte("bar")); !bytes.Equal(got, file) {
		t.Errorf("wrote % x, want % x", got, file)
	}
	if !Begins(file) || Begins(file[1:]) || Begins(file[:HeadSize-1]) {
		t.Error("the head of the first record should be recognised, and nothing else")
	}
	r, size := bytes.NewReader(file), int64(len(file))
	at := int64(0)
	for _, want := range []string{"foo", "bar"} {
		length, err := Length(r, at, size)
		if err != nil || length != 3 {
			t.Fatalf("length %d: %v", length, err)
		}
		if data, err := Read(r, at, length); err != nil || string(data) != want {
			t.Errorf("%q, want %q: %v", data, want, err)
		}
		at += HeadSize + length + TailSize
	}
	if at != size {
		t.Errorf("the records end at %d of %d", at, size)
	}
}

func TestDamage(t *testing.T) {
	good := Append(nil, []byte("some data"))
	second := int64(len(good))
	flipped := func(at int) []byte {
		file := slices.Concat(good, good)
		file[len(good)+at] ^= 1
		return file
	}
	length := binary.LittleEndian.AppendUint64(nil, 1<<63+5)
	huge := slices.Concat(good, binary.LittleEndian.AppendUint32(length, maskedSum(length)), make([]byte, 100))
	for name, c := range map[string]struct {
		file []byte
		want []string
	}{
		"length":            {flipped(3), []string{"byte 25", "its length has the checksum", "again"}},
		"length's checksum": {flipped(9), []string{"byte 25", "its length has the checksum"}},
		"cut head":          {slices.Concat(good, good[:7]), []string{"byte 25", "cut off after 7 bytes"}},
		"cut data":          {slices.Concat(good, good[:20]), []string{"byte 25", "cut off", "the file ends 20 bytes after"}},
		"huge length":       {huge, []string{"byte 25", "cut off", "9223372036854775813 bytes"}},
		"data":              {flipped(15), []string{"byte 25", "its 9 bytes have the checksum", "again"}},
		"data's checksum":   {flipped(22), []string{"byte 25", "its 9 bytes have the checksum"}},
	} {
		r := bytes.NewReader(c.file)
		n, err := Length(r, second, r.Size())
		if err == nil {
			_, err = Read(r, second, n)
		}
		for _, part := range c.want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: the error is %v, should have %q", name, err, part)
			}
		}
	}
	// A file that has been cut since it was listed.
	if _, err := Read(bytes.NewReader(good[:20]), 0, 9); err == nil || !strings.Contains(err.Error(), "unexpected EOF") {
		t.Errorf("a file that was cut returns %v", err)
	}
}
