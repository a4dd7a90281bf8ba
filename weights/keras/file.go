package keras

import (
	"archive/zip"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-fb2c0fa6/inception/internal/hdf5"
	"github.com/seed-fb2c0fa6/inception/weights/keras/model"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// What to do about a file that breaks the format.
const (
	copyAgain = "copy or download the file again"
	saveAgain = "save the model again with model.save"
)

// configLimit bounds the bytes of a model's description.
const configLimit = 64 << 20

// ConfigKey is the key of the metadata that has the description of the model, as JSON.
const ConfigKey = "model_config"

// Entries of an archive.
const (
	configEntry  = "config.json"
	weightsEntry = "model.weights.h5"
)

// Recognise reports whether a file begins as HDF5 does, or as an archive of Keras 3.
func Recognise(s tensorfile.Sample) bool {
	head := string(s.Head)
	if strings.HasPrefix(head, hdf5.Signature) {
		return true
	}
	return strings.HasPrefix(head, "PK\x03\x04") && (strings.HasPrefix(afterHeader(head), "metadata.json") || strings.HasPrefix(afterHeader(head), configEntry) || strings.HasPrefix(afterHeader(head), weightsEntry))
}

// afterHeader is what begins with the name of an archive's first entry.
func afterHeader(head string) string { return head[min(len(head), 30):] }

// file is an open file.
type file struct {
	name     string
	size     int64
	tensors  []tensorfile.Tensor
	metadata map[string]string
	close    func() error
}

func (f *file) Tensors() []tensorfile.Tensor { return slices.Clone(f.tensors) }
func (f *file) Metadata() map[string]string  { return maps.Clone(f.metadata) }
func (f *file) Size() int64                  { return f.size }

func (f *file) Close() error {
	if err := f.close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("keras: %s: closing: %w", f.name, err)
	}
	return nil
}

// Graph returns the model that the file describes.
func (f *file) Graph() (*tensorfile.Graph, error) {
	config := f.metadata[ConfigKey]
	if config == "" {
		return nil, nil
	}
	g, err := model.Parse([]byte(config), f.tensors)
	if err != nil {
		return nil, fmt.Errorf("keras: %s: the model's description: %w", f.name, err)
	}
	return g, nil
}

func (f *file) mismatch(tensor, expected, found, advice string) error {
	return &tensorfile.Mismatch{Format: "keras", File: f.name, Tensor: tensor, Expected: expected, Found: found, Advice: advice}
}

// Open opens the file at path. It must not be cut short or rewritten in place while it is
// open.
func Open(path string) (tensorfile.File, error) {
	opened, size, err := tensorfile.Open("keras", path)
	if err != nil {
		return nil, err
	}
	f, err := parse(path, opened, size)
	if err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	f.close = opened.Close
	return f, nil
}

// parse opens a file of size bytes; name stands for it in errors.
func parse(name string, r io.ReaderAt, size int64) (*file, error) {
	f := &file{name: name, size: size, metadata: map[string]string{}, close: func() error { return nil }}
	magic := make([]byte, min(4, size))
	if _, err := r.ReadAt(magic, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("keras: %s: reading: %w", name, err)
	}
	var config []byte
	if strings.HasPrefix(string(magic), "PK") {
		var err error
		if r, size, config, err = f.unpack(r, size); err != nil {
			return nil, err
		}
	}
	if err := f.readHDF5(r, size, config); err != nil {
		return nil, err
	}
	return f, nil
}

