package safetensors

import (
	"fmt"
	"strings"
	"testing"
)

// The names and sizes are those of Dtype in safetensors/src/tensor.rs of
// github.com/huggingface/safetensors.
func TestDTypes(t *testing.T) {
	sizes := map[string]int{
		"BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1, "F8_E4M3FNUZ": 1, "F8_E5M2FNUZ": 1,
		"U16": 2, "I16": 2, "F16": 2, "BF16": 2,
		"U32": 4, "I32": 4, "F32": 4,
		"U64": 8, "I64": 8, "F64": 8, "C64": 8,
	}
	for name, size := range sizes {
		if got := DType(name).Size(); got != size {
			t.Errorf("%s: %d bytes, want %d", name, got, size)
		}
		f, err := Parse("m", whole(entryOf(`"`+name+`"`, "[3]", fmt.Sprintf("[0,%d]", 3*size)), zeros(3*size)))
		if err != nil {
			t.Error(err)
			continue
		}
		if w, _ := f.Tensor("w"); w.DType != DType(name) {
			t.Errorf("dtype %s came back as %s", name, w.DType)
		}
	}
	listed := strings.FieldsFunc(strings.ReplaceAll(knownDTypes, " or ", ","), func(r rune) bool { return r == ',' || r == ' ' })
	if len(listed) != len(sizes) {
		t.Errorf("the error lists %d types of %d", len(listed), len(sizes))
	}
	for _, name := range listed {
		if sizes[name] == 0 {
			t.Errorf("the error lists %q, no type of the format's", name)
		}
	}
	for _, name := range []string{"", "f32", "F4", "F32 "} {
		if got := DType(name).Size(); got != 0 {
			t.Errorf("%q: %d bytes, want 0", name, got)
		}
	}
}
