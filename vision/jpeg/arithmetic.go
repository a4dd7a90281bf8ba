package jpeg

// A state is how probable the less probable symbol is, and what follows after either (T.81,
// table D.3). switches tells that the less probable one becomes the more probable.
type state struct {
	probability uint16
	less, more  uint8
	switches    bool
}

// even is the state of a probability of a half, which stays; T.81 has it outside of the table.
const even = 113

var states = [114]state{
	{0x5A1D, 1, 1, true}, {0x2586, 14, 2, false}, {0x1114, 16, 3, false}, {0x080B, 18, 4, false},
	{0x03D8, 20, 5, false}, {0x01DA, 23, 6, false}, {0x00E5, 25, 7, false}, {0x006F, 28, 8, false},
	{0x0036, 30, 9, false}, {0x001A, 33, 10, false}, {0x000D, 35, 11, false}, {0x0006, 9, 12, false},
	{0x0003, 10, 13, false}, {0x0001, 12, 13, false}, {0x5A7F, 15, 15, true}, {0x3F25, 36, 16, false},
	{0x2CF2, 38, 17, false}, {0x207C, 39, 18, false}, {0x17B9, 40, 19, false}, {0x1182, 42, 20, false},
	{0x0CEF, 43, 21, false}, {0x09A1, 45, 22, false}, {0x072F, 46, 23, false}, {0x055C, 48, 24, false},
	{0x0406, 49, 25, false}, {0x0303, 51, 26, false}, {0x0240, 52, 27, false}, {0x01B1, 54, 28, false},
	{0x0144, 56, 29, false}, {0x00F5, 57, 30, false}, {0x00B7, 59, 31, false}, {0x008A, 60, 32, false},
	{0x0068, 62, 33, false}, {0x004E, 63, 34, false}, {0x003B, 32, 35, false}, {0x002C, 33, 9, false},
	{0x5AE1, 37, 37, true}, {0x484C, 64, 38, false}, {0x3A0D, 65, 39, false}, {0x2EF1, 67, 40, false},
	{0x261F, 68, 41, false}, {0x1F33, 69, 42, false}, {0x19A8, 70, 43, false}, {0x1518, 72, 44, false},
	{0x1177, 73, 45, false}, {0x0E74, 74, 46, false}, {0x0BFB, 75, 47, false}, {0x09F8, 77, 48, false},
	{0x0861, 78, 49, false}, {0x0706, 79, 50, false}, {0x05CD, 48, 51, false}, {0x04DE, 50, 52, false},
	{0x040F, 50, 53, false}, {0x0363, 51, 54, false}, {0x02D4, 52, 55, false}, {0x025C, 53, 56, false},
	{0x01F8, 54, 57, false}, {0x01A4, 55, 58, false}, {0x0160, 56, 59, false}, {0x0125, 57, 60, false},
	{0x00F6, 58, 61, false}, {0x00CB, 59, 62, false}, {0x00AB, 61, 63, false}, {0x008F, 61, 32, false},
	{0x5B12, 65, 65, true}, {0x4D04, 80, 66, false}, {0x412C, 81, 67, false}, {0x37D8, 82, 68, false},
	{0x2FE8, 83, 69, false}, {0x293C, 84, 70, false}, {0x2379, 86, 71, false}, {0x1EDF, 87, 72, false},
	{0x1AA9, 87, 73, false}, {0x174E, 72, 74, false}, {0x1424, 72, 75, false}, {0x119C, 74, 76, false},
	{0x0F6B, 74, 77, false}, {0x0D51, 75, 78, false}, {0x0BB6, 77, 79, false}, {0x0A40, 77, 48, false},
	{0x5832, 80, 81, true}, {0x4D1C, 88, 82, false}, {0x438E, 89, 83, false}, {0x3BDD, 90, 84, false},
	{0x34EE, 91, 85, false}, {0x2EAE, 92, 86, false}, {0x299A, 93, 87, false}, {0x2516, 86, 71, false},
	{0x5570, 88, 89, true}, {0x4CA9, 95, 90, false}, {0x44D9, 96, 91, false}, {0x3E22, 97, 92, false},
	{0x3824, 99, 93, false}, {0x32B4, 99, 94, false}, {0x2E17, 93, 86, false}, {0x56A8, 95, 96, true},
	{0x4F46, 101, 97, false}, {0x47E5, 102, 98, false}, {0x41CF, 103, 99, false}, {0x3C3D, 104, 100, false},
	{0x375E, 99, 93, false}, {0x5231, 105, 102, false}, {0x4C0F, 106, 103, false}, {0x4639, 107, 104, false},
	{0x415E, 103, 99, false}, {0x5627, 105, 106, true}, {0x50E7, 108, 107, false}, {0x4B85, 109, 103, false},
	{0x5597, 110, 109, false}, {0x504F, 111, 107, false}, {0x5A10, 110, 111, true}, {0x5522, 112, 109, false},
	{0x59EB, 112, 111, true}, {0x5A1D, even, even, false},
}

// A bin is what is known of one decision: its state, and its more probable symbol.
type bin struct{ state, symbol uint8 }

// A conditioning says which statistics a coefficient uses (DAC): the bounds L and U of small
// differences of first coefficients, and K, the last of the low ones.
type conditioning struct{ l, u, k uint8 }

// An arithmeticReader decodes an arithmetically coded segment (T.81, annex D).
type arithmeticReader struct {
	code, interval uint32
	count          int // of bits of code ahead

	data     []byte
	at       int
	atMarker bool
	short    bool // more has been read than the data have, and no marker ends them

	dc [4][49]bin
	ac [4][245]bin
	// context is that of the next first coefficient of a component, 0 to 16 (table F.4).
	context [4]int
	half    bin
}

