package hdf5

import (
	"bytes"
	"slices"
)

// A link is the name of an object in a group.
type link struct {
	name    string
	address uint64 // of its header; undefined where the link is not a hard one
}

// links returns those of a group with the given messages, nil for what is no group.
func (f *File) links(messages []message) (links []link, isGroup bool, err error) {
	for _, m := range messages {
		switch m.kind {
		case messageSymbolTable:
			found, err := f.oldLinks(m.data)
			return found, true, err
		case messageLink:
			isGroup = true
			l, err := f.link(m.data)
			if err != nil {
				return nil, true, err
			}
			links = append(links, l)
		case messageLinkInfo:
			isGroup = true
			found, err := f.denseLinks(m.data)
			if err != nil {
				return nil, true, err
			}
			links = append(links, found...)
		}
	}
	return links, isGroup, nil
}

// oldLinks reads a symbol table: a B-tree of nodes of symbols, with names in a heap.
func (f *File) oldLinks(data []byte) ([]link, error) {
	c := f.cursorOf(data, "a symbol table")
	tree, heap := c.address(), c.address()
	if c.failure != nil {
		return nil, c.failure
	}
	names, err := f.localHeap(heap)
	if err != nil {
		return nil, err
	}
	var links []link
	err = f.eachLeaf(tree, groupTree, f.length, func(_ []byte, child uint64) error {
		const what = "a node of symbols"
		c, err := f.cursor(child, 8, what)
		if err != nil {
			return err
		}
		c.magic("SNOD")
		c.version(1)
		c.byte()
		count := c.number(2)
		if c.failure != nil {
			return c.failure
		}
		entry := uint64(2*f.offset + 24)
		if c, err = f.cursor(child+8, count*entry, what); err != nil {
			return err
		}
		for range count {
			name := c.number(f.offset)
			l := link{address: c.address()}
			soft := c.number(4) == 2
			c.bytes(20)
			if name >= uint64(len(names)) {
				return broken("the name of a link is outside its heap")
			}
			text := names[name:]
			end := bytes.IndexByte(text, 0)
			if end < 0 {
				return broken("the name of a link has no end")
			}
			if l.name = string(text[:end]); soft {
				l.address = undefined
			}
			links = append(links, l)
		}
		return c.failure
	})
	return links, err
}

// localHeap returns the bytes of a heap with names.
func (f *File) localHeap(address uint64) ([]byte, error) {
	c, err := f.cursor(address, uint64(8+2*f.length+f.offset), "a heap of names")
	if err != nil {
		return nil, err
	}
	c.magic("HEAP")
	c.version(0)
	c.bytes(3)
	size := c.size()
	c.size()
	at := c.address()
	if c.failure != nil {
		return nil, c.failure
	}
	if c, err = f.cursor(at, size, "a heap of names"); err != nil {
		return nil, err
	}
	return c.data, nil
}

// link reads a link's message.
func (f *File) link(data []byte) (link, error) {
	c := f.cursorOf(data, "a link")
	c.version(1)
	flags := c.byte()
	kind := byte(0)
	if flags&8 != 0 {
		kind = c.byte()
	}
	if flags&4 != 0 {
		c.bytes(8) // when it was created
	}
	if flags&16 != 0 {
		c.byte() // the characters' set
	}
	n := c.number(1 << (flags & 3))
	if n > uint64(len(data)) {
		return link{}, broken("a link's name of %d bytes", n)
	}
	l := link{name: string(c.bytes(int(n))), address: undefined}
	if kind == 0 {
		l.address = c.address()
	}
	return l, c.failure
}

// denseLinks reads those that are in a fractal heap.
func (f *File) denseLinks(data []byte) ([]link, error) {
	c := f.cursorOf(data, "the place of a group's links")
	c.version(0)
	flags := c.byte()
	if flags&1 != 0 {
		c.bytes(8)
	}
	heap, tree := c.address(), c.address()
	if c.failure != nil || heap == undefined || tree == undefined {
		return nil, c.failure
	}
	const hash = 4 // bytes before the heap's id
	var links []link
	err := f.eachHeaped(heap, tree, 5, hash, func(object []byte) error {
		l, err := f.link(object)
		links = append(links, l)
		return err
	})
	return links, err
}

// An Object is a group or a data set.
type Object struct {
	// Path has the names of the groups that it is in and its own, with slashes between;
	// empty for the root.
	Path string
	// Text are the attributes that are text, by name: one string, or several.
	Text map[string][]string
	// Dataset is nil for a group.
	Dataset *Dataset
}

// depthLimit bounds groups in groups.
const depthLimit = 64

// Objects returns all objects of the file, each group before what is in it, in the order of
// their names.
func (f *File) Objects() ([]Object, error) {
	listing := *f
	listing.strings = &collections{read: map[uint64]map[uint64][]byte{}}
	w := walk{File: &listing, groups: map[uint64]bool{}}
	err := w.visit("", f.root, 0)
	return w.found, err
}

type walk struct {
	*File
	found  []Object
	groups map[uint64]bool // by the addresses of their headers
}

func (w *walk) visit(path string, address uint64, depth int) error {
	if depth > depthLimit {
		return broken("groups in groups, more than %d deep", depthLimit)
	}
	messages, err := w.messages(address)
	if err != nil {
		return inObject(path, err)
	}
	o := Object{Path: path}
	if o.Text, err = w.attributes(messages); err != nil {
		return inObject(path, err)
	}
	links, isGroup, err := w.links(messages)
	if err != nil {
		return inObject(path, err)
	}
	if !isGroup {
		if o.Dataset, err = w.dataset(messages); err != nil {
			return inObject(path, err)
		}
		if o.Dataset != nil {
			w.found = append(w.found, o)
		}
		return nil
	}
	if w.groups[address] {
		return inObject(path, broken("the group is in itself, or in two groups"))
	}
	w.groups[address] = true
	w.found = append(w.found, o)
	slices.SortFunc(links, func(a, b link) int {
		if a.name < b.name {
			return -1
		}
		if a.name > b.name {
			return 1
		}
		return 0
	})
	for i, l := range links {
		if i > 0 && links[i-1].name == l.name {
			return inObject(path, broken("the name %.100q twice", l.name))
		}
		if l.address == undefined {
			continue // a soft or an external link
		}
		inner := l.name
		if path != "" {
			inner = path + "/" + l.name
		}
		if len(inner) > 1<<16 {
			return broken("a path of more than %d bytes", 1<<16)
		}
		if err := w.visit(inner, l.address, depth+1); err != nil {
			return err
		}
	}
	return nil
}
