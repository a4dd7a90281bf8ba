package pytorch

// The values that a pickle builds are nil, bool, int64, float64, string, []byte, tuple,
// and those below.
type (
	// A tuple cannot hold itself; what is in it may.
	tuple []any
	list  struct{ items []any }
	// A dict keeps the order of its entries. Of equal keys the last counts.
	dict struct {
		entries []dictEntry
		state   any // that of a dict with attributes
	}
	dictEntry struct{ key, value any }
	// A global is the name of a module and of something in it, with a dot between.
	global string
	// An object is one of a class that is not looked into.
	object struct {
		class     string
		arguments []any
		state     any
	}
	// A storage is where the elements of tensors are.
	storage struct {
		key      string
		dtype    string // empty for bytes of no type
		elements int64
		from     int64 // elements before the first, in a view of another storage
	}
	// A tensor is a view of a storage.
	tensor struct {
		storage        *storage
		dtype          string
		offset         int64 // in elements, as the strides
		shape, strides []int
	}
)

func (d *dict) put(key, value any) { d.entries = append(d.entries, dictEntry{key, value}) }

// get returns the last value of a key that is a string.
func (d *dict) get(key string) (any, bool) {
	for i := len(d.entries) - 1; i >= 0; i-- {
		if k, ok := d.entries[i].key.(string); ok && k == key {
			return d.entries[i].value, true
		}
	}
	return nil, false
}

// itemsOf returns those of a tuple or a list, nil of anything else.
func itemsOf(v any) []any {
	switch v := v.(type) {
	case tuple:
		return v
	case *list:
		return v.items
	}
	return nil
}
