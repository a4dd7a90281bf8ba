package jpeg

// The functions here return the samples of the pixels from to to in row y of the picture.
// Those of the C library with which published accuracies were measured are followed in
// weights and rounding: libjpeg-turbo's jdsample.c.

// line returns a row of samples, the nearest one that there is.
func (p *plane) line(y int) []uint8 {
	y = min(max(y, 0), p.height-1) % p.rows
	return p.samples[y*p.stride:]
}

func (p *plane) same(y, from, to int) []uint8 { return p.line(y)[from:to] }

// nearest repeats samples.
func (p *plane) nearest(y, from, to int) []uint8 {
	line := p.line(y * p.tall / p.tallOf)
	if p.wideOf == 2*p.wide {
		for x := from; x < to; x++ {
			p.row[x-from] = line[x>>1]
		}
	} else {
		for x := from; x < to; x++ {
			p.row[x-from] = line[x*p.wide/p.wideOf]
		}
	}
	return p.row[:to-from]
}

// twiceAsWide weighs a sample and its neighbour on the pixel's side with 3/4 and 1/4.
func (p *plane) twiceAsWide(y, from, to int) []uint8 {
	line := p.line(y)
	return p.widen(line, line, from, to, 4, 8)
}

// twiceAsBig does so in both directions.
func (p *plane) twiceAsBig(y, from, to int) []uint8 {
	return p.widen(p.line(y/2), p.line(y/2-1+y%2*2), from, to, 8, 7)
}

// twiceAsTall does so between rows.
func (p *plane) twiceAsTall(y, from, to int) []uint8 {
	near, far := p.line(y / 2)[from:to], p.line(y/2 - 1 + y%2*2)[from:to]
	bias := uint32(1 + y%2)
	row := p.row[:to-from]
	for x, v := range near {
		row[x] = uint8((3*uint32(v) + uint32(far[x]) + bias) >> 2)
	}
	return row
}

// widen doubles the width of 3*near+far, with weights 3 and 1 and a sum of 16.
func (p *plane) widen(near, far []uint8, from, to int, leftBias, rightBias uint16) []uint8 {
	first, last := from/2, (to+1)/2 // samples
	begin, end := max(first-1, 0), min(last+1, p.width)
	at := 1 - (first - begin)
	// sums[1] is that of sample first.
	kernels.sum(p.sums[at:], near[begin:], far[begin:], end-begin)
	if first == 0 {
		p.sums[0] = p.sums[1]
	}
	if last == p.width {
		p.sums[last-first+1] = p.sums[last-first]
	}
	kernels.widen(p.row, p.sums, last-first, leftBias, rightBias)
	return p.row[from-2*first:][:to-from]
}