// unpack finds the parts of an archive.
func (f *file) unpack(r io.ReaderAt, size int64) (weights io.ReaderAt, bytes int64, config []byte, err error) {
	fail := func(expected, found string) (io.ReaderAt, int64, []byte, error) {
		return nil, 0, nil, f.mismatch("", expected, found, copyAgain)
	}
	z, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return fail("a whole zip archive", strings.TrimPrefix(err.Error(), "zip: ")+": the file may be cut short")
	}
	entries := map[string]*zip.File{}
	for _, e := range z.File {
		entries[e.Name] = e
	}
	inside := entries[weightsEntry]
	if inside == nil {
		for name := range entries {
			if strings.HasPrefix(name, "model.weights") {
				return nil, 0, nil, f.mismatch("", weightsEntry+" in the archive", tensorfile.Quote(name), "save the model without sharding, by model.save")
			}
		}
		return fail(weightsEntry+" in the archive", "none")
	}
	if e := entries[configEntry]; e != nil {
		if e.UncompressedSize64 > configLimit {
			return fail(fmt.Sprintf("a description of at most %d bytes", configLimit), fmt.Sprint(e.UncompressedSize64))
		}
		in, err := e.Open()
		if err != nil {
			return fail("an entry that can be unpacked", err.Error())
		}
		defer in.Close()
		if config, err = io.ReadAll(io.LimitReader(in, configLimit)); err != nil {
			return fail("an entry "+configEntry+" that can be unpacked", err.Error())
		}
	}
	offset, err := inside.DataOffset()
	if err != nil || offset > size || uint64(size-offset) < inside.CompressedSize64 {
		return fail(fmt.Sprintf("%d bytes of %s", inside.CompressedSize64, weightsEntry), "fewer: the file is cut short")
	}
	if inside.Method != zip.Store {
		return nil, 0, nil, f.mismatch("", weightsEntry+" stored in the archive as it is, as Keras does", fmt.Sprintf("compression method %d", inside.Method), "take the file out of the archive, or "+saveAgain)
	}
	section := io.NewSectionReader(r, offset, int64(inside.CompressedSize64))
	sum := crc32.NewIEEE()
	if _, err := io.Copy(sum, section); err != nil {
		return nil, 0, nil, fmt.Errorf("keras: %s: reading: %w", f.name, err)
	}
	if sum.Sum32() != inside.CRC32 {
		return fail("the checksum of the archive for "+weightsEntry, "another: the bytes have changed")
	}
	return section, section.Size(), config, nil
}

// readHDF5 lists the tensors.
func (f *file) readHDF5(r io.ReaderAt, size int64, config []byte) error {
	broken := func(err error) error {
		if !errors.Is(err, hdf5.ErrFormat) {
			return fmt.Errorf("keras: %s: %w", f.name, err)
		}
		return f.mismatch("", "a whole HDF5 file of Keras", err.Error(), copyAgain)
	}
	h, err := hdf5.Open(r, size)
	if err != nil {
		return broken(err)
	}
	objects, err := h.Objects()
	if err != nil {
		return broken(err)
	}
	text := map[string]map[string][]string{}
	for _, o := range objects {
		text[o.Path] = o.Text
	}
	for key, values := range text[""] {
		if len(values) == 1 {
			f.metadata[key] = values[0]
		}
	}
	if config != nil {
		f.metadata[ConfigKey] = string(config)
	}
	names := namer{text: text}
	if config := f.metadata[ConfigKey]; config != "" {
		// Where the file does not say what its layers are called, the description does.
		names.counted, err = model.Counted([]byte(config))
		if err != nil {
			return f.mismatch("", "a description of the model in JSON", err.Error(), saveAgain)
		}
	}
	seen := map[string]bool{}
	for _, o := range objects {
		if o.Dataset == nil || strings.HasPrefix(o.Path, "optimizer") || strings.HasPrefix(o.Path, "_optimizer") {
			continue
		}
		t, err := f.tensor(names.of(o), o.Dataset)
		if err != nil {
			return err
		}
		if seen[t.Name] {
			return f.mismatch(t.Name, "each name once", "the name twice", saveAgain)
		}
		seen[t.Name] = true
		f.tensors = append(f.tensors, t)
	}
	if len(f.tensors) == 0 {
		return f.mismatch("", "the weights of a model", "none", "save the model with its weights, by model.save or model.save_weights")
	}
	if names.uncertain {
		f.metadata[CountedKey] = "true"
	}
	return nil
}

// CountedKey is the key of the metadata that is set where layers are called by kind and
// count in the order of the model's layers, and the file does not say by which names.
const CountedKey = "counted"

