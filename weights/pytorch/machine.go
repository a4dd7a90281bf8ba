package pytorch

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// mark is where a group of values on the stack begins.
type mark struct{}

// A machine runs one pickle. It holds no more than a constant times the bytes that it has
// read: each instruction puts one value of a fixed size on the stack, or data that the file
// has.
type machine struct {
	complainer
	in    *bufio.Reader
	at    int64 // bytes read
	end   int64 // of the input
	names map[string]construct
	load  func(m *machine, id any) (any, error) // of a persistent id
	stack []any
	memo  map[uint32]any
}

func newMachine(c complainer, in io.Reader, size int64, load func(*machine, any) (any, error)) *machine {
	return &machine{complainer: c, in: bufio.NewReader(in), end: size, names: names(), load: load, memo: map[uint32]any{}}
}

func (m *machine) fail(expected, found string) error {
	return m.mismatch("", expected+" in the pickle", fmt.Sprintf("%s before byte %d of it", found, m.at), saveAgain)
}

func (m *machine) short() error {
	return m.mismatch("", "a whole pickle", fmt.Sprintf("one that ends after %d bytes, in the middle", m.at), "the file is cut short: "+copyAgain)
}

func (m *machine) byte() (byte, error) {
	b, err := m.in.ReadByte()
	if err != nil {
		return 0, m.reading(err)
	}
	m.at++
	return b, nil
}

func (m *machine) reading(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return m.short()
	}
	return fmt.Errorf("pytorch: %s: reading the pickle: %w", m.file, err)
}

