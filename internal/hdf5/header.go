package hdf5

// Types of messages in object headers.
const (
	messageDataspace     = 0x01
	messageLinkInfo      = 0x02
	messageDatatype      = 0x03
	messageFill          = 0x05
	messageLink          = 0x06
	messageLayout        = 0x08
	messageFilters       = 0x0b
	messageAttribute     = 0x0c
	messageContinuation  = 0x10
	messageSymbolTable   = 0x11
	messageAttributeInfo = 0x15
)

// A message is a part of an object's header.
type message struct {
	kind  int
	flags byte
	data  []byte
}

const flagShared = 2 // of a message that is elsewhere

// blockLimit bounds the blocks of a header.
const blockLimit = 1 << 16

type span struct{ at, length uint64 }

// messages returns those of the object whose header is at an address.
func (f *File) messages(address uint64) ([]message, error) {
	const what = "an object's header"
	const start = 64 // bytes at most before the first message
	c, err := f.upTo(address, start, what)
	if err != nil {
		return nil, err
	}
	if len(c.data) >= 4 && string(c.data[:4]) == "OHDR" {
		return f.newMessages(address, c)
	}
	c.version(1)
	c.byte()
	count := int(c.number(2))
	c.number(4)
	size := c.number(4)
	c.bytes(4)
	if c.failure != nil {
		return nil, c.failure
	}
	var all []message
	blocks := []span{{address + uint64(c.at), size}}
	seen := map[uint64]bool{}
	for len(blocks) > 0 && len(all) < count {
		b := blocks[0]
		blocks = blocks[1:]
		if seen[b.at] || len(seen) > blockLimit {
			return nil, broken("%s goes around in its blocks", what)
		}
		seen[b.at] = true
		c, err := f.cursor(b.at, b.length, what)
		if err != nil {
			return nil, err
		}
		for len(all) < count && len(c.data)-c.at >= 8 {
			m := message{kind: int(c.number(2))}
			n := int(c.number(2))
			m.flags = c.byte()
			c.bytes(3)
			m.data = c.bytes(n)
			if c.failure != nil {
				return nil, c.failure
			}
			all = append(all, m)
			if m.kind == messageContinuation {
				at := f.cursorOf(m.data, what)
				blocks = append(blocks, span{at.address(), at.size()})
				if at.failure != nil {
					return nil, at.failure
				}
			}
		}
	}
	return all, nil
}

func (f *File) newMessages(address uint64, c *cursor) ([]message, error) {
	c.magic("OHDR")
	c.version(2)
	flags := c.byte()
	if flags&0x20 != 0 {
		c.bytes(16) // times
	}
	if flags&0x10 != 0 {
		c.bytes(4) // when attributes become dense
	}
	size := c.number(1 << (flags & 3))
	if c.failure != nil {
		return nil, c.failure
	}
	const sum = 4 // bytes of a checksum
	var all []message
	blocks := []span{{address + uint64(c.at), size}}
	seen := map[uint64]bool{}
	for first := true; len(blocks) > 0; first = false {
		b := blocks[0]
		blocks = blocks[1:]
		if seen[b.at] || len(seen) > blockLimit {
			return nil, broken("%s goes around in its blocks", c.what)
		}
		seen[b.at] = true
		c, err := f.cursor(b.at, b.length, c.what)
		if err != nil {
			return nil, err
		}
		if !first {
			c.magic("OCHK")
			if len(c.data) < 4+sum {
				return nil, broken("%s has a block of %d bytes", c.what, len(c.data))
			}
			c.data = c.data[:len(c.data)-sum]
		}
		head := 4
		if flags&4 != 0 {
			head += 2 // when it was created
		}
		for c.failure == nil && len(c.data)-c.at >= head {
			m := message{kind: int(c.byte())}
			n := int(c.number(2))
			m.flags = c.byte()
			c.bytes(head - 4)
			m.data = c.bytes(n)
			all = append(all, m)
			if m.kind == messageContinuation {
				at := f.cursorOf(m.data, c.what)
				blocks = append(blocks, span{at.address(), at.size()})
				if at.failure != nil {
					return nil, at.failure
				}
			}
		}
		if c.failure != nil {
			return nil, c.failure
		}
	}
	return all, nil
}
