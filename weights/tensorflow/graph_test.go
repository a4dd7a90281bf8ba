package tensorflow

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// kinds are those of the operations of a graph, from the output back.
func kinds(g *tensorfile.Graph) string {
	var all []string
	for at := g.Output; at >= 0; at = g.Nodes[at].Inputs[0] {
		all = append(all, g.Nodes[at].Op)
	}
	return strings.Join(all, ", ")
}

// TestGraphs opens a frozen graph and a SavedModel that TensorFlow wrote (testdata/make.py).
func TestGraphs(t *testing.T) {
	for path, c := range map[string]struct {
		recognise func(tensorfile.Sample) bool
		open      func(string) (tensorfile.File, error)
		want      string
	}{
		"graph.pb":             {RecogniseGraph, OpenGraph, "activation, dense, global average, activation, scale, convolution, activation, batch norm, convolution"},
		"graph_2015.pb":        {RecogniseGraph, OpenGraph, "activation, dense, flatten, average pool, activation, batch norm, convolution, scale, scale"},
		"saved":                {RecogniseSavedModel, OpenSavedModel, "global average, activation, convolution"},
		"saved/saved_model.pb": {RecogniseSavedModel, OpenSavedModel, "global average, activation, convolution"},
	} {
		path = filepath.Join("testdata", path)
		if s, err := tensorfile.Look(path); err != nil || !c.recognise(s) {
			t.Errorf("%s is not recognised: %v", path, err)
		}
		f, err := c.open(path)
		if err != nil {
			t.Error(err)
			continue
		}
		defer f.Close()
		g, err := f.(tensorfile.Grapher).Graph()
		if err != nil {
			t.Error(err)
			continue
		}
		if got := kinds(g); got != c.want {
			t.Errorf("%s is %s, want %s", path, got, c.want)
		}
		for _, n := range g.Nodes {
			for role, x := range n.Tensors {
				if err := x.Values(make([]float32, x.Elements())); err != nil {
					t.Errorf("%s: %s of %s: %v", path, role, n.Name, err)
				}
			}
		}
	}
	early, err := OpenGraph(filepath.Join("testdata", "graph_2015.pb"))
	if err != nil {
		t.Fatal(err)
	}
	defer early.Close()
	g, err := early.(tensorfile.Grapher).Graph()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range g.Nodes {
		if n.Op == tensorfile.OpBatchNorm {
			_, scaled := n.Tensors[tensorfile.RoleGamma]
			mean, variance, beta := n.Tensors[tensorfile.RoleMean].Name, n.Tensors[tensorfile.RoleVariance].Name, n.Tensors[tensorfile.RoleBeta].Name
			if scaled || n.Epsilon != 1e-3 || mean != "conv/batchnorm/moving_mean" || variance != "conv/batchnorm/moving_variance" || beta != "conv/batchnorm/beta" {
				t.Errorf("batch norm is %+v", n)
			}
		}
	}
	if g.Side != 9 {
		t.Errorf("images are of %d, want 9", g.Side)
	}
	_, err = openSavedModel("m/saved_model.pb", inMemory(map[string][]byte{"m/saved_model.pb": read(t, "saved/saved_model.pb")}))
	wanted.Error(t, err, "variables", "none")
	graph := read(t, "graph.pb")
	for n := 0; n < len(graph); n += 5 {
		f, err := openGraph("m.pb", inMemory(map[string][]byte{"m.pb": graph[:n]}))
		if err == nil {
			if _, err = f.Graph(); err == nil && n < len(graph)/2 {
				t.Fatalf("a graph cut to %d of %d bytes is read", n, len(graph))
			}
		}
	}
}

func FuzzGraph(f *testing.F) {
	f.Add(read(f, "graph.pb"))
	f.Add(read(f, "graph_2015.pb"))
	f.Add(read(f, "saved/saved_model.pb"))
	index, data := read(f, "saved/variables/variables.index"), read(f, "saved/variables/variables.data-00000-of-00001")
	f.Fuzz(func(t *testing.T, in []byte) {
		in = bytes.Clone(in)
		open := inMemory(map[string][]byte{"m.pb": in, "saved_model.pb": in, "variables/variables.index": index, "variables/variables.data-00000-of-00001": data})
		if m, err := openGraph("m.pb", open); err == nil {
			for _, x := range m.tensors {
				if n := x.Elements(); n < 1<<16 {
					_ = x.Values(make([]float32, n))
				}
			}
			_, _ = m.Graph()
		}
		if m, err := openSavedModel("saved_model.pb", open); err == nil {
			_, _ = m.Graph()
		}
	})
}
