package safetensors

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"
)

// tensorOf returns a tensor w of n elements over data.
func tensorOf(t testing.TB, d DType, n int, data []byte) Tensor {
	t.Helper()
	f, err := Parse("m.safetensors", whole(entryOf(`"`+string(d)+`"`, fmt.Sprintf("[%d]", n), fmt.Sprintf("[0,%d]", len(data))), string(data)))
	if err != nil {
		t.Fatal(err)
	}
	w, _ := f.Tensor("w")
	return w
}

// sameBits fails unless Float32s gives want bit for bit (NaNs: any NaN).
func sameBits(t *testing.T, w Tensor, want []float32) {
	t.Helper()
	got := make([]float32, len(want))
	if err := w.Float32s(got); err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if math.IsNaN(float64(want[i])) && math.IsNaN(float64(got[i])) {
			continue
		}
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Fatalf("%s element %d of %d: %g (%#x), want %g (%#x)", w.DType, i, len(want),
				got[i], math.Float32bits(got[i]), want[i], math.Float32bits(want[i]))
		}
	}
}

// small returns a float of e exponent and f fraction bits by the definition in
// IEEE 754: (-1)^s * 2^(E-bias) * 1.F, or 0.F with E = 1 where E is zero.
func small(h uint16, e, f int) float32 {
	exponent := int(h>>f) & (1<<e - 1)
	fraction := float64(h&(1<<f-1)) / float64(int(1)<<f)
	bias := 1<<(e-1) - 1
	sign := 1.0
	if h>>15 == 1 {
		sign = -1
	}
	switch {
	case exponent == 1<<e-1 && fraction != 0:
		return float32(math.NaN())
	case exponent == 1<<e-1:
		return float32(math.Inf(int(sign)))
	case exponent == 0:
		return float32(math.Copysign(math.Ldexp(fraction, 1-bias), sign))
	}
	return float32(sign * math.Ldexp(1+fraction, exponent-bias))
}

func TestFloat32sOf16Bits(t *testing.T) {
	for _, c := range []struct {
		dtype    DType
		exponent int
	}{{F16, 5}, {BF16, 8}} {
		const n = 1<<16 + 3 // every value, and a tail for the loop's last steps
		var data []byte
		want := make([]float32, n)
		for i := range want {
			h := uint16(i * 40503) // an odd factor: a permutation, so that neighbours differ in kind
			data = binary.LittleEndian.AppendUint16(data, h)
			want[i] = small(h, c.exponent, 15-c.exponent)
		}
		for _, n := range []int{0, 1, 2, 3, 4, 5, 7, 8, 11, n} {
			sameBits(t, tensorOf(t, c.dtype, n, data[:2*n]), want[:n])
		}
	}
}

func TestFloat32sOf32And64Bits(t *testing.T) {
	in := []float64{0, math.Copysign(0, -1), 1, -1.5, 0.1, math.Pi, 1e-40, 1e-300, 1e38, 1e300, -1e300,
		math.Inf(1), math.Inf(-1), math.NaN(), 1 + 0x1p-24, 1 + 0x1.8p-23}
	var f32, f64 []byte
	want := make([]float32, len(in))
	for i, x := range in {
		want[i] = float32(x)
		f32 = binary.LittleEndian.AppendUint32(f32, math.Float32bits(float32(x)))
		f64 = binary.LittleEndian.AppendUint64(f64, math.Float64bits(x))
	}
	for n := range len(in) + 1 {
		sameBits(t, tensorOf(t, F32, n, f32[:4*n]), want[:n])
		sameBits(t, tensorOf(t, F64, n, f64[:8*n]), want[:n])
	}
}

// The format does not align tensors: one of bytes may lie before a float.
func TestFloat32sUnaligned(t *testing.T) {
	for pad := 1; pad < 8; pad++ {
		header := fmt.Sprintf(`{"b":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]},"w":{"dtype":"F32","shape":[2],"data_offsets":[%d,%d]}}`, pad, pad, pad, pad+8)
		f, err := Parse("m", whole(header, zeros(pad)+"\x00\x00\x80\x3f\x00\x00\x00\xc0"))
		if err != nil {
			t.Fatal(err)
		}
		w, _ := f.Tensor("w")
		sameBits(t, w, []float32{1, -2})
	}
}

func TestFloat32sErrors(t *testing.T) {
	closed := tensorOf(t, F32, 1, make([]byte, 4))
	if err := closed.file.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		w     Tensor
		room  int
		parts []string
	}{
		{"too little room", tensorOf(t, F32, 3, make([]byte, 12)), 2, []string{"m.safetensors", `tensor "w"`, "expected room for 3 values of shape [3]", "found 2"}},
		{"too much room", tensorOf(t, F16, 3, make([]byte, 6)), 4, []string{"m.safetensors", `tensor "w"`, "expected room for 3 values", "found 4"}},
		{"integers", tensorOf(t, I64, 1, make([]byte, 8)), 1, []string{"m.safetensors", `tensor "w"`, "expected dtype F32, F16, BF16 or F64", "found dtype I64", "Bytes"}},
		{"closed", closed, 1, []string{"m.safetensors", `tensor "w"`, "expected an open file", "found a closed one"}},
		{"made by hand", Tensor{Name: "w", DType: F32, Shape: []int{1}}, 1, []string{"made by hand"}},
	} {
		err := c.w.Float32s(make([]float32, c.room))
		if err == nil {
			t.Errorf("%s: no error", c.name)
			continue
		}
		for _, part := range c.parts {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q lacks %q", c.name, err, part)
			}
		}
	}
}

// BenchmarkFloat32s converts a tensor of 2^20 elements; MB/s counts the file's
// bytes.
func BenchmarkFloat32s(b *testing.B) {
	const n = 1 << 20
	for _, d := range []DType{F32, F16, BF16, F64} {
		data := make([]byte, n*d.Size())
		for i := range n { // normal values of either sign, as weights are
			x := float32(i%2001-1000) / 4000
			switch d {
			case F32:
				binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(x))
			case F64:
				binary.LittleEndian.PutUint64(data[8*i:], math.Float64bits(float64(x)))
			case BF16:
				binary.LittleEndian.PutUint16(data[2*i:], uint16(math.Float32bits(x)>>16))
			case F16:
				binary.LittleEndian.PutUint16(data[2*i:], uint16(i%2<<15|(5+i%10)<<10|i%1024))
			}
		}
		b.Run(string(d), func(b *testing.B) {
			w := tensorOf(b, d, n, data)
			dst := make([]float32, n)
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if err := w.Float32s(dst); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