// bytes reads n bytes, which must be in the file before there is memory for them.
func (m *machine) bytes(n uint64) ([]byte, error) {
	if n > uint64(max(0, m.end-m.at)) {
		return nil, m.fail(fmt.Sprintf("%d bytes", n), fmt.Sprintf("%d left", max(0, m.end-m.at)))
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(m.in, data); err != nil {
		return nil, m.reading(err)
	}
	m.at += int64(n)
	return data, nil
}

// number reads an unsigned little-endian number of n bytes.
func (m *machine) number(n int) (uint64, error) {
	data, err := m.bytes(uint64(n))
	if err != nil {
		return 0, err
	}
	var padded [8]byte
	copy(padded[:], data)
	return binary.LittleEndian.Uint64(padded[:]), nil
}

// counted reads bytes behind their count, which has n bytes.
func (m *machine) counted(n int) ([]byte, error) {
	count, err := m.number(n)
	if err != nil {
		return nil, err
	}
	return m.bytes(count)
}

func (m *machine) line() (string, error) {
	const most = 1 << 16 // of a line of text: names and numbers
	var line []byte
	for {
		b, err := m.byte()
		if err != nil {
			return "", err
		}
		if b == '\n' {
			return strings.TrimSuffix(string(line), "\r"), nil
		}
		if line = append(line, b); len(line) > most {
			return "", m.fail(fmt.Sprintf("a line of at most %d bytes", most), "a longer one")
		}
	}
}

func (m *machine) push(v any) { m.stack = append(m.stack, v) }

func (m *machine) pop() (any, error) {
	if len(m.stack) == 0 {
		return nil, m.fail("a value on the stack", "none")
	}
	top := m.stack[len(m.stack)-1]
	m.stack = m.stack[:len(m.stack)-1]
	if _, ok := top.(mark); ok {
		return nil, m.fail("a value on the stack", "a mark")
	}
	return top, nil
}

func (m *machine) top() (any, error) {
	v, err := m.pop()
	if err == nil {
		m.push(v)
	}
	return v, err
}

// popMark takes the values down to the last mark.
func (m *machine) popMark() ([]any, error) {
	for i := len(m.stack) - 1; i >= 0; i-- {
		if _, ok := m.stack[i].(mark); ok {
			group := append([]any(nil), m.stack[i+1:]...)
			m.stack = m.stack[:i]
			return group, nil
		}
	}
	return nil, m.fail("a mark on the stack", "none")
}

// popCount takes the n values on top.
func (m *machine) popCount(n int) ([]any, error) {
	group := make([]any, n)
	for i := n - 1; i >= 0; i-- {
		v, err := m.pop()
		if err != nil {
			return nil, err
		}
		group[i] = v
	}
	return group, nil
}

// run runs the pickle to its end and returns what it leaves.
func (m *machine) run() (any, error) {
	for {
		op, err := m.byte()
		if err != nil {
			return nil, err
		}
		const stop = '.'
		if op == stop {
			return m.pop()
		}
		if err := m.step(op); err != nil {
			return nil, err
		}
	}
}

// step does one instruction; their letters are pickletools'.
func (m *machine) step(op byte) error {
	switch op {
	case 0x80: // PROTO
		version, err := m.byte()
		if err == nil && version > 5 {
			err = m.fail("a pickle of protocol 0 to 5", fmt.Sprintf("protocol %d", version))
		}
		return err
	case 0x95: // FRAME
		_, err := m.bytes(8)
		return err
	case '(':
		m.push(mark{})
	case '0':
		if len(m.stack) == 0 {
			return m.fail("a value on the stack", "none")
		}
		m.stack = m.stack[:len(m.stack)-1]
	case '1':
		_, err := m.popMark()
		return err
	case '2':
		v, err := m.top()
		if err != nil {
			return err
		}
		m.push(v)
	case 'N':
		m.push(nil)
	case 0x88:
		m.push(true)
	case 0x89:
		m.push(false)
	case 'I', 'L':
		return m.textNumber()
	case 'F':
		text, err := m.line()
		if err != nil {
			return err
		}
		v, err := strconv.ParseFloat(text, 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return m.fail("a number", tensorfile.Quote(text))
		}
		m.push(v)
	case 'G':
		data, err := m.bytes(8)
		if err != nil {
			return err
		}
		m.push(math.Float64frombits(binary.BigEndian.Uint64(data)))
	case 'J':
		v, err := m.number(4)
		if err != nil {
			return err
		}
		m.push(int64(int32(v)))
	case 'K', 'M':
		v, err := m.number(map[byte]int{'K': 1, 'M': 2}[op])
		if err != nil {
			return err
		}
		m.push(int64(v))
	case 0x8a, 0x8b: // LONG1, LONG4
		data, err := m.counted(map[byte]int{0x8a: 1, 0x8b: 4}[op])
		if err != nil {
			return err
		}
		m.push(longOf(data))
	case 'S', 'V':
		text, err := m.line()
		if err != nil {
			return err
		}
		if op == 'S' && len(text) >= 2 && (text[0] == '\'' || text[0] == '"') && text[len(text)-1] == text[0] {
			text = text[1 : len(text)-1]
		}
		m.push(text)
	case 'U', 'T', 'X', 0x8c, 0x8d: // strings
		data, err := m.counted(map[byte]int{'U': 1, 'T': 4, 'X': 4, 0x8c: 1, 0x8d: 8}[op])
		if err != nil {
			return err
		}
		m.push(string(data))
	case 'C', 'B', 0x8e, 0x96: // bytes
		data, err := m.counted(map[byte]int{'C': 1, 'B': 4, 0x8e: 8, 0x96: 8}[op])
		if err != nil {
			return err
		}
		m.push(data)
	case ']':
		m.push(&list{})
	case '}':
		m.push(&dict{})
	case ')':
		m.push(tuple{})
	case 0x8f: // EMPTY_SET
		m.push(&list{})
	case 0x85, 0x86, 0x87: // TUPLE1 to TUPLE3
		group, err := m.popCount(int(op - 0x84))
		if err != nil {
			return err
		}
		m.push(tuple(group))
	case 't', 'l', 0x91: // TUPLE, LIST, FROZENSET
		group, err := m.popMark()
		if err != nil {
			return err
		}
		if op == 't' {
			m.push(tuple(group))
		} else {
			m.push(&list{group})
		}
	case 'd':
		group, err := m.popMark()
		if err != nil {
			return err
		}
		d := &dict{}
		m.push(d)
		return m.fill(d, group)
	case 'a':
		return m.extend(func() ([]any, error) { return m.popCount(1) })
	case 'e', 0x90: // APPENDS, ADDITEMS
		return m.extend(m.popMark)
	case 's':
		return m.set(func() ([]any, error) { return m.popCount(2) })
	case 'u':
		return m.set(m.popMark)
	case 'p', 'q', 'r', 0x94: // PUT, BINPUT, LONG_BINPUT, MEMOIZE
		index, err := m.memoIndex(op)
		if err != nil {
			return err
		}
		v, err := m.top()
		if err != nil {
			return err
		}
		m.memo[index] = v
	case 'g', 'h', 'j':
		index, err := m.memoIndex(op)
		if err != nil {
			return err
		}
		v, ok := m.memo[index]
		if !ok {
			return m.fail("a value that was remembered", fmt.Sprintf("number %d, which was not", index))
		}
		m.push(v)
	case 'c':
		module, err := m.line()
		if err != nil {
			return err
		}
		name, err := m.line()
		if err != nil {
			return err
		}
		m.pushGlobal(module, name)
	case 0x93: // STACK_GLOBAL
		group, err := m.popCount(2)
		if err != nil {
			return err
		}
		module, ok := group[0].(string)
		name, also := group[1].(string)
		if !ok || !also {
			return m.fail("a module's name and another", "something else")
		}
		m.pushGlobal(module, name)
	case 'R':
		group, err := m.popCount(2)
		if err != nil {
			return err
		}
		arguments, ok := group[1].(tuple)
		if !ok {
			return m.fail("a tuple of arguments", "something else")
		}
		return m.call(group[0], arguments)
	case 'i':
		module, err := m.line()
		if err != nil {
			return err
		}
		name, err := m.line()
		if err != nil {
			return err
		}
		arguments, err := m.popMark()
		if err != nil {
			return err
		}
		m.pushGlobal(module, name)
		class, err := m.pop()
		if err != nil {
			return err
		}
		return m.call(class, arguments)
	case 'o':
		group, err := m.popMark()
		if err != nil {
			return err
		}
		if len(group) == 0 {
			return m.fail("a class", "none")
		}
		return m.call(group[0], group[1:])
	case 0x81, 0x92: // NEWOBJ, NEWOBJ_EX
		count := 2
		if op == 0x92 {
			count = 3
		}
		group, err := m.popCount(count)
		if err != nil {
			return err
		}
		class, ok := group[0].(global)
		arguments, also := group[1].(tuple)
		if !ok || !also {
			return m.fail("a class and its arguments", "something else")
		}
		made := newObject(string(class))
		if o, ok := made.(*object); ok {
			o.arguments = arguments
		}
		m.push(made)
	case 'b':
		return m.build()
	case 'P':
		text, err := m.line()
		if err != nil {
			return err
		}
		return m.persistent(text)
	case 'Q':
		id, err := m.pop()
		if err != nil {
			return err
		}
		return m.persistent(id)
	default:
		return m.fail("an instruction of a pickle", fmt.Sprintf("the byte %#02x, which is none that torch.save writes,", op))
	}
	return nil
}

func (m *machine) textNumber() error {
	text, err := m.line()
	if err != nil {
		return err
	}
	switch text = strings.TrimSuffix(text, "L"); text {
	case "00":
		m.push(false)
		return nil
	case "01":
		m.push(true)
		return nil
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		m.push(&object{class: "builtins.int"})
		return nil
	}
	if err != nil {
		return m.fail("a whole number", tensorfile.Quote(text))
	}
	m.push(v)
	return nil
}

// longOf is a number in two's complement. One beyond 64 bits is kept as its bytes.
func longOf(data []byte) any {
	if len(data) > 8 {
		return data
	}
	var v uint64
	for i, b := range data {
		v |= uint64(b) << (8 * i)
	}
	if n := len(data); n > 0 && n < 8 && data[n-1]&0x80 != 0 {
		v |= math.MaxUint64 << (8 * n)
	}
	return int64(v)
}

func (m *machine) memoIndex(op byte) (uint32, error) {
	switch op {
	case 'q', 'h', 'r', 'j':
		n := 1
		if op == 'r' || op == 'j' {
			n = 4
		}
		v, err := m.number(n)
		return uint32(v), err
	case 0x94:
		return uint32(len(m.memo)), nil
	}
	text, err := m.line()
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 0, m.fail("the number of a remembered value", tensorfile.Quote(text))
	}
	return uint32(v), nil
}

