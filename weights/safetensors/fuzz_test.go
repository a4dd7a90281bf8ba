package safetensors

import (
	"testing"
)

// FuzzParse checks that whatever Parse accepts can be read in full: the tensors
// cover the data section once, in order, and every conversion fits.
func FuzzParse(f *testing.F) {
	for _, c := range broken {
		f.Add(c.data)
	}
	f.Add(whole("{}", ""))
	f.Add(whole(`{"__metadata__":{"a":"b"}}  `, ""))
	for _, d := range []DType{F32, F16, BF16, F64, I64, Bool} {
		f.Add(whole(entryOf(`"`+string(d)+`"`, "[1]", "[0,"+string(rune('0'+d.Size()))+"]"), zeros(d.Size())))
	}
	f.Add(whole(`{"e":{"dtype":"F64","shape":[0,7],"data_offsets":[4,4]},"b":{"dtype":"F32","shape":[],"data_offsets":[0,4]},`+
		`"c":{"dtype":"F16","shape":[2,3],"data_offsets":[4,16]}}`, zeros(16)))

	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("m", data)
		if err != nil {
			return
		}
		at := 0
		for _, x := range file.Tensors() {
			if x.begin != at || len(x.Bytes()) != x.Elements()*x.DType.Size() {
				t.Fatalf("%q: bytes %d to %d after byte %d for shape %v of %s", x.Name, x.begin, x.end, at, x.Shape, x.DType)
			}
			at = x.end
			if again, ok := file.Tensor(x.Name); !ok || again.begin != x.begin {
				t.Fatalf("%q is not found under its name", x.Name)
			}
			if converter(x.DType) != nil {
				if err := x.Float32s(make([]float32, x.Elements())); err != nil {
					t.Fatal(err)
				}
			}
		}
		if at != len(file.section) {
			t.Fatalf("tensors cover %d of %d bytes", at, len(file.section))
		}
	})
}