func (r *arithmeticReader) start(data []byte, at, _ int) {
	*r = arithmeticReader{data: data, at: at, count: -16, half: bin{even, 0}}
}

func (r *arithmeticReader) whole() bool { return !r.short }

func (r *arithmeticReader) finish() (end int, surplus bool) {
	for !r.atMarker && r.at < len(r.data) {
		r.next()
	}
	return r.at, false
}

// next returns the next byte, and zeros behind the last, of which the encoder leaves any out.
func (r *arithmeticReader) next() uint32 {
	if r.atMarker {
		return 0
	}
	for r.at < len(r.data) {
		b := r.data[r.at]
		if b != 0xFF {
			r.at++
			return uint32(b)
		}
		if r.at+1 >= len(r.data) {
			r.at++
			break
		}
		switch r.data[r.at+1] {
		case 0:
			r.at += 2
			return 0xFF
		case 0xFF:
			r.at++
		default:
			r.atMarker = true
			return 0
		}
	}
	r.short = true
	return 0
}

// decide decodes one decision.
func (r *arithmeticReader) decide(b *bin) bool {
	for r.interval < 0x8000 {
		if r.count--; r.count < 0 {
			r.code = r.code<<8 | r.next()
			if r.count += 8; r.count < 0 {
				if r.count++; r.count == 0 {
					r.interval = 0x8000 // with the first two bytes
				}
			}
		}
		r.interval <<= 1
	}
	s := &states[b.state]
	less := uint32(s.probability)
	r.interval -= less
	symbol := b.symbol
	improbable := false
	if low := r.interval << r.count; r.code >= low {
		r.code -= low
		improbable = r.interval >= less
		r.interval = less
	} else if r.interval < 0x8000 {
		improbable = r.interval < less
	} else {
		return symbol != 0
	}
	if improbable {
		symbol ^= 1
		b.state = s.less
		if s.switches {
			b.symbol ^= 1
		}
	} else {
		b.state = s.more
	}
	return symbol != 0
}

// magnitude decodes the bits of a number below its highest, and adds one (figure F.24).
func (r *arithmeticReader) magnitude(b *bin, highest int32) int32 {
	v := highest
	for m := highest >> 1; m > 0; m >>= 1 {
		if r.decide(b) {
			v |= m
		}
	}
	return v + 1
}

// difference decodes that of a first coefficient to the one before (F.1.4.1).
func (r *arithmeticReader) difference(component int, table uint8, c conditioning) (v int32, ok bool) {
	stats := &r.dc[table]
	context := &r.context[component]
	at := *context
	if !r.decide(&stats[at]) {
		*context = 0
		return 0, true
	}
	sign := 0
	if r.decide(&stats[at+1]) {
		sign = 1
	}
	at += 2 + sign
	m := int32(0)
	if r.decide(&stats[at]) {
		m, at = 1, 20
		for r.decide(&stats[at]) {
			if m <<= 1; m == 0x8000 {
				return 0, false
			}
			at++
		}
	}
	switch {
	case m < 1<<c.l>>1:
		*context = 0
	case m > 1<<c.u>>1:
		*context = 12 + 4*sign
	default:
		*context = 4 + 4*sign
	}
	v = r.magnitude(&stats[at+14], m)
	if sign == 1 {
		v = -v
	}
	return v, true
}

// coefficients decodes those from start to end, without their lowest bits (F.1.4.2, G.1.3.2).
func (r *arithmeticReader) coefficients(block *[64]int16, table uint8, c conditioning, start, end int, low uint) (ok bool) {
	stats := &r.ac[table]
	for k := start; k <= end; k++ {
		at := 3 * (k - 1)
		if r.decide(&stats[at]) {
			return true
		}
		for !r.decide(&stats[at+1]) {
			at += 3
			if k++; k > end {
				return false
			}
		}
		negative := r.decide(&r.half)
		at += 2
		m := int32(0)
		if r.decide(&stats[at]) {
			m = 1
			if r.decide(&stats[at]) {
				m = 2
				at = 217
				if k <= int(c.k) {
					at = 189
				}
				for r.decide(&stats[at]) {
					if m <<= 1; m == 0x8000 {
						return false
					}
					at++
				}
			}
		}
		v := r.magnitude(&stats[at+14], m)
		if negative {
			v = -v
		}
		block[zigzag[k]] = int16(v << low)
	}
	return true
}

// refine decodes one more bit of coefficients from start to end (G.1.3.3).
func (r *arithmeticReader) refine(block *[64]int16, table uint8, start, end int, low uint) (ok bool) {
	plus, minus := int16(1)<<low, int16(-1)<<low
	stats := &r.ac[table]
	last := end // that is other than zero already
	for last > 0 && block[zigzag[last]] == 0 {
		last--
	}
	for k := start; k <= end; k++ {
		at := 3 * (k - 1)
		if k > last && r.decide(&stats[at]) {
			return true
		}
		for {
			c := &block[zigzag[k]]
			if *c != 0 {
				if r.decide(&stats[at+2]) {
					if *c < 0 {
						*c += minus
					} else {
						*c += plus
					}
				}
				break
			}
			if r.decide(&stats[at+1]) {
				*c = plus
				if r.decide(&r.half) {
					*c = minus
				}
				break
			}
			at += 3
			if k++; k > end {
				return false
			}
		}
	}
	return true
}

// decodeBlock reads a block as bitReader.decodeBlock does.
func (r *arithmeticReader) decodeBlock(block *[64]int16, dc *int32, component int, dcTable, acTable uint8, conditionings *[2][4]conditioning) (ok bool) {
	v, ok := r.difference(component, dcTable, conditionings[0][dcTable])
	*dc += v
	block[0] = int16(*dc)
	return ok && r.coefficients(block, acTable, conditionings[1][acTable], 1, 63, 0)
}
