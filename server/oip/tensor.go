package oip

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// A Tensor is the images of a request.
type Tensor struct {
	Datatype string // FP32 or Bytes
	Batch    int    // images

	image  int       // elements of an image
	raw    []byte    // FP32, little-endian, where it came as bytes
	values []float32 // where it came as JSON
	files  [][]byte  // of BYTES
}

// File returns image i of BYTES.
func (t *Tensor) File(i int) []byte { return t.files[i] }

// Write writes image i of FP32 to dst, which has as many elements. Those that came as bytes
// may be no finite numbers.
func (t *Tensor) Write(dst []float32, i int) error {
	if len(dst) != t.image {
		return fmt.Errorf("an image has %d values, found room for %d", t.image, len(dst))
	}
	if t.values != nil {
		copy(dst, t.values[i*t.image:])
	} else {
		raw := t.raw[4*i*t.image:][:4*t.image]
		for j := range dst {
			dst[j] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*j:]))
		}
	}
	return nil
}

// Held is the memory that an image of the tensor keeps.
func (t *Tensor) Held() int64 { return 4 * int64(t.image) }

// checkInput makes a Tensor of what an input says, checked against the model: its elements
// are not there yet.
func (m *Model) checkInput(in inputJSON) (t Tensor, err error) {
	const field = "inputs[0]"
	if err := noSharedMemory(field+".parameters", in.Parameters); err != nil {
		return t, err
	}
	t.Datatype = in.Datatype
	switch in.Datatype {
	case FP32:
		t.Batch, t.image, err = m.checkShape(in.Shape)
	case Bytes:
		t.Batch, err = m.checkFiles(in.Shape)
	case "":
		err = faultf("%s.datatype: expected %s, or %s for the files of pictures, found nothing", field, FP32, Bytes)
	default:
		err = faultf("%s.datatype: expected %s, or %s for the files of pictures, found %q", field, FP32, Bytes, in.Datatype)
	}
	return t, err
}

// read takes the elements of an input from its JSON, or from the bytes that follow it.
func (t *Tensor) read(in inputJSON, tensors []byte) error {
	const field = "inputs[0]"
	if _, ok := in.Parameters["binary_data_size"]; !ok {
		if len(tensors) > 0 {
			return faultf("%s.parameters.binary_data_size: missing, but %d bytes follow the JSON", field, len(tensors))
		}
		return t.readJSON(in.Data)
	}
	var size uint64
	if err := in.Parameters.whole(field+".parameters", "binary_data_size", &size); err != nil {
		return err
	}
	if size != uint64(len(tensors)) {
		return faultf("%s.parameters.binary_data_size: found %d, but %d bytes follow the JSON", field, size, len(tensors))
	}
	if len(in.Data) > 0 {
		return faultf("%s.data: there is binary_data_size, too; give one of them", field)
	}
	return t.readBytes(field+".parameters.binary_data_size", in.Shape, tensors)
}

// readBytes takes the elements from bytes, which a field brings.
func (t *Tensor) readBytes(field string, shape []int64, data []byte) error {
	if t.Datatype == Bytes {
		return t.splitFiles(data)
	}
	if want := 4 * t.Batch * t.image; len(data) != want {
		return faultf("%s: a %s tensor of shape %v has %d bytes, found %d", field, FP32, shape, want, len(data))
	}
	t.raw = data
	return nil
}

// checkShape returns the batch, and the elements of an image, of a tensor.
func (m *Model) checkShape(shape []int64) (batch, image int, err error) {
	wrong := len(shape) != len(m.Input.Shape)
	image = 1
	for i := 1; i < len(shape) && !wrong; i++ {
		wrong = shape[i] != m.Input.Shape[i]
		image *= int(m.Input.Shape[i])
	}
	if wrong {
		return 0, 0, faultf("inputs[0].shape: expected %v, of which %d is the number of images, found %v", m.Input.Shape, Any, shape)
	}
	batch, err = m.checkBatch(shape)
	return batch, image, err
}

