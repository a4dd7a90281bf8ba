// Package tfrecord has the framing of TFRecord files, which hold the examples of data
// sets and the events that TensorBoard shows.
//
// A file is a sequence of records, little-endian
// (tensorflow/core/lib/io/record_writer.h):
//
//	length  uint64
//	masked CRC-32C of the length's 8 bytes  uint32
//	data    [length]byte
//	masked CRC-32C of the data  uint32
package tfrecord

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// The bytes of a record before and after its data.
const (
	HeadSize = 12
	TailSize = 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// maskedSum is the CRC-32C of data, rotated and shifted by a constant so that data
// that hold their own sums do not sum to nothing.
func maskedSum(data []byte) uint32 {
	sum := crc32.Checksum(data, castagnoli)
	return (sum>>15 | sum<<17) + 0xa282ead8
}

// Begins tells whether the first bytes of a file are a record's head.
func Begins(head []byte) bool {
	return len(head) >= HeadSize && maskedSum(head[:8]) == binary.LittleEndian.Uint32(head[8:])
}

// Append appends a record of the data to dst.
func Append(dst, data []byte) []byte {
	at := len(dst)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(data)))
	dst = binary.LittleEndian.AppendUint32(dst, maskedSum(dst[at:]))
	dst = append(dst, data...)
	return binary.LittleEndian.AppendUint32(dst, maskedSum(data))
}

// Length checks the record that begins at offset at of a file of the given size,
// without reading its data, and returns their length. The next record begins at
// at + HeadSize + length + TailSize.
func Length(file io.ReaderAt, at, size int64) (int64, error) {
	if size-at < HeadSize+TailSize {
		return 0, fmt.Errorf("the record at byte %d is cut off after %d bytes; copy or download the file again", at, size-at)
	}
	var head [HeadSize]byte
	if err := readFull(file, head[:], at); err != nil {
		return 0, fmt.Errorf("the record at byte %d: %w", at, err)
	}
	if found, want := maskedSum(head[:8]), binary.LittleEndian.Uint32(head[8:]); found != want {
		return 0, fmt.Errorf("the record at byte %d is corrupt: its length has the checksum %08x, expected %08x; copy or download the file again", at, found, want)
	}
	length := binary.LittleEndian.Uint64(head[:])
	if length > uint64(size-at-HeadSize-TailSize) {
		return 0, fmt.Errorf("the record at byte %d is cut off: it has %d bytes, and the file ends %d bytes after it begins; copy or download the file again", at, length, size-at)
	}
	return int64(length), nil
}

// Read reads the data of the record that begins at offset at, of the length that
// Length returned, and checks their sum.
func Read(file io.ReaderAt, at, length int64) ([]byte, error) {
	data := make([]byte, length+TailSize)
	if err := readFull(file, data, at+HeadSize); err != nil {
		return nil, fmt.Errorf("the record at byte %d: %w", at, err)
	}
	data, tail := data[:length:length], data[length:]
	if found, want := maskedSum(data), binary.LittleEndian.Uint32(tail); found != want {
		return nil, fmt.Errorf("the record at byte %d is corrupt: its %d bytes have the checksum %08x, expected %08x; copy or download the file again", at, length, found, want)
	}
	return data, nil
}

// readFull fills dst: a file that ends before is an error, one that ends there is not.
func readFull(file io.ReaderAt, dst []byte, at int64) error {
	n, err := file.ReadAt(dst, at)
	switch {
	case n == len(dst):
		return nil
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	}
	return err
}
