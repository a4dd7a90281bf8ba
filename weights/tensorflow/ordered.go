package tensorflow

import "encoding/binary"

// The key of a part of a tensor is a number that says so, the tensor's name, and where the
// part is, in TensorFlow's OrderedCode: bytes whose order is that of the values.

func sliceKey(name string, s slice) string {
	key := orderedNumber(nil, 0)
	key = orderedString(key, name)
	key = orderedNumber(key, uint64(len(s.start)))
	for axis, start := range s.start {
		length := s.length[axis]
		if s.unsaid[axis] {
			length = -1
		}
		key = orderedSigned(orderedSigned(key, int64(start)), int64(length))
	}
	return string(key)
}

// orderedNumber appends the count of a number's bytes and these, the highest first.
func orderedNumber(to []byte, v uint64) []byte {
	var bytes [8]byte
	binary.BigEndian.PutUint64(bytes[:], v)
	first := 0
	for first < len(bytes) && bytes[first] == 0 {
		first++
	}
	return append(append(to, byte(len(bytes)-first)), bytes[first:]...)
}

// orderedString appends a string in which 00 and ff are escaped, and its end.
func orderedString(to []byte, s string) []byte {
	for _, b := range []byte(s) {
		switch b {
		case 0:
			to = append(to, 0, 0xff)
		case 0xff:
			to = append(to, 0xff, 0)
		default:
			to = append(to, b)
		}
	}
	return append(to, 0, 1)
}

// orderedSigned appends a number in as few bytes as take seven bits each and its sign,
// with as many leading ones as there are bytes.
func orderedSigned(to []byte, v int64) []byte {
	magnitude := v
	if v < 0 {
		magnitude = ^v
	}
	n := 1
	for n < 10 && magnitude>>min(63, 7*n-1) != 0 {
		n++
	}
	var bytes [10]byte
	if v < 0 {
		bytes[0], bytes[1] = 0xff, 0xff
	}
	binary.BigEndian.PutUint64(bytes[2:], uint64(v))
	begin := bytes[10-n:]
	marks := uint16(0xffff) << (16 - n)
	begin[0] ^= byte(marks >> 8)
	if n > 8 {
		begin[1] ^= byte(marks)
	}
	return append(to, begin...)
}