// checkFiles returns the batch of a tensor of files.
func (m *Model) checkFiles(shape []int64) (batch int, err error) {
	if len(shape) != 1 && (len(shape) != 2 || shape[1] != 1) {
		return 0, faultf("inputs[0].shape: expected [%d] or [%d 1], of which %d is the number of pictures, for %s, found %v", Any, Any, Any, Bytes, shape)
	}
	return m.checkBatch(shape)
}

func (m *Model) checkBatch(shape []int64) (int, error) {
	if n := shape[0]; n < 1 || n > int64(m.MaxBatch) {
		return 0, faultf("inputs[0].shape[0]: expected 1 to %d images in a request, found %d", m.MaxBatch, n)
	}
	return int(shape[0]), nil
}

// splitFiles divides bytes into the elements of BYTES, each with its length before it.
func (t *Tensor) splitFiles(data []byte) error {
	const lengthSize = 4
	total := len(data)
	for i := range t.Batch {
		if len(data) < lengthSize {
			return faultf("inputs[0]: the bytes end at %d, before the length of element %d of %d", total, i, t.Batch)
		}
		n := binary.LittleEndian.Uint32(data)
		data = data[lengthSize:]
		if uint64(n) > uint64(len(data)) {
			return faultf("inputs[0]: element %d says that it has %d bytes, but %d are left", i, n, len(data))
		}
		t.files = append(t.files, data[:n:n])
		data = data[n:]
	}
	if len(data) > 0 {
		return faultf("inputs[0]: %d bytes are left after element %d, the last of shape[0]", len(data), t.Batch-1)
	}
	return nil
}

// readJSON reads an array, flat or nested, of as many elements as the shape says. The text
// is JSON.
func (t *Tensor) readJSON(text []byte) error {
	if len(text) == 0 || text[0] != '[' {
		return faultf("inputs[0].data: expected an array, or parameters.binary_data_size and bytes after the JSON, found %q", shortened(text))
	}
	if t.Datatype == Bytes {
		return t.readFiles(text)
	}
	want := t.Batch * t.image
	if len(text) < 2*want { // a digit and a comma each
		return faultf("inputs[0].data: expected %d numbers, as the shape says, found fewer", want)
	}
	values := make([]float32, 0, want)
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '-' || c >= '0' && c <= '9':
			end := i + 1
			for end < len(text) && isOfNumber(text[end]) {
				end++
			}
			v, err := strconv.ParseFloat(string(text[i:end]), 32)
			if err != nil {
				return faultf("inputs[0].data: element %d is %s, expected a number of %s", len(values), shortened(text[i:end]), FP32)
			}
			if len(values) == want {
				return faultf("inputs[0].data: expected %d numbers, as the shape says, found more", want)
			}
			values = append(values, float32(v))
			i = end
		case c == '[' || c == ']' || c == ',' || c == ' ' || c == '\n' || c == '\r' || c == '\t':
			i++
		default:
			return faultf("inputs[0].data: element %d is %s..., expected a number", len(values), shortened(text[i:]))
		}
	}
	if len(values) != want {
		return faultf("inputs[0].data: expected %d numbers, as the shape says, found %d", want, len(values))
	}
	t.values = values
	return nil
}

func isOfNumber(c byte) bool {
	return c >= '0' && c <= '9' || c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-'
}

// readFiles reads files in base64, as JSON holds no others.
func (t *Tensor) readFiles(text []byte) error {
	all, count := Elements(text, t.Batch)
	if count != t.Batch {
		return faultf("inputs[0].data: expected %d strings, as the shape says, found %d", t.Batch, count)
	}
	// [batch, 1] may be nested.
	if all[0][0] == '[' {
		for i, element := range all {
			inner, count := Elements(element, 1)
			if element[0] != '[' || count != 1 {
				return faultf("inputs[0].data[%d]: expected an array of one string, found %q", i, shortened(element))
			}
			all[i] = inner[0]
		}
	}
	for i, element := range all {
		var s string
		if err := json.Unmarshal(element, &s); err != nil {
			return faultf("inputs[0].data[%d]: expected a string, found %q", i, shortened(element))
		}
		file, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return faultf("inputs[0].data[%d]: expected the file of a picture in base64 (%v); or send bytes after the JSON with parameters.binary_data_size", i, err)
		}
		t.files = append(t.files, file)
	}
	return nil
}
