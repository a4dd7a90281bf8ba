package jpeg

// firstDC reads the first coefficient of a block, without its lowest bits (T.81, G.1.2.1).
func (r *bitReader) firstDC(block *[64]int16, dc *int32, t *table, low uint) (ok bool) {
	size, ok := r.symbol(t)
	if !ok {
		return false
	}
	if size > 0 {
		*dc += extend(r.take(uint(size&15)), int32(size&15))
	}
	block[0] = int16(*dc << low)
	return true
}

// refineDC reads one more bit of the first coefficient.
func (r *bitReader) refineDC(block *[64]int16, low uint) {
	if r.take(1) != 0 {
		block[0] |= 1 << low
	}
}

// firstAC reads coefficients from start to end in zigzag order without their lowest bits
// (G.1.2.2). eobRun is how many blocks follow, this one included, that have none left.
func (r *bitReader) firstAC(block *[64]int16, t *table, start, end int, low uint, eobRun *int) (ok bool) {
	if *eobRun > 0 {
		*eobRun--
		return true
	}
	for k := start; k <= end; k++ {
		value, ok := r.symbol(t)
		if !ok {
			return false
		}
		run, size := int(value>>4), uint(value&15)
		if size == 0 {
			if run < 15 {
				*eobRun = 1<<run - 1 + int(r.take(uint(run)))
				return true
			}
			k += 15
			continue
		}
		if k += run; k > end {
			return false
		}
		block[zigzag[k]] = int16(extend(r.take(size), int32(size)) << low)
	}
	return true
}

// refineAC reads one more bit of coefficients from start to end, and those that become
// other than zero by it (G.1.2.3).
func (r *bitReader) refineAC(block *[64]int16, t *table, start, end int, low uint, eobRun *int) (ok bool) {
	plus, minus := int16(1)<<low, int16(-1)<<low
	// refine passes over coefficients, and stops behind a number of zeros, at the next one.
	refine := func(k, zeros int) int {
		for ; k <= end; k++ {
			c := &block[zigzag[k]]
			if *c == 0 {
				if zeros == 0 {
					return k
				}
				zeros--
				continue
			}
			if r.take(1) != 0 && *c&plus == 0 {
				if *c > 0 {
					*c += plus
				} else {
					*c += minus
				}
			}
		}
		return k
	}
	k := start
	for *eobRun == 0 && k <= end {
		value, ok := r.symbol(t)
		if !ok {
			return false
		}
		run, size := int(value>>4), value&15
		var c int16
		switch {
		case size == 1:
			c = minus
			if r.take(1) != 0 {
				c = plus
			}
		case size != 0:
			return false
		case run < 15:
			*eobRun = 1<<run + int(r.take(uint(run)))
		}
		if *eobRun > 0 {
			break
		}
		k = refine(k, run)
		if c != 0 {
			if k > end {
				return false
			}
			block[zigzag[k]] = c
		}
		k++
	}
	if *eobRun > 0 {
		refine(k, 64)
		*eobRun--
	}
	return true
}
