package jpeg

import "encoding/binary"

// decodeBlock reads a block of sequential coding into coefficients that are zero, in
// natural order and not yet multiplied by the quantisation; dc is the first one of the block
// before. It is not ok where the data are no code.
func (r *bitReader) decodeBlock(block *[64]int16, dc *int32, dcTable, acTable *table) (ok bool) {
	// The reader's state is kept in registers.
	bits, count, at, window := r.bits, r.count, r.at, r.window
	if count < 32 {
		bits |= binary.BigEndian.Uint64(window[at:]) >> (count & 63)
		at += int(63-count) >> 3
		count |= 56
	}
	e := dcTable.lookup[bits>>(64-lookupBits)]
	length, size := uint(e&0xFF), uint(e>>12&15)
	if v := int16(e >> 16); v != 0 {
		*dc += int32(v)
	} else {
		if e == 0 {
			value, n := dcTable.long(int32(bits >> (64 - maxCode)))
			if n == 0 {
				return false
			}
			length, size = uint(n), uint(value)
		}
		if size > 0 {
			*dc += extend(int32(bits<<(length&63)>>((64-size)&63)), int32(size))
			length += size
		}
	}
	bits <<= length & 63
	count -= length
	block[0] = int16(*dc)

	k := uint(1)
	for k < 64 {
		if count < 32 {
			bits |= binary.BigEndian.Uint64(window[at:]) >> (count & 63)
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
		length, run, size := uint(e&0xFF), uint(e>>8&15), uint(e>>12&15)
		if e == 0 {
			value, n := acTable.long(int32(bits >> (64 - maxCode)))
			if n == 0 {
				return false
			}
			length, run, size = uint(n), uint(value>>4), uint(value&15)
		}
		if size == 0 {
			bits <<= length & 63
			count -= length
			if run < 15 {
				break
			}
			k += 16
			continue
		}
		v := extend(int32(bits<<(length&63)>>((64-size)&63)), int32(size))
		length += size
		bits <<= length & 63
		count -= length
		k += run
		block[zigzag[k]&63] = int16(v)
		k++
	}
	r.bits, r.count, r.at = bits, count, at
	return k <= 64
}
