package dataset

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
)

// A TFRecord file is a sequence of records, little-endian:
//
//	length  uint64
//	masked CRC-32C of the length's 8 bytes  uint32
//	data    [length]byte
//	masked CRC-32C of the data  uint32
//
// (tensorflow/core/lib/io/record_writer.h).
const (
	recordHead = 12
	recordTail = 4
)

// maskedCRC is the CRC-32C of data, rotated and shifted by a constant so that data
// that hold their own sums do not sum to nothing.
func maskedCRC(data []byte) uint32 {
	sum := crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))
	return (sum>>15 | sum<<17) + 0xa282ead8
}

// startsRecord tells whether a file's first bytes are a record's head.
func startsRecord(head []byte) bool {
	return len(head) >= recordHead && maskedCRC(head[:8]) == binary.LittleEndian.Uint32(head[8:])
}

// recordLength checks the record that begins at offset at of a file of the given size
// without reading its data, and returns their length.
func recordLength(w *window, at, size int64) (int64, error) {
	if size-at < recordHead+recordTail {
		return 0, fmt.Errorf("the record at byte %d is cut off after %d bytes; copy or download the file again", at, size-at)
	}
	head, err := w.bytes(at, recordHead)
	if err != nil {
		return 0, err
	}
	if found, want := maskedCRC(head[:8]), binary.LittleEndian.Uint32(head[8:]); found != want {
		return 0, fmt.Errorf("the record at byte %d is corrupt: its length has the checksum %08x, expected %08x; copy or download the file again", at, found, want)
	}
	length := binary.LittleEndian.Uint64(head)
	if length > uint64(size-at-recordHead-recordTail) {
		return 0, fmt.Errorf("the record at byte %d is cut off: it has %d bytes, and the file ends %d bytes after it begins; copy or download the file again", at, length, size-at)
	}
	return int64(length), nil
}

// readRecord reads the data of the record at offset at, and checks their sum.
func readRecord(path string, at, length int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data := make([]byte, length+recordTail)
	if _, err := file.ReadAt(data, at+recordHead); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("%s: the record at byte %d: %w", path, at, err)
	}
	data, tail := data[:length], data[length:]
	if found, want := maskedCRC(data), binary.LittleEndian.Uint32(tail); found != want {
		return nil, fmt.Errorf("%s: the record at byte %d is corrupt: its %d bytes have the checksum %08x, expected %08x; copy or download the file again", path, at, length, found, want)
	}
	return data, nil
}
