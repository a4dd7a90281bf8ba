package vision

// A resampler resizes as much as an instruction set can; what it leaves, the plain loops do,
// to the same bytes.
type resampler struct {
	name string
	// rows resizes rows of src from firstRow on, from the first of narrow on, and returns how
	// many.
	rows func(narrow, src *Image, firstRow int, columns []taps) int
	// columns writes the first values of dst, and returns how many: sums over rows that are
	// stride bytes apart.
	columns func(dst, rows []uint8, stride int, shares []int32) int
}

var resampling = chooseResampler()

var plainResampler = resampler{
	name:    "plain",
	rows:    func(narrow, src *Image, firstRow int, columns []taps) int { return 0 },
	columns: func(dst, rows []uint8, stride int, shares []int32) int { return 0 },
}
