package tensorflow

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/seed-fb2c0fa6/inception/internal/wire"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

const (
	frozenFormat = "tensorflow graph"
	savedFormat  = "tensorflow SavedModel"
)

// ModelFile is the file that a folder with a SavedModel has.
const ModelFile = "saved_model.pb"

const (
	freezeAgain = "freeze the graph again, or give the checkpoint that it was made from"
	exportAgain = "save the model again with tf.saved_model.save, or give its checkpoint"
)

// RecogniseGraph reports whether a file begins as a GraphDef does: with a node that has a
// name and an operation.
func RecogniseGraph(s tensorfile.Sample) bool {
	const node, name, op = 0x0a, 0x0a, 0x12
	if len(s.Head) < 8 || s.Head[0] != node {
		return false
	}
	_, n := protowire.ConsumeVarint(s.Head[1:])
	if n < 0 || len(s.Head) < 1+n+2 || s.Head[1+n] != name {
		return false
	}
	text, m := protowire.ConsumeBytes(s.Head[1+n+1:])
	at := 1 + n + 1 + m
	return m > 1 && len(text) > 0 && len(text) < 200 && at < len(s.Head) && s.Head[at] == op
}

// RecogniseSavedModel reports whether a path is a SavedModel's file, or its folder.
func RecogniseSavedModel(s tensorfile.Sample) bool {
	if s.Folder {
		_, err := os.Stat(filepath.Join(s.Path, ModelFile))
		return err == nil
	}
	return filepath.Base(s.Path) == ModelFile
}

// A modelFile is an open graph with its tensors.
type modelFile struct {
	complainer
	size    int64
	tensors []tensorfile.Tensor
	graph   func() (*tensorfile.Graph, error)
	close   func() error
	parts   []string
}

func (m *modelFile) Tensors() []tensorfile.Tensor { return slices.Clone(m.tensors) }
func (m *modelFile) Metadata() map[string]string  { return nil }
func (m *modelFile) Size() int64                  { return m.size }
func (m *modelFile) Parts() []string              { return slices.Clone(m.parts) }
func (m *modelFile) Close() error                 { return m.close() }
func (m *modelFile) Graph() (*tensorfile.Graph, error) {
	g, err := m.graph()
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", m.format, m.file, err)
	}
	return g, nil
}

// OpenGraph opens a frozen graph.
func OpenGraph(path string) (tensorfile.File, error) {
	var f files
	m, err := openGraph(path, f.add)
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	m.close, m.parts = f.close, f.parts()
	return m, nil
}

func openGraph(path string, open func(string) (io.ReaderAt, int64, error)) (*modelFile, error) {
	m := &modelFile{complainer: complainer{frozenFormat, path}}
	in, size, err := open(path)
	if err != nil {
		return nil, err
	}
	m.size = size
	def, err := readGraph(in, 0, size)
	if err != nil {
		return nil, m.broken(err, freezeAgain)
	}
	for _, name := range def.order {
		n := def.nodes[name]
		if c := n.attrs["value"].value; n.op == "Const" && c != nil && c.dtype.converter() != nil {
			t, err := c.tensor(name, in)
			if err != nil {
				return nil, m.broken(err, freezeAgain)
			}
			m.tensors = append(m.tensors, t)
		}
	}
	if len(m.tensors) == 0 {
		return nil, m.mismatch("", "a graph with its weights in constants", "none: its variables are in a checkpoint", "give the checkpoint")
	}
	m.graph = func() (*tensorfile.Graph, error) {
		used := map[string]bool{}
		for _, n := range def.nodes {
			for _, in := range n.inputs {
				if name, control := reference(in); !control {
					used[name] = true
				}
			}
		}
		// The output is the last operation that no other reads and that images lead to.
		var failure error
		for _, name := range slices.Backward(def.order) {
			if used[name] {
				continue
			}
			e := &evaluation{def: def, in: in, graph: &tensorfile.Graph{}}
			v, err := e.of(&frame{nodes: def.nodes, done: map[string]value{}}, name, 0)
			if err != nil {
				failure = errors.Join(failure, err)
				continue
			}
			if v.kind == isNode && v.node >= 0 {
				e.graph.Output = v.node
				return e.graph, nil
			}
		}
		if failure == nil {
			failure = errors.New("no operation follows from images")
		}
		return nil, failure
	}
	return m, nil
}

func (m *modelFile) broken(err error, advice string) error {
	if errors.Is(err, wire.ErrBroken) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return m.mismatch("", "a whole graph of TensorFlow", err.Error(), "the file may be cut short: "+copyAgain)
	}
	return m.mismatch("", "a graph of TensorFlow", err.Error(), advice)
}

// OpenSavedModel opens a SavedModel by its folder, or by its file.
func OpenSavedModel(path string) (tensorfile.File, error) {
	if filepath.Base(path) != ModelFile {
		path = filepath.Join(path, ModelFile)
	}
	var f files
	m, err := openSavedModel(path, f.add)
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	m.close, m.parts = f.close, f.parts()
	return m, nil
}

// savedModelLimit bounds the bytes of the graphs of a SavedModel, whose variables are in
// other files.
const savedModelLimit = 512 << 20

