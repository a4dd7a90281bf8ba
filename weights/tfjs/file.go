package tfjs

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-fb2c0fa6/inception/weights/keras/model"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// What to do about a file that breaks the format.
const (
	copyAgain   = "copy or download all files of the model into one folder again"
	exportAgain = "convert the model again with tensorflowjs_converter"
)

// descriptionLimit bounds the bytes of model.json.
const descriptionLimit = 64 << 20

// Recognise reports whether a file is JSON that lists weights in shards.
func Recognise(s tensorfile.Sample) bool {
	head := bytes.TrimLeft(s.Head, " \t\r\n")
	if !bytes.HasPrefix(head, []byte("{")) {
		return false
	}
	for _, key := range []string{`"modelTopology"`, `"weightsManifest"`} {
		if bytes.Contains(s.Head, []byte(key)) || bytes.Contains(s.Tail, []byte(key)) {
			return true
		}
	}
	return bytes.Contains(s.Head, []byte(`"layers-model"`)) || bytes.Contains(s.Head, []byte(`"graph-model"`))
}

// A description is what model.json has.
type description struct {
	Format   string `json:"format"`
	Topology struct {
		Config json.RawMessage `json:"model_config"`
		Node   json.RawMessage `json:"node"` // of a graph model
	} `json:"modelTopology"`
	Manifest []group `json:"weightsManifest"`
}

// A group is weights that lie one behind the other in shards.
type group struct {
	Paths   []string `json:"paths"`
	Weights []weight `json:"weights"`
}

type weight struct {
	Name         string `json:"name"`
	Shape        []int  `json:"shape"`
	DType        string `json:"dtype"`
	Quantization *struct {
		DType string  `json:"dtype"`
		Scale float64 `json:"scale"`
		Min   float64 `json:"min"`
	} `json:"quantization"`
}

// stored is the type of a weight's elements in the shards.
func (w weight) stored() string {
	if w.Quantization != nil && w.Quantization.DType != "" {
		return w.Quantization.DType
	}
	return w.DType
}

func sizeOf(dtype string) int {
	switch dtype {
	case "bool", "uint8":
		return 1
	case "float16", "uint16":
		return 2
	case "float32", "int32":
		return 4
	case "complex64":
		return 8
	}
	return 0
}

type file struct {
	name     string
	size     int64
	tensors  []tensorfile.Tensor
	metadata map[string]string
	config   json.RawMessage
	opened   []io.Closer
	parts    []string
}

func (f *file) Tensors() []tensorfile.Tensor { return slices.Clone(f.tensors) }
func (f *file) Metadata() map[string]string  { return maps.Clone(f.metadata) }
func (f *file) Size() int64                  { return f.size }
func (f *file) Parts() []string              { return slices.Clone(f.parts) }

func (f *file) Close() error {
	var all error
	for _, c := range f.opened {
		if err := c.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			all = errors.Join(all, fmt.Errorf("tfjs: %s: closing: %w", f.name, err))
		}
	}
	return all
}

// Graph returns the model that the file describes.
func (f *file) Graph() (*tensorfile.Graph, error) {
	g, err := model.Parse(f.config, f.tensors)
	if err != nil {
		return nil, fmt.Errorf("tfjs: %s: the model's description: %w", f.name, err)
	}
	return g, nil
}

func (f *file) mismatch(tensor, expected, found, advice string) error {
	return &tensorfile.Mismatch{Format: "tfjs", File: f.name, Tensor: tensor, Expected: expected, Found: found, Advice: advice}
}