func (f *file) tensor(name string, d *hdf5.Dataset) (tensorfile.Tensor, error) {
	t := tensorfile.Tensor{Name: name, DType: d.Type.String(), Shape: d.Shape}
	if _, ok := tensorfile.ByteLength(d.Shape, d.Type.Size); !ok {
		return t, f.mismatch(name, "a shape whose bytes fit this machine's int", tensorfile.ShapeText(d.Shape), saveAgain)
	}
	t.Values = func(dst []float32) error {
		convert := map[int]func([]float32, []byte){2: tensorfile.FromF16, 4: tensorfile.FromF32, 8: tensorfile.FromF64}[d.Type.Size]
		if d.Type.IsBFloat16() {
			convert = tensorfile.FromBF16
		} else if !d.Type.IsFloat() {
			return tensorfile.UnreadType(f.mismatch(name, "elements of float16, bfloat16, float32 or float64", "elements of "+d.Type.String(), "save the layer's weights as float32"))
		}
		if n := t.Elements(); len(dst) != n {
			return f.mismatch(name, fmt.Sprintf("room for %d values of shape %s", n, tensorfile.ShapeText(d.Shape)), fmt.Sprint(len(dst)), "pass a slice of Elements values")
		}
		data := tensorfile.BytesOf(dst)
		if d.Type.Size != 4 || d.Type.BigEndian {
			data = make([]byte, len(dst)*d.Type.Size)
		}
		if err := d.Read(data); err != nil {
			if errors.Is(err, hdf5.ErrFormat) {
				return f.mismatch(name, "the tensor's values", err.Error(), copyAgain)
			}
			return fmt.Errorf("keras: %s: tensor %s: reading: %w", f.name, tensorfile.Quote(name), err)
		}
		if d.Type.Size == 4 && !d.Type.BigEndian {
			tensorfile.SwapIfBigEndian(dst)
			return nil
		}
		if d.Type.BigEndian {
			for i := 0; i < len(data); i += d.Type.Size {
				slices.Reverse(data[i : i+d.Type.Size])
			}
		}
		convert(dst, data)
		return nil
	}
	return t, nil
}

// A namer gives tensors their names.
type namer struct {
	text      map[string]map[string][]string // of the file's objects, by path
	counted   map[string]string              // names of layers by those that Keras 3 gives them in files
	uncertain bool
}

// of names the tensor of an object. Keras 2 and the .h5 of Keras 3 write names; the
// .weights.h5 of Keras 3 writes layers/conv2d_17/vars/0, and layers in layers.
func (n *namer) of(o hdf5.Object) string {
	path, ok := strings.CutPrefix(o.Path, "model_weights/")
	parts := strings.Split(path, "/")
	if len(parts) < 3 || parts[len(parts)-2] != "vars" || ok {
		return n.legacy(path)
	}
	var names []string
	place := ""
	for _, part := range parts[:len(parts)-2] {
		before := place
		if place = strings.TrimPrefix(place+"/"+part, "/"); part == "layers" || part == "_layer_checkpoint_dependencies" {
			continue
		}
		name := part
		switch own, known := n.text[place+"/vars"]["name"], n.counted[place]; {
		case len(own) == 1:
			name = own[0]
		case known != "":
			name = known
		default:
			n.uncertain = true
		}
		_ = before
		names = append(names, name)
	}
	role := role(parts, len(n.siblings(o.Path)))
	return strings.Join(append(names, role), "/")
}

// siblings are the variables of one layer.
func (n *namer) siblings(path string) []string {
	group := path[:strings.LastIndexByte(path, '/')]
	var all []string
	for other := range n.text {
		if rest, ok := strings.CutPrefix(other, group+"/"); ok && !strings.Contains(rest, "/") {
			all = append(all, rest)
		}
	}
	return all
}

// role is what the variable of a layer is, by the kind of the layer and its number among
// the layer's: batch norm without gamma has one fewer.
func role(parts []string, count int) string {
	layer, variable := parts[len(parts)-3], parts[len(parts)-1]
	at, err := strconv.Atoi(variable)
	if err != nil {
		return variable
	}
	roles := []string{"kernel", "bias"}
	if strings.HasPrefix(layer, "batch_normalization") {
		roles = []string{"gamma", "beta", "moving_mean", "moving_variance"}
		if count < len(roles) {
			roles = roles[len(roles)-count:]
		}
	}
	if at < 0 || at >= len(roles) {
		return "vars_" + variable
	}
	return roles[at]
}

// legacy takes the layer's name that comes twice, and TensorFlow's number, off a path:
// conv2d_1/conv2d_1/kernel:0 and conv2d_1/model/conv2d_1/kernel.
func (n *namer) legacy(path string) string {
	path = strings.TrimSuffix(path, ":0")
	parts := strings.Split(path, "/")
	if len(parts) < 3 {
		return path
	}
	group, layer, tensor := parts[0], parts[len(parts)-2], parts[len(parts)-1]
	if group == layer {
		return layer + "/" + tensor
	}
	return group + "/" + layer + "/" + tensor
}