func openSavedModel(path string, open func(string) (io.ReaderAt, int64, error)) (*modelFile, error) {
	m := &modelFile{complainer: complainer{savedFormat, path}}
	in, size, err := open(path)
	if err != nil {
		return nil, err
	}
	if size > savedModelLimit {
		return nil, m.mismatch("", fmt.Sprintf("graphs of at most %d bytes", savedModelLimit), fmt.Sprint(size), exportAgain)
	}
	variables, err := openBundle(filepath.Join(filepath.Dir(path), "variables", "variables"+IndexEnding), open)
	if errors.Is(err, os.ErrNotExist) {
		return nil, m.mismatch("", "the folder variables beside it", "none", "put all files of the model into one folder")
	}
	if err != nil {
		return nil, err
	}
	m.size, m.tensors = size+variables.size, variables.tensors
	var def *graphDef
	signatures := map[string]string{}
	err = wire.EachIn(in, 0, size, func(number protowire.Number, _ uint64, at, length int64) error {
		if number != 2 || def != nil {
			return nil
		}
		return wire.EachIn(in, at, at+length, func(number protowire.Number, _ uint64, at, length int64) (err error) {
			switch number {
			case 2:
				def, err = readGraph(in, at, at+length)
			case 5:
				var data []byte
				if data, err = wire.Read(in, at, length); err == nil {
					err = signatureOf(data, signatures)
				}
			}
			return err
		})
	})
	if err == nil && def == nil {
		err = errors.New("it has no graph")
	}
	if err != nil {
		return nil, m.broken(err, exportAgain)
	}
	m.graph = func() (*tensorfile.Graph, error) {
		output := signatures["serving_default"]
		if output == "" {
			for _, other := range signatures {
				if output == "" || other < output {
					output = other
				}
			}
		}
		if output == "" {
			return nil, errors.New("no signature says what the model computes")
		}
		keys, err := restored(def, in)
		if err != nil {
			return nil, err
		}
		byName := map[string]tensorfile.Tensor{}
		for _, t := range variables.tensors {
			byName[t.Name] = t
		}
		e := &evaluation{def: def, in: in, graph: &tensorfile.Graph{}, variables: func(handle string) (tensorfile.Tensor, bool) {
			key, ok := keys[handle]
			if !ok {
				key = handle
			}
			t, ok := byName[key]
			return t, ok
		}}
		v, err := e.of(&frame{nodes: def.nodes, done: map[string]value{}}, output, 0)
		if err != nil {
			return nil, err
		}
		if v.kind != isNode || v.node < 0 {
			return nil, fmt.Errorf("the output %.100q does not follow from images", output)
		}
		e.graph.Output = v.node
		return e.graph, nil
	}
	return m, nil
}

// signatureOf notes the first output of a signature by its name.
func signatureOf(data []byte, signatures map[string]string) error {
	var name, output string
	err := wire.Each(data, func(f wire.Field) error {
		switch f.Number {
		case 1:
			name = string(f.Data)
		case 2:
			return wire.Each(f.Data, func(f wire.Field) error {
				if f.Number != 2 { // outputs
					return nil
				}
				return wire.Each(f.Data, func(f wire.Field) error {
					if f.Number != 2 {
						return nil
					}
					return wire.Each(f.Data, func(f wire.Field) error {
						if f.Number == 1 && output == "" {
							output = string(f.Data)
						}
						return nil
					})
				})
			})
		}
		return nil
	})
	if output != "" && !strings.HasPrefix(name, "__") {
		signatures[name] = output
	}
	return err
}

// restored returns the keys that variables have in the checkpoint, by their handles: the
// function that restores them assigns what it reads by each key.
func restored(def *graphDef, in io.ReaderAt) (map[string]string, error) {
	keys := map[string]string{}
	for _, n := range def.nodes {
		name := n.attrs["f"].fn
		if !strings.Contains(name, "traced_restore") {
			continue
		}
		fn, err := def.function(in, name)
		if err != nil {
			return nil, err
		}
		if fn == nil {
			continue
		}
		arguments := map[string]string{} // handles
		split := map[*nodeDef][]string{} // of the lists of keys, which all variables share
		inputs := dataInputs(n)
		for i, name := range fn.inputs {
			if i >= len(inputs) {
				break
			}
			source, _ := reference(inputs[i])
			if v := def.nodes[source]; v != nil && v.op == "VarHandleOp" {
				if arguments[name] = v.attrs["shared_name"].text; arguments[name] == "" {
					arguments[name] = v.name
				}
			}
		}
		for _, assign := range fn.nodes {
			if assign.op != "AssignVariableOp" || len(assign.inputs) < 2 {
				continue
			}
			handle, ok := arguments[assign.inputs[0]]
			if !ok {
				continue
			}
			restore, at := fn.output(assign.inputs[1])
			if restore == nil || restore.op != "RestoreV2" || len(restore.inputs) < 2 {
				continue
			}
			names, _ := reference(restore.inputs[1])
			list := fn.nodes[names]
			if list == nil || list.attrs["value"].value == nil {
				continue
			}
			texts, ok := split[list]
			if !ok {
				texts = strings.Split(string(list.attrs["value"].value.values), "\x00")
				split[list] = texts
			}
			if at < len(texts) {
				keys[handle] = texts[at]
			}
		}
	}
	return keys, nil
}

// output goes back over identities to the operation that an input is of, and which of its
// outputs it is.
func (fn *functionDef) output(input string) (*nodeDef, int) {
	for range callLimit {
		parts := strings.Split(input, ":")
		n := fn.nodes[parts[0]]
		if n == nil {
			return nil, 0
		}
		if n.op == "Identity" && len(n.inputs) > 0 {
			input = n.inputs[0]
			continue
		}
		at := 0
		if len(parts) > 1 {
			_, _ = fmt.Sscanf(parts[len(parts)-1], "%d", &at) // none is the first
		}
		return n, max(0, at)
	}
	return nil, 0
}