func (m *machine) pushGlobal(module, name string) {
	if known, ok := python2[module]; ok {
		module = known
	}
	m.push(global(module + "." + name))
}

// call makes what a known name makes of its arguments.
func (m *machine) call(function any, arguments []any) error {
	name, ok := function.(global)
	if !ok {
		return m.fail("the name of a function to call", "a value")
	}
	make, ok := m.names[string(name)]
	if !ok {
		return m.mismatch("", "a pickle of tensors, dicts, lists and numbers, which calls nothing else",
			fmt.Sprintf("a call of %s before byte %d of it, which was not made", tensorfile.Quote(string(name)), m.at),
			"do not load the file with other programs unless you trust who made it; "+saveAgain)
	}
	v, err := make(m, arguments)
	if err != nil {
		return err
	}
	m.push(v)
	return nil
}

func (m *machine) persistent(id any) error {
	v, err := m.load(m, id)
	if err != nil {
		return err
	}
	m.push(v)
	return nil
}

// extend appends what take takes from the stack to the list below it.
func (m *machine) extend(take func() ([]any, error)) error {
	group, err := take()
	if err != nil {
		return err
	}
	v, err := m.top()
	if err != nil {
		return err
	}
	switch to := v.(type) {
	case *list:
		to.items = append(to.items, group...)
	case *object: // a list with methods: not looked into
	default:
		return m.fail("a list to append to", "something else")
	}
	return nil
}

// set puts the keys and values that take takes from the stack into the dict below them.
func (m *machine) set(take func() ([]any, error)) error {
	group, err := take()
	if err != nil {
		return err
	}
	v, err := m.top()
	if err != nil {
		return err
	}
	switch to := v.(type) {
	case *dict:
		return m.fill(to, group)
	case *object: // a dict with methods: not looked into
		return nil
	}
	return m.fail("a dict to put into", "something else")
}

func (m *machine) fill(d *dict, group []any) error {
	if len(group)%2 != 0 {
		return m.fail("pairs of keys and values", "a key without a value")
	}
	for i := 0; i < len(group); i += 2 {
		d.put(group[i], group[i+1])
	}
	return nil
}

// build gives the state on the stack to the object below it.
func (m *machine) build() error {
	state, err := m.pop()
	if err != nil {
		return err
	}
	v, err := m.top()
	if err != nil {
		return err
	}
	switch to := v.(type) {
	case *object:
		to.state = state
	case *dict:
		to.state = state
	case *tensor, *list, *storage, tuple, nil: // attributes of a value that needs none
	default:
		return m.fail("an object that has a state", "a plain value")
	}
	return nil
}
