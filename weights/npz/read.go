package npz

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"

	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// chunkBytes is how much of an array that has to be converted is read at a time: a
// multiple of every element's size.
const chunkBytes = 1 << 16

// readValues fills dst with an array's values in row-major order.
func readValues(f *zip.File, h header, dst []float32, c complainer) error {
	convert := h.dtype.float32s()
	if convert == nil {
		return tensorfile.UnreadType(c.mismatch("elements of f2, f4 or f8", "elements of "+h.dtype.descr, "save the array as float32"))
	}
	n, _ := tensorfile.Elements(h.shape)
	if len(dst) != n {
		return c.mismatch(fmt.Sprintf("room for %d values of shape %s", n, tensorfile.ShapeText(h.shape)), fmt.Sprint(len(dst)), "pass a slice of Elements values")
	}
	return readElements(f, h, c, func(r io.Reader) error {
		if !h.fortran && h.dtype.size == 4 {
			data := tensorfile.BytesOf(dst) // straight to where they are wanted
			if _, err := io.ReadFull(r, data); err != nil {
				return err
			}
			h.dtype.littleEndian(data)
			tensorfile.SwapIfBigEndian(dst)
			return nil
		}
		place := rowMajor
		if h.fortran {
			place = columnMajor(h.shape)
		}
		data, values := make([]byte, chunkBytes), make([]float32, chunkBytes/h.dtype.size)
		for n > 0 {
			count := min(n, len(values))
			chunk := data[:count*h.dtype.size]
			if _, err := io.ReadFull(r, chunk); err != nil {
				return err
			}
			h.dtype.littleEndian(chunk)
			convert(values[:count], chunk)
			dst = place(dst, values[:count])
			n -= count
		}
		return nil
	})
}

// readInt8s fills dst with the values of an array of 8-bit integers in row-major order.
func readInt8s(f *zip.File, h header, dst []int8, c complainer) error {
	if n, _ := tensorfile.Elements(h.shape); len(dst) != n {
		return c.mismatch(fmt.Sprintf("room for %d values of shape %s", n, tensorfile.ShapeText(h.shape)), fmt.Sprint(len(dst)), "pass a slice of Elements values")
	}
	return readElements(f, h, c, func(r io.Reader) error {
		_, err := io.ReadFull(r, tensorfile.Int8Bytes(dst))
		return err
	})
}

// rowMajor puts values where dst begins, and returns the rest of it.
func rowMajor(dst, values []float32) []float32 { return dst[copy(dst, values):] }

// columnMajor returns a function that puts values, of which the first axis varies
// fastest, to their places in dst, going on from where it left off.
func columnMajor(shape []int) func(dst, values []float32) []float32 {
	strides, index := make([]int, len(shape)), make([]int, len(shape))
	stride := 1
	for axis := len(shape) - 1; axis >= 0; axis-- {
		strides[axis] = stride
		stride *= shape[axis]
	}
	at := 0
	return func(dst, values []float32) []float32 {
		for _, v := range values {
			dst[at] = v
			for axis := range shape {
				index[axis]++
				at += strides[axis]
				if index[axis] < shape[axis] {
					break
				}
				at -= index[axis] * strides[axis]
				index[axis] = 0
			}
		}
		return dst
	}
}

// readElements unpacks an entry behind its header. What is left after read, and a
// checksum that does not fit, are errors.
func readElements(f *zip.File, h header, c complainer, read func(r io.Reader) error) error {
	r, err := f.Open()
	if err == nil {
		defer r.Close()
		_, err = io.CopyN(io.Discard, r, int64(h.length))
	}
	if err == nil {
		err = read(r)
	}
	if err == nil {
		var more [1]byte
		// The checksum is compared where the entry ends.
		if _, err = io.ReadFull(r, more[:]); err == nil {
			return c.mismatch("an entry as long as the archive says", "a longer one", copyAgain)
		}
		if err == io.EOF {
			return nil
		}
	}
	switch {
	case errors.Is(err, zip.ErrChecksum):
		return c.mismatch("the checksum of the archive", "another: the bytes have changed", copyAgain)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return c.mismatch("an entry as long as the archive says", "a shorter one", copyAgain)
	}
	return fmt.Errorf("npz: %s: tensor %s: reading: %w", c.file, tensorfile.Quote(c.entry), err)
}
