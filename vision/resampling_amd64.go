package vision

import (
	"golang.org/x/sys/cpu"

	"github.com/seed-fb2c0fa6/inception/vision/avx2"
)

func chooseResampler() resampler {
	if !cpu.X86.HasAVX2 {
		return plainResampler
	}
	return resampler{"avx2", rowsAVX2, columnsAVX2}
}

// rowsAVX2 resizes fours of rows.
func rowsAVX2(narrow, src *Image, firstRow int, columns []taps) int {
	rows := narrow.Height
	if firstRow+rows == src.Height {
		rows-- // the kernel reads a byte behind
	}
	rows &^= 3
	if rows <= 0 {
		return 0
	}
	size := 2 * len(columns)
	for _, t := range columns {
		size += len(t.shares)
	}
	flat := make([]int32, 0, size) // as avx2.Rows takes them
	for _, t := range columns {
		if t.first < 0 || len(t.shares) == 0 || t.first+len(t.shares) > src.Width {
			panic("taps beyond a row") // which the kernel would read
		}
		flat = append(append(flat, int32(3*t.first), int32(len(t.shares))), t.shares...)
	}
	for y := 0; y < rows; y += 4 {
		dst, from := narrow.Pix[3*y*narrow.Width:][:4*3*narrow.Width], src.Pix[3*(firstRow+y)*src.Width:][:4*3*src.Width+1]
		avx2.Rows(&dst[0], 3*narrow.Width, &from[0], 3*src.Width, &flat[0], len(columns))
	}
	return rows
}

func columnsAVX2(dst, rows []uint8, stride int, shares []int32) int {
	n := len(dst) &^ 31
	if n == 0 || len(shares) == 0 {
		return 0
	}
	rows = rows[:(len(shares)-1)*stride+n]
	avx2.Columns(&dst[0], &rows[0], stride, &shares[0], len(shares), n)
	return n
}
