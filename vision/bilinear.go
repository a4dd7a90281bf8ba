package vision

// A lerp is one output pixel of a row or column: (1-share)*near + share*far.
type lerp struct {
	near, far int // indexes of pixels
	share     float32
}

// lerps returns the output pixels of a row of size pixels resized to out, the last
// first if flipped. The pixel i lies at i*size/out, with the corners of pixels rather
// than their centres aligned: TensorFlow 1's resize_bilinear, with which the
// published networks were trained.
func lerps(size, out int, flipped bool) []lerp {
	scale := float32(size) / float32(out)
	all := make([]lerp, out)
	for i := range all {
		at := float32(i) * scale
		near := min(int(at), size-1)
		to := i
		if flipped {
			to = out - 1 - i
		}
		all[to] = lerp{near, min(near+1, size-1), at - float32(near)}
	}
	return all
}

// resizeBilinear resizes an image to side x side values in [0,1], in the order H,W,C
// of dst, without antialiasing.
func resizeBilinear(dst []float32, m *Image, side int, flipped bool) {
	columns, rows := lerps(m.Width, side, flipped), lerps(m.Height, side, false)
	n := 3 * side
	// The two source rows that were resized last; output rows share them.
	near, far := make([]float32, n), make([]float32, n)
	nearRow, farRow := -1, -1
	for y, r := range rows {
		if nearRow != r.near {
			if farRow == r.near {
				near, far, nearRow, farRow = far, near, farRow, nearRow
			} else {
				resizeRow(near, m.row(r.near), columns)
				nearRow = r.near
			}
		}
		if farRow != r.far {
			resizeRow(far, m.row(r.far), columns)
			farRow = r.far
		}
		to := dst[y*n:][:n]
		a, b := near[:n], far[:n]
		for i := range to {
			to[i] = a[i] + (b[i]-a[i])*r.share
		}
	}
}

// resizeRow writes a row of values in [0,1].
func resizeRow(to []float32, row []uint8, columns []lerp) {
	to = to[:3*len(columns)]
	for x, c := range columns {
		a, b := (*[3]uint8)(row[3*c.near:]), (*[3]uint8)(row[3*c.far:])
		p := (*[3]float32)(to[3*x:])
		far := c.share / 255
		near := 1.0/255 - far
		p[0] = near*float32(a[0]) + far*float32(b[0])
		p[1] = near*float32(a[1]) + far*float32(b[1])
		p[2] = near*float32(a[2]) + far*float32(b[2])
	}
}
