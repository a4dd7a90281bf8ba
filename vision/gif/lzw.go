package gif

import (
	"errors"
	"fmt"
)

const maxWidth = 12 // bits of the longest code

// A dictionary is the state of a decoder of GIF's LZW: codes of a growing number of bits,
// the lowest first, two of which clear the dictionary and end the data.
type dictionary struct {
	literals    int // bits of a pixel
	width       uint
	next        int // the code that the next sequence gets
	last        int // the code before; -1 after a clear
	first       uint8
	bits        uint32
	count       uint
	prefix      [1 << maxWidth]uint16
	suffix      [1 << maxWidth]uint8
	length      [1 << maxWidth]int32
	clear, stop int
}

func newDictionary(literals int) (*dictionary, error) {
	if literals < 1 || literals >= maxWidth {
		return nil, fmt.Errorf("its pixels have %d bits, expected 1 to 8", literals)
	}
	d := &dictionary{literals: literals, clear: 1 << literals, stop: 1<<literals + 1}
	for i := range d.clear {
		d.suffix[i], d.length[i] = uint8(i), 1
	}
	d.reset()
	return d, nil
}

func (d *dictionary) reset() {
	d.width, d.next, d.last = uint(d.literals)+1, d.stop+1, -1
}

// decode writes the pixels of a block, and returns how many; sequences are clipped to
// what there is room for. Done says that the code for the end was met.
func (d *dictionary) decode(to, block []uint8) (n int, done bool, err error) {
	for n < len(to) {
		for d.count < d.width {
			if len(block) == 0 {
				return n, false, nil
			}
			d.bits |= uint32(block[0]) << d.count
			block = block[1:]
			d.count += 8
		}
		code := int(d.bits & (1<<d.width - 1))
		d.bits >>= d.width
		d.count -= d.width
		switch {
		case code == d.clear:
			d.reset()
			continue
		case code == d.stop:
			return n, true, nil
		case code > d.next, d.last < 0 && code > d.clear:
			return n, false, errors.New("its data are damaged: a code that stands for nothing yet")
		}
		// A code that is not there yet stands for the sequence before and its own first pixel.
		from := code
		if code == d.next {
			from = d.last
		}
		at := n + int(d.length[from]) - 1
		end := at + 1
		if code == d.next {
			end++
		}
		for from > d.stop {
			if at < len(to) {
				to[at] = d.suffix[from]
			}
			at--
			from = int(d.prefix[from])
		}
		d.first = d.suffix[from]
		if at < len(to) {
			to[at] = d.first
		}
		if code == d.next && end-1 < len(to) {
			to[end-1] = d.first
		}
		if d.last >= 0 && d.next < 1<<maxWidth {
			d.prefix[d.next], d.suffix[d.next], d.length[d.next] = uint16(d.last), d.first, d.length[d.last]+1
			d.next++
			if d.next == 1<<d.width && d.width < maxWidth {
				d.width++
			}
		}
		d.last = code
		n = min(end, len(to))
	}
	return n, false, nil
}
