package oip

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// model takes images of 2 x 2 pixels.
var model = &Model{
	Name: "m", Version: "1", Platform: "test", MaxBatch: 3,
	Input:   TensorMetadata{Name: "images", Datatype: FP32, Shape: []int64{Any, 2, 2, 3}},
	Outputs: []TensorMetadata{{Name: "logits", Datatype: FP32, Shape: []int64{Any, 5}}, {Name: "probabilities", Datatype: FP32, Shape: []int64{Any, 5}}},
}

const imageValues = 2 * 2 * 3

// numbers are n values from 0.5 on, and their bytes.
func numbers(n int) (values []float32, raw []byte) {
	for i := range n {
		v := float32(i) + 0.5
		values = append(values, v)
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return values, raw
}

func elements(all ...string) (raw []byte) {
	for _, s := range all {
		raw = append(binary.LittleEndian.AppendUint32(raw, uint32(len(s))), s...)
	}
	return raw
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestParse reads tensors and files in every form.
func TestParse(t *testing.T) {
	values, raw := numbers(2 * imageValues)
	nested := [][][][]float32{}
	for n := range 2 {
		v := values[n*imageValues:]
		nested = append(nested, [][][]float32{{v[0:3], v[3:6]}, {v[6:9], v[9:12]}})
	}
	b64 := base64.StdEncoding.EncodeToString
	for name, c := range map[string]struct {
		input   string
		tensors []byte
		files   []string
	}{
		"flat":          {`"datatype":"FP32","shape":[2,2,2,3],"data":` + marshal(t, values), nil, nil},
		"nested":        {`"datatype":"FP32","shape":[2,2,2,3],"data":` + marshal(t, nested), nil, nil},
		"spaces":        {`"datatype":"FP32","shape":[2,2,2,3],"data": ` + strings.ReplaceAll(marshal(t, values), ",", " ,\n\t"), nil, nil},
		"binary":        {`"datatype":"FP32","shape":[2,2,2,3],"parameters":{"binary_data_size":96}`, raw, nil},
		"binary files":  {`"datatype":"BYTES","shape":[3],"parameters":{"binary_data_size":17}`, elements("one", "", "2\x00"), []string{"one", "", "2\x00"}},
		"binary column": {`"datatype":"BYTES","shape":[1,1],"parameters":{"binary_data_size":7}`, elements("one"), []string{"one"}},
		"base64":        {`"datatype":"BYTES","shape":[2],"data":["` + b64([]byte("\xff\xd8")) + `","` + b64([]byte("b")) + `"]`, nil, []string{"\xff\xd8", "b"}},
		"base64 column": {`"datatype":"BYTES","shape":[1,1],"data":[["` + b64([]byte("b")) + `"]]`, nil, []string{"b"}},
	} {
		r, err := model.Parse([]byte(`{"inputs":[{"name":"images",`+c.input+`}]}`), c.tensors)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if c.files != nil {
			var got []string
			for i := range r.Input.Batch {
				got = append(got, string(r.Input.File(i)))
			}
			if !slices.Equal(got, c.files) || r.Input.Datatype != Bytes {
				t.Errorf("%s: the files are %q, want %q", name, got, c.files)
			}
			continue
		}
		for i := range 2 {
			got := make([]float32, imageValues)
			if err := r.Input.Write(got, i); err != nil || !slices.Equal(got, values[i*imageValues:][:imageValues]) {
				t.Errorf("%s: image %d is %v, %v", name, i, got, err)
			}
		}
		if r.Input.Batch != 2 || len(r.Outputs) != 2 || r.Outputs[1].Index != 1 || r.Outputs[0].Binary || r.Input.Held() != 48 {
			t.Errorf("%s: %+v", name, r)
		}
	}
	r, err := model.Parse([]byte(`{"id":"7","parameters":{"timeout":1500,"binary_data_output":true,"sequence_id":0,"own":[1]},
		"inputs":[{"name":"images","datatype":"BYTES","shape":[1],"data":[""]}],
		"outputs":[{"name":"probabilities","parameters":{"classification":3,"binary_data":false}},{"name":"logits"}]}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []OutputRequest{{Index: 1, Classification: 3}, {Index: 0, Binary: true}}
	if r.ID != "7" || r.Timeout != 1500*time.Microsecond || !slices.Equal(r.Outputs, want) {
		t.Errorf("%+v", r)
	}
	raws, err := model.ParseRaw([]byte("photo"))
	if err != nil || string(raws.Input.File(0)) != "photo" || raws.Input.Batch != 1 || len(raws.Outputs) != 2 {
		t.Errorf("%+v, %v", raws, err)
	}
}

// TestFaults expects that each fault of a request names its field, and has its status.
func TestFaults(t *testing.T) {
	_, raw := numbers(imageValues)
	input := func(fields string) string { return `{"inputs":[{"name":"images",` + fields + `}]}` }
	fp32 := func(shape, rest string) string { return input(`"datatype":"FP32","shape":` + shape + rest) }
	good := `"datatype":"FP32","shape":[1,2,2,3],"data":[1,2,3,4,5,6,7,8,9,10,11,12]`
	for _, c := range []struct {
		name, text string
		tensors    []byte
		want       []string
	}{
		{"empty", "", nil, []string{"body is empty"}},
		{"no JSON", "hello", nil, []string{"no JSON", "byte 1 of 5"}},
		{"cut", `{"inputs":[`, nil, []string{"no JSON"}},
		{"two values", `{} {}`, nil, []string{"no JSON"}},
		{"array", `[1]`, nil, []string{"JSON array", "an object"}},
		{"deep", strings.Repeat("[", 100000), nil, []string{"deeper than 32", "byte 32"}},
		{"deep in data", fp32("[1,2,2,3]", `,"data":`+strings.Repeat("[", 40)+strings.Repeat("]", 40)), nil, []string{"deeper"}},
		{"no inputs", `{}`, nil, []string{"inputs", `"images"`, "none"}},
		{"inputs no array", `{"inputs":{}}`, nil, []string{"inputs", "an array"}},
		{"id a number", `{"id":7}`, nil, []string{"id", "a string"}},
		{"no name", `{"inputs":[{` + good + `}]}`, nil, []string{"inputs[0].name", `"images"`}},
		{"another name", `{"inputs":[{"name":"x",` + good + `}]}`, nil, []string{"inputs[0].name", `"x"`, `"images"`}},
		{"twice", `{"inputs":[{"name":"images",` + good + `},{"name":"images",` + good + `}]}`, nil, []string{"inputs[1].name", "twice"}},
		{"two inputs", `{"inputs":[{"name":"images",` + good + `},{"name":"x",` + good + `}]}`, nil, []string{"inputs[1].name", `"x"`}},
		{"no datatype", input(`"shape":[1,2,2,3]`), nil, []string{"inputs[0].datatype", "FP32", "BYTES"}},
		{"datatype", input(`"datatype":"INT8","shape":[1,2,2,3]`), nil, []string{"inputs[0].datatype", `"INT8"`}},
		{"no shape", input(`"datatype":"FP32"`), nil, []string{"inputs[0].shape", "[-1 2 2 3]", "[]"}},
		{"rank", fp32("[2,2,3]", ""), nil, []string{"inputs[0].shape", "[2 2 3]"}},
		{"side", fp32("[1,2,3,3]", ""), nil, []string{"inputs[0].shape", "[1 2 3 3]"}},
		{"negative", fp32("[-1,2,2,3]", ""), nil, []string{"inputs[0].shape[0]", "-1"}},
		{"none", fp32("[0,2,2,3]", ""), nil, []string{"inputs[0].shape[0]", "1 to 3"}},
		{"huge", fp32("[9223372036854775807,2,2,3]", ""), nil, []string{"inputs[0].shape[0]", "9223372036854775807"}},
		{"huger", fp32("[9223372036854775808,2,2,3]", ""), nil, []string{"inputs.shape", "whole number"}},
		{"fraction", fp32("[1.5,2,2,3]", ""), nil, []string{"inputs.shape", "whole number"}},
		{"more than the batch", fp32("[4,2,2,3]", ""), nil, []string{"1 to 3", "4"}},
		{"no data", fp32("[1,2,2,3]", ""), nil, []string{"inputs[0].data", "binary_data_size"}},
		{"data a number", fp32("[1,2,2,3]", `,"data":7`), nil, []string{"inputs[0].data", "an array"}},
		{"few", fp32("[1,2,2,3]", `,"data":[1,2,3,4,5,6,7,8,9,10,11.5]`), nil, []string{"inputs[0].data", "12 numbers", "found 11"}},
		{"fewer", fp32("[3,2,2,3]", `,"data":[1]`), nil, []string{"inputs[0].data", "36 numbers", "fewer"}},
		{"many", fp32("[1,2,2,3]", `,"data":[1,2,3,4,5,6,7,8,9,10,11,12,13]`), nil, []string{"inputs[0].data", "12 numbers", "more"}},
		{"text", fp32("[1,2,2,3]", `,"data":[1,2,3,4,5,6,7,8,9,10,11,"12"]`), nil, []string{"inputs[0].data", "element 11", "a number"}},
		{"null", fp32("[1,2,2,3]", `,"data":[1,2,3,4,5,6,7,8,9,10,11,null]`), nil, []string{"inputs[0].data", "element 11"}},
		{"range", fp32("[1,2,2,3]", `,"data":[1e39,2,3,4,5,6,7,8,9,10,11,12]`), nil, []string{"element 0", "1e39"}},
		{"bytes without size", fp32("[1,2,2,3]", `,"data":[1,2,3,4,5,6,7,8,9,10,11,12]`), raw, []string{"binary_data_size", "48 bytes follow"}},
		{"size and data", fp32("[1,2,2,3]", `,"parameters":{"binary_data_size":48},"data":[1]`), raw, []string{"inputs[0].data"}},
		{"wrong size", fp32("[1,2,2,3]", `,"parameters":{"binary_data_size":44}`), raw, []string{"binary_data_size", "44", "48"}},
		{"size of another shape", fp32("[2,2,2,3]", `,"parameters":{"binary_data_size":48}`), raw, []string{"[2 2 2 3]", "96", "48"}},
		{"negative size", fp32("[1,2,2,3]", `,"parameters":{"binary_data_size":-48}`), raw, []string{"inputs[0].parameters.binary_data_size", "-48"}},
		{"fractional size", fp32("[1,2,2,3]", `,"parameters":{"binary_data_size":48.0}`), raw, []string{"binary_data_size", "48.0"}},
		{"size a text", fp32("[1,2,2,3]", `,"parameters":{"binary_data_size":"48"}`), raw, []string{"binary_data_size", "whole number"}},
		{"parameters no object", fp32("[1,2,2,3]", `,"parameters":[48]`), raw, []string{"parameters", "an object"}},
		{"files' shape", input(`"datatype":"BYTES","shape":[1,2]`), nil, []string{"inputs[0].shape", "[1 2]"}},
		{"no files' shape", input(`"datatype":"BYTES","shape":[]`), nil, []string{"inputs[0].shape"}},
		{"no length", input(`"datatype":"BYTES","shape":[2],"parameters":{"binary_data_size":9}`), append(elements("one"), 1, 0), []string{"element 1 of 2"}},
		{"long", input(`"datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":7}`), []byte("\xff\xff\xff\xffabc"), []string{"element 0", "4294967295", "3 are left"}},
		{"left", input(`"datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":14}`), elements("one", "two"), []string{"7 bytes are left"}},
		{"no base64", input(`"datatype":"BYTES","shape":[1],"data":["!"]`), nil, []string{"inputs[0].data[0]", "base64"}},
		{"number for a file", input(`"datatype":"BYTES","shape":[1],"data":[7]`), nil, []string{"inputs[0].data[0]", "a string"}},
		{"files missing", input(`"datatype":"BYTES","shape":[2],"data":["aaaa"]`), nil, []string{"2 strings", "found 1"}},
		{"file too deep", input(`"datatype":"BYTES","shape":[1],"data":[["aaaa","aaaa"]]`), nil, []string{"inputs[0].data[0]", "one string"}},
		{"output", `{"inputs":[{"name":"images",` + good + `}],"outputs":[{"name":"x"}]}`, nil, []string{"outputs[0].name", `"logits"`, `"x"`}},
		{"output twice", `{"inputs":[{"name":"images",` + good + `}],"outputs":[{"name":"logits"},{"name":"logits"}]}`, nil, []string{"outputs[1].name", "twice"}},
		{"many outputs", `{"outputs":[{"name":"logits"},{"name":"logits"},{"name":"logits"}]}`, nil, []string{"outputs", "found 3"}},
		{"classification", `{"outputs":[{"name":"logits","parameters":{"classification":-1}}]}`, nil, []string{"outputs[0].parameters.classification", "-1"}},
		{"binary_data", `{"outputs":[{"name":"logits","parameters":{"binary_data":1}}]}`, nil, []string{"outputs[0].parameters.binary_data", "true or false"}},
		{"binary_data_output", `{"parameters":{"binary_data_output":"yes"}}`, nil, []string{"parameters.binary_data_output"}},
		{"timeout", `{"parameters":{"timeout":"1s"}}`, nil, []string{"parameters.timeout", "1s"}},
		{"sequence", `{"parameters":{"sequence_id":5}}`, nil, []string{"parameters.sequence_id"}},
	} {
		_, err := model.Parse([]byte(c.text), c.tensors)
		expectFault(t, c.name, err, http.StatusBadRequest, c.want...)
	}
	_, err := model.Parse([]byte(input(`"parameters":{"shared_memory_region":"r"}`)), nil)
	expectFault(t, "shared input", err, http.StatusNotImplemented, "inputs[0].parameters.shared_memory_region")
	_, err = model.Parse([]byte(`{"outputs":[{"name":"logits","parameters":{"shared_memory_region":"r"}}]}`), nil)
	expectFault(t, "shared output", err, http.StatusNotImplemented, "outputs[0].parameters.shared_memory_region")
	_, err = model.ParseRaw(nil)
	expectFault(t, "raw", err, http.StatusBadRequest, "body is empty")

	r, err := model.Parse([]byte(fp32("[1,2,2,3]", `,"parameters":{"binary_data_size":48}`)), raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Input.Write(make([]float32, 3), 0); err == nil {
		t.Error("an image is written where there is no room for it")
	}
}

func expectFault(t *testing.T, name string, err error, status int, parts ...string) {
	t.Helper()
	var fault *Error
	if !errors.As(err, &fault) || fault.Status != status {
		t.Errorf("%s: error %v, want one of the status %d", name, err, status)
		return
	}
	for _, part := range parts {
		if !strings.Contains(fault.Message, part) {
			t.Errorf("%s: %q should contain %q", name, fault.Message, part)
		}
	}
}

// TestReadBody has bodies of every encoding at the limit and beyond it, and a bomb.
func TestReadBody(t *testing.T) {
	const limit = 1000
	compressed := func(with func(io.Writer) io.WriteCloser, data []byte) []byte {
		var b bytes.Buffer
		w := with(&b)
		w.Write(data)
		w.Close()
		return b.Bytes()
	}
	gzipped := func(data []byte) []byte {
		return compressed(func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }, data)
	}
	deflated := func(data []byte) []byte {
		return compressed(func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }, data)
	}
	full := bytes.Repeat([]byte("a"), limit)
	noise := make([]byte, 3*limit)
	for i := range noise {
		noise[i] = byte(i * i * 2654435761 >> 7)
	}
	read := func(encoding string, body []byte, told bool) ([]byte, error) {
		r := httptest.NewRequest("POST", "/", bytes.NewReader(body))
		if !told {
			r.ContentLength = -1
		}
		r.Header.Set("Content-Encoding", encoding)
		return ReadBody(r, limit, nil)
	}
	for encoding, body := range map[string][]byte{"": full, "identity": full, "gzip": gzipped(full), "deflate": deflated(full)} {
		for _, told := range []bool{true, false} {
			if got, err := read(encoding, body, told); err != nil || !bytes.Equal(got, full) {
				t.Errorf("%q: %d bytes, %v", encoding, len(got), err)
			}
		}
	}
	for _, c := range []struct {
		name, encoding string
		body           []byte
		status         int
		want           string
	}{
		{"large", "", append(full, 'a'), http.StatusRequestEntityTooLarge, "limit of 1000"},
		{"large when decompressed", "gzip", gzipped(append(full, 'a')), http.StatusRequestEntityTooLarge, "limit of 1000"},
		{"bomb", "deflate", deflated(make([]byte, 64<<20)), http.StatusRequestEntityTooLarge, "limit of 1000"},
		{"large before", "gzip", gzipped(noise), http.StatusRequestEntityTooLarge, "limit of 1000"},
		{"encoding", "br", full, http.StatusUnsupportedMediaType, `"br"`},
		{"no gzip", "gzip", full, http.StatusBadRequest, "gzip"},
		{"no zlib", "deflate", full, http.StatusBadRequest, "deflate"},
		{"cut", "gzip", gzipped(full)[:20], http.StatusBadRequest, "too early"},
	} {
		for _, told := range []bool{true, false} {
			_, err := read(c.encoding, c.body, told)
			expectFault(t, c.name, err, c.status, c.want)
		}
	}
}

func TestSplit(t *testing.T) {
	body := []byte(`{"a":1}bytes`)
	for header, want := range map[string]struct {
		text, tensors string
		raw           bool
	}{"": {string(body), "", false}, "7": {`{"a":1}`, "bytes", false}, "0": {"", string(body), true}, "12": {string(body), "", false}} {
		h := http.Header{}
		if header != "" {
			h.Set(HeaderLength, header)
		}
		text, tensors, raw, err := Split(h, body)
		if err != nil || string(text) != want.text || string(tensors) != want.tensors || raw != want.raw {
			t.Errorf("%q: %q, %q, %t, %v", header, text, tensors, raw, err)
		}
	}
	for _, header := range []string{"13", "-1", "x", "7.0", "99999999999999999999", " "} {
		h := http.Header{}
		h.Set(HeaderLength, header)
		_, _, _, err := Split(h, body)
		expectFault(t, header, err, http.StatusBadRequest, HeaderLength)
	}
	_, _, _, err := Split(http.Header{HeaderLength: {"1", "2"}}, body)
	expectFault(t, "two", err, http.StatusBadRequest, HeaderLength)
}

// TestEncode writes outputs as text and as bytes.
func TestEncode(t *testing.T) {
	r := &Response{ModelName: "m", ModelVersion: "1", ID: "7", Outputs: []Output{
		{Name: "logits", Datatype: FP32, Shape: []int64{1, 2}, Values: []float32{0.1, -2}},
		{Name: "probabilities", Datatype: Bytes, Shape: []int64{1, 1}, Texts: []string{Class(0.5, 3, "tench")}},
	}}
	body, length, err := r.Encode()
	const text = `{"model_name":"m","model_version":"1","id":"7","outputs":[{"name":"logits","datatype":"FP32","shape":[1,2],"data":[0.1,-2]},` +
		`{"name":"probabilities","datatype":"BYTES","shape":[1,1],"data":["0.500000:3:tench"]}]}`
	if err != nil || length != 0 || string(body) != text {
		t.Errorf("%s, %d, %v", body, length, err)
	}
	r.Outputs[0].Binary, r.Outputs[1].Binary = true, true
	body, length, err = r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	const sizes = `"shape":[1,2],"parameters":{"binary_data_size":8}},{"name":"probabilities","datatype":"BYTES","shape":[1,1],"parameters":{"binary_data_size":20}}]}`
	want := binary.LittleEndian.AppendUint32(nil, math.Float32bits(0.1))
	want = binary.LittleEndian.AppendUint32(want, math.Float32bits(-2))
	want = append(want, elements("0.500000:3:tench")...)
	if !strings.HasSuffix(string(body[:length]), sizes) || !bytes.Equal(body[length:], want) {
		t.Errorf("%s, %q", body[:length], body[length:])
	}
	if Class(1, 2, "") != "1.000000:2" {
		t.Errorf("a class without a label is %s", Class(1, 2, ""))
	}
	if got := marshal(t, model.Metadata()); !strings.HasPrefix(got, `{"name":"m","versions":["1"],"platform":"test","inputs":[{"name":"images","datatype":"FP32","shape":[-1,2,2,3]}],`) {
		t.Error(got)
	}
}

// FuzzParse has requests of any bytes, of which none may panic, or be anything but a fault
// or images that agree with the model.
func FuzzParse(f *testing.F) {
	_, raw := numbers(imageValues)
	for _, seed := range []string{
		`{"inputs":[{"name":"images","datatype":"FP32","shape":[1,2,2,3],"data":[1,2,3,4,5,6,7,8,9,10,11,12]}]}`,
		`{"id":"1","inputs":[{"name":"images","datatype":"FP32","shape":[1,2,2,3],"parameters":{"binary_data_size":48}}],"outputs":[{"name":"logits","parameters":{"classification":3}}]}`,
		`{"inputs":[{"name":"images","datatype":"BYTES","shape":[1],"data":["aaaa"]}]}`,
		`{"inputs":[{"name":"images","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":7}}],"parameters":{"timeout":1}}`,
	} {
		f.Add([]byte(seed), raw)
		f.Add([]byte(seed), elements("one"))
		f.Add([]byte(seed), []byte(nil))
	}
	f.Fuzz(func(t *testing.T, text, tensors []byte) {
		r, err := model.Parse(text, tensors)
		if err != nil {
			var fault *Error
			if !errors.As(err, &fault) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		if r.Input.Batch < 1 || r.Input.Batch > model.MaxBatch || len(r.Outputs) < 1 {
			t.Fatalf("%+v", r)
		}
		for i := range r.Input.Batch {
			if r.Input.Datatype == Bytes {
				r.Input.File(i)
			} else if err := r.Input.Write(make([]float32, imageValues), i); err != nil {
				t.Fatal(err)
			}
		}
	})
}
