package jpeg

// decodeBlock reads a block of sequential coding into coefficients that are zero, in
// natural order and not yet multiplied by the quantisation; dc is the first one of the block
// before. It is not ok where the data are no code.
func (r *bitReader) decodeBlock(block *[64]int16, dc *int32, dcTable, acTable *table) (ok bool) {
	size, ok := r.symbol(dcTable)
	if !ok {
		return false
	}
	if size > 0 {
		*dc += extend(r.take(uint(size&15)), int32(size&15))
	}
	block[0] = int16(*dc)

	bits, count, at, window := r.bits, r.count, r.at, r.window
	k := uint(1)
	for k < 64 {
		if count < 32 {
			w := window[at : at+8 : at+8]
			bits |= (uint64(w[7]) | uint64(w[6])<<8 | uint64(w[5])<<16 | uint64(w[4])<<24 |
				uint64(w[3])<<32 | uint64(w[2])<<40 | uint64(w[1])<<48 | uint64(w[0])<<56) >> (count & 63)
			at += int(63-count) >> 3
			count |= 56
		}
		e := acTable.lookup[bits>>(64-lookupBits)]
		if v := int16(e >> 16); v != 0 {
			bits <<= e & 63
			count -= uint(e & 0xFF)
			k += uint(e >> 8 & 15)
			block[zigzag[k]&63] = v
			k++
			continue
		}
		var run, size uint
		if e != 0 {
			bits <<= e & 63
			count -= uint(e & 0xFF)
			run, size = uint(e>>8&15), uint(e>>12&15)
		} else {
			value, length := acTable.long(int32(bits >> (64 - maxCode)))
			if length == 0 {
				return false
			}
			bits <<= uint(length) & 63
			count -= uint(length)
			run, size = uint(value>>4), uint(value&15)
		}
		if size == 0 {
			if run < 15 {
				break
			}
			k += 16
			continue
		}
		v := extend(int32(bits>>((64-size)&63)), int32(size))
		bits <<= size & 63
		count -= size
		k += run
		block[zigzag[k]&63] = int16(v)
		k++
	}
	r.bits, r.count, r.at = bits, count, at
	return k <= 64
}