// Open opens a model by its model.json. The files must not be cut short or rewritten in
// place while it is open.
func Open(path string) (tensorfile.File, error) {
	f := &file{name: path}
	open := func(name string) (io.ReaderAt, int64, error) {
		opened, size, err := tensorfile.Open("tfjs", name)
		if err != nil {
			return nil, 0, err
		}
		f.opened = append(f.opened, opened)
		f.parts = append(f.parts, name)
		return opened, size, nil
	}
	if err := f.parse(filepath.Dir(path), open); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (f *file) parse(folder string, open func(name string) (io.ReaderAt, int64, error)) error {
	in, size, err := open(f.name)
	if err != nil {
		return err
	}
	if size > descriptionLimit {
		return f.mismatch("", fmt.Sprintf("a description of at most %d bytes", descriptionLimit), fmt.Sprint(size), exportAgain)
	}
	data := make([]byte, size)
	if n, err := in.ReadAt(data, 0); n < len(data) {
		return fmt.Errorf("tfjs: %s: reading: %w", f.name, err)
	}
	f.size = size
	var d description
	if err := json.Unmarshal(data, &d); err != nil {
		return f.mismatch("", "the JSON of a layers model", err.Error(), copyAgain)
	}
	switch {
	case d.Format == "graph-model" || d.Topology.Node != nil:
		return f.mismatch("", "a layers model, which has Keras' layers", "a graph model, whose batch norm is folded into its weights", "convert the Keras model with --output_format tfjs_layers_model, or open the SavedModel that it was made from")
	case len(d.Topology.Config) == 0:
		return f.mismatch("", "a modelTopology with a model_config", "none", exportAgain)
	}
	f.config = d.Topology.Config
	seen := map[string]bool{}
	for _, g := range d.Manifest {
		s, err := f.shards(folder, g.Paths, open)
		if err != nil {
			return err
		}
		at := int64(0)
		for _, w := range g.Weights {
			if seen[w.Name] {
				return f.mismatch(w.Name, "each name once", "the name twice", exportAgain)
			}
			seen[w.Name] = true
			size := sizeOf(w.stored())
			if size == 0 {
				return f.mismatch(w.Name, "elements of float32, float16, int32, uint16, uint8 or bool", tensorfile.Quote(w.stored()), exportAgain)
			}
			n, ok := tensorfile.ByteLength(w.Shape, size)
			if !ok || int64(n) > s.size-at {
				return f.mismatch(w.Name, fmt.Sprintf("the bytes of shape %s of %s", tensorfile.ShapeText(w.Shape), w.stored()), fmt.Sprintf("%d bytes left in the shards", s.size-at), copyAgain)
			}
			from := at
			at += int64(n)
			if w.Shape == nil {
				w.Shape = []int{}
			}
			f.tensors = append(f.tensors, tensorfile.Tensor{Name: w.Name, DType: w.stored(), Shape: w.Shape, Values: func(dst []float32) error {
				return f.values(w, s, from, dst)
			}})
		}
		if at != s.size {
			return f.mismatch("", fmt.Sprintf("%d bytes in the shards %s", at, tensorfile.Quote(strings.Join(g.Paths, ", "))), fmt.Sprint(s.size), copyAgain)
		}
	}
	if len(f.tensors) == 0 {
		return f.mismatch("", "a weightsManifest with weights", "none", exportAgain)
	}
	return nil
}

// shards are files whose bytes go on from one to the next.
type shards struct {
	files []io.ReaderAt
	ends  []int64
	size  int64
}

func (f *file) shards(folder string, paths []string, open func(string) (io.ReaderAt, int64, error)) (*shards, error) {
	s := &shards{}
	for _, path := range paths {
		if !filepath.IsLocal(path) {
			return nil, f.mismatch("", "the name of a shard in the folder of the model", tensorfile.Quote(path), copyAgain)
		}
		name := filepath.Join(folder, filepath.FromSlash(path))
		in, size, err := open(name)
		if errors.Is(err, os.ErrNotExist) {
			return nil, f.mismatch("", "the file "+name+" beside it", "none", copyAgain)
		}
		if err != nil {
			return nil, err
		}
		s.files = append(s.files, in)
		s.size += size
		s.ends = append(s.ends, s.size)
		f.size += size
	}
	return s, nil
}

func (s *shards) read(data []byte, at int64) error {
	for i, end := range s.ends {
		if at >= end || len(data) == 0 {
			continue
		}
		begin := int64(0)
		if i > 0 {
			begin = s.ends[i-1]
		}
		n := min(int64(len(data)), end-at)
		if read, err := s.files[i].ReadAt(data[:n], at-begin); int64(read) < n {
			return err
		}
		data, at = data[n:], at+n
	}
	if len(data) > 0 {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// values fills dst; a quantised value is its integer times a scale, plus a minimum, in
// float32.
func (f *file) values(w weight, s *shards, at int64, dst []float32) error {
	n, _ := tensorfile.Elements(w.Shape)
	if len(dst) != n {
		return f.mismatch(w.Name, fmt.Sprintf("room for %d values of shape %s", n, tensorfile.ShapeText(w.Shape)), fmt.Sprint(len(dst)), "pass a slice of Elements values")
	}
	stored := w.stored()
	data := make([]byte, n*sizeOf(stored))
	if err := s.read(data, at); err != nil {
		return fmt.Errorf("tfjs: %s: tensor %s: reading: %w", f.name, tensorfile.Quote(w.Name), err)
	}
	quantised := w.Quantization != nil
	switch {
	case stored == "float32":
		tensorfile.FromF32(dst, data)
	case stored == "float16":
		tensorfile.FromF16(dst, data)
	case stored == "uint8" && quantised:
		scale, least := float32(w.Quantization.Scale), float32(w.Quantization.Min)
		for i := range dst {
			product := float32(data[i]) * scale
			dst[i] = product + least
		}
	case stored == "uint16" && quantised:
		scale, least := float32(w.Quantization.Scale), float32(w.Quantization.Min)
		for i := range dst {
			product := float32(binary.LittleEndian.Uint16(data[2*i:])) * scale
			dst[i] = product + least
		}
	default:
		return tensorfile.UnreadType(f.mismatch(w.Name, "elements of float32, or quantised ones", "elements of "+stored, exportAgain))
	}
	if quantised && (math.IsNaN(w.Quantization.Scale) || math.IsInf(w.Quantization.Scale, 0)) {
		return f.mismatch(w.Name, "a finite scale", fmt.Sprint(w.Quantization.Scale), exportAgain)
	}
	return nil
}
