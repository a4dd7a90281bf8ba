package pytorch

import (
	"fmt"
	"math"

	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// storageTypes are the types of elements by the names of their storages.
func storageTypes() map[string]string {
	return map[string]string{
		"FloatStorage": "float32", "DoubleStorage": "float64", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
		"LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8", "ByteStorage": "uint8",
		"BoolStorage": "bool", "ComplexFloatStorage": "complex64", "ComplexDoubleStorage": "complex128", "UntypedStorage": "",
	}
}

// sizeOf returns the bytes of an element, 0 for an unknown type.
func sizeOf(dtype string) int {
	switch dtype {
	case "bool", "uint8", "int8", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz":
		return 1
	case "float16", "bfloat16", "int16", "uint16":
		return 2
	case "float32", "int32", "uint32":
		return 4
	case "float64", "int64", "uint64", "complex64":
		return 8
	case "complex128":
		return 16
	}
	return 0
}

// converter returns the function that converts little-endian elements, nil for a type that
// is not one of the types read as float32.
func converter(dtype string) func(dst []float32, src []byte) {
	switch dtype {
	case "float32":
		return tensorfile.FromF32
	case "float16":
		return tensorfile.FromF16
	case "bfloat16":
		return tensorfile.FromBF16
	case "float64":
		return tensorfile.FromF64
	}
	return nil
}

// rebuildTensor makes a tensor of its storage, offset, sizes and strides.
func rebuildTensor(m *machine, arguments []any) (any, error) {
	if len(arguments) < 4 {
		return nil, m.fail("a tensor's storage, offset, sizes and strides", fmt.Sprintf("%d of them", len(arguments)))
	}
	s, ok := arguments[0].(*storage)
	if !ok {
		return nil, m.fail("a tensor's storage", "something else")
	}
	return makeTensor(m, s, s.dtype, arguments[1:4])
}

// rebuildTypedTensor does for a storage of no type, whose type comes last.
func rebuildTypedTensor(m *machine, arguments []any) (any, error) {
	if len(arguments) < 7 {
		return nil, m.fail("a tensor's storage, offset, sizes, strides and type", fmt.Sprintf("%d of them", len(arguments)))
	}
	s, ok := arguments[0].(*storage)
	name, also := arguments[6].(global)
	if !ok || !also {
		return nil, m.fail("a tensor's storage and type", "something else")
	}
	const module = "torch."
	dtype := ""
	if len(name) > len(module) {
		dtype = string(name[len(module):])
	}
	size := sizeOf(dtype)
	if size == 0 {
		return nil, m.fail("a type of elements", tensorfile.Quote(string(name)))
	}
	typed := *s
	if s.dtype == "" {
		typed.elements /= int64(size)
	} else if sizeOf(s.dtype) != size {
		return nil, m.fail("a storage of "+dtype, "one of "+s.dtype)
	}
	return makeTensor(m, &typed, dtype, arguments[1:4])
}

// rebuildParameter keeps the tensor of a parameter.
func rebuildParameter(m *machine, arguments []any) (any, error) {
	if len(arguments) > 0 {
		if t, ok := arguments[0].(*tensor); ok {
			return t, nil
		}
		for _, a := range arguments { // a device's tensor is behind its class
			if t, ok := a.(*tensor); ok {
				return t, nil
			}
		}
	}
	return nil, m.fail("a parameter's tensor", "none")
}

// rebuildSubclass makes the tensor of a class that is derived from torch.Tensor: of a
// function, a class, the function's arguments and a state.
func rebuildSubclass(m *machine, arguments []any) (any, error) {
	if len(arguments) >= 3 {
		function, ok := arguments[0].(global)
		inner, also := arguments[2].(tuple)
		if ok && also {
			switch string(function) {
			case "torch._utils._rebuild_tensor_v2":
				return rebuildTensor(m, inner)
			case "torch._utils._rebuild_tensor_v3":
				return rebuildTypedTensor(m, inner)
			case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state":
				return rebuildParameter(m, inner)
			}
			return nil, m.fail("a tensor of a plain kind", tensorfile.Quote(string(function)))
		}
	}
	return nil, m.fail("a tensor's function, class and arguments", "something else")
}

func makeTensor(m *machine, s *storage, dtype string, arguments []any) (any, error) {
	offset, ok := arguments[0].(int64)
	if !ok || offset < 0 {
		return nil, m.fail("the offset of a tensor, from 0 up", fmt.Sprint(arguments[0]))
	}
	shape, err := m.sizes(arguments[1])
	if err != nil {
		return nil, err
	}
	strides, err := m.sizes(arguments[2])
	if err != nil {
		return nil, err
	}
	if len(shape) != len(strides) {
		return nil, m.fail("as many strides as sizes", fmt.Sprintf("%d and %d", len(strides), len(shape)))
	}
	n, ok := tensorfile.Elements(shape)
	if !ok || int64(n) > s.elements {
		return nil, m.fail(fmt.Sprintf("a tensor of at most the %d elements of its storage %s", s.elements, tensorfile.Quote(s.key)),
			"one of shape "+tensorfile.ShapeText(shape))
	}
	t := &tensor{storage: s, dtype: dtype, offset: offset, shape: shape, strides: strides}
	if end, ok := t.end(); n > 0 && (!ok || end > s.elements) {
		return nil, m.fail(fmt.Sprintf("a tensor within the %d elements of its storage %s", s.elements, tensorfile.Quote(s.key)),
			fmt.Sprintf("one of shape %s, strides %v from element %d", tensorfile.ShapeText(shape), strides, offset))
	}
	return t, nil
}

// rankLimit bounds the axes of tensors.
const rankLimit = 64

func (m *machine) sizes(v any) ([]int, error) {
	items := itemsOf(v)
	if _, isObject := v.(*object); isObject || len(items) > rankLimit {
		return nil, m.fail(fmt.Sprintf("at most %d sizes", rankLimit), "something else")
	}
	sizes := make([]int, len(items))
	for i, item := range items {
		n, ok := item.(int64)
		if !ok || n < 0 || n > math.MaxInt {
			return nil, m.fail("sizes and strides from 0 up", fmt.Sprint(item))
		}
		sizes[i] = int(n)
	}
	return sizes, nil
}

// end returns the element behind the last of a tensor that has any, and false where that
// cannot be counted.
func (t *tensor) end() (int64, bool) {
	last := t.offset
	for axis, n := range t.shape {
		if n > 1 && t.strides[axis] > 0 {
			if int64(n-1) > (math.MaxInt64-1-last)/int64(t.strides[axis]) {
				return 0, false
			}
			last += int64(n-1) * int64(t.strides[axis])
		}
	}
	return last + 1, true
}

// contiguous reports whether the elements lie one behind the other in row-major order.
func (t *tensor) contiguous() bool {
	stride := 1
	for axis := len(t.shape) - 1; axis >= 0; axis-- {
		if t.shape[axis] != 1 && t.strides[axis] != stride {
			return false
		}
		stride *= t.shape[axis]
	}
	return true
}

// gather fills dst in row-major order from the elements of the storage from the tensor's
// first on.
func (t *tensor) gather(dst, elements []float32) {
	index := make([]int, len(t.shape))
	at := 0
	for i := range dst {
		dst[i] = elements[at]
		for axis := len(t.shape) - 1; axis >= 0; axis-- {
			index[axis]++
			at += t.strides[axis]
			if index[axis] < t.shape[axis] {
				break
			}
			at -= index[axis] * t.strides[axis]
			index[axis] = 0
		}
	}
}
