package weights

import (
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// graphOf is the graph of a network without residual connections, as a file may have it;
// its tensors have shapes alone.
func graphOf(t *testing.T, network *arch.Network) *tensorfile.Graph {
	t.Helper()
	d, err := network.Describe(299, 299)
	if err != nil {
		t.Fatal(err)
	}
	shapes := map[string][]int{}
	for _, p := range d.Tensors {
		shapes[p.Name] = p.Shape
	}
	g := &tensorfile.Graph{}
	places := map[int]int{-1: tensorfile.GraphInput}
	add := func(n tensorfile.Node) []int {
		g.Nodes = append(g.Nodes, n)
		g.Output = len(g.Nodes) - 1
		return []int{g.Output}
	}
	for i, l := range d.Layers {
		tensors := func(of map[string]string) map[string]tensorfile.Tensor {
			all := map[string]tensorfile.Tensor{}
			for role, name := range of {
				all[role] = tensorfile.Tensor{Name: l.Name + "/" + name, Shape: shapes[l.Name+"/"+name]}
			}
			return all
		}
		n := tensorfile.Node{Name: l.Name, Window: l.Kernel, Stride: [2]int{l.Stride, l.Stride}, Same: l.Padding == "SAME"}
		for _, in := range l.Inputs {
			n.Inputs = append(n.Inputs, places[in])
		}
		switch l.Kind {
		case arch.Convolution:
			n.Op, n.Tensors = tensorfile.OpConvolution, tensors(map[string]string{tensorfile.RoleKernel: "weights"})
			n = tensorfile.Node{Op: tensorfile.OpBatchNorm, Epsilon: networkEpsilon, Inputs: add(n), Tensors: tensors(map[string]string{
				tensorfile.RoleGamma: "BatchNorm/gamma", tensorfile.RoleBeta: "BatchNorm/beta", tensorfile.RoleMean: "BatchNorm/moving_mean", tensorfile.RoleVariance: "BatchNorm/moving_variance"})}
			add(tensorfile.Node{Op: tensorfile.OpActivation, Function: tensorfile.FunctionRelu, Inputs: add(n)})
		case arch.MaxPool:
			n.Op = tensorfile.OpMaxPool
			add(n)
		case arch.AveragePool:
			n.Op, n.CountsPadding = tensorfile.OpAveragePool, network.Options().AveragePoolCountsPadding
			add(n)
		case arch.Concat:
			n.Op = tensorfile.OpConcat
			add(n)
		case arch.GlobalAveragePool:
			n.Op = tensorfile.OpGlobalAverage
			add(n)
		case arch.Dropout:
			n.Op, n.Factors = tensorfile.OpDropout, [][]float32{{float32(network.Options().DropoutKeep)}}
			add(n)
		case arch.Dense:
			n.Op, n.Tensors = tensorfile.OpDense, tensors(map[string]string{tensorfile.RoleKernel: "weights", tensorfile.RoleBias: "biases"})
			add(n)
		default:
			t.Fatalf("%s is a %s", l.Name, l.Kind)
		}
		places[i] = g.Output
	}
	return g
}

// TestPoolings recognises each kind of 3x3 pooling by the graph alone, and takes none for
// another.
func TestPoolings(t *testing.T) {
	for _, o := range []arch.Options{{}, {AveragePoolCountsPadding: true}, {MaxPoolLastBlock: true, Classes: 1008}} {
		network, err := arch.New("inception_v3", o)
		if err != nil {
			t.Fatal(err)
		}
		g := graphOf(t, network)
		found, err := recognise(g, "", false)
		if err != nil {
			t.Error(err)
			continue
		}
		got, want := found.network.Options(), network.Options()
		if found.network.Name() != "inception_v3" || got.MaxPoolLastBlock != want.MaxPoolLastBlock || got.AveragePoolCountsPadding != want.AveragePoolCountsPadding || got.Classes != want.Classes {
			t.Errorf("%s %+v, want %+v", found.network.Name(), got, want)
		}
		if o.MaxPoolLastBlock {
			plain, err := arch.New("inception_v3", arch.Options{Classes: 1008})
			if err != nil {
				t.Fatal(err)
			}
			if _, err = recogniseAs(g, plain, false); err == nil || !strings.Contains(err.Error(), "expected average pool, found max pool") {
				t.Errorf("taken for a network with average pooling: %v", err)
			}
		}
		// Largest values elsewhere are no network's.
		for i, n := range g.Nodes {
			if strings.Contains(n.Name, "Mixed_7b/Branch_3") && n.Op == tensorfile.OpAveragePool {
				g.Nodes[i].Op = tensorfile.OpMaxPool
			}
		}
		if _, err := recognise(g, "", false); err == nil {
			t.Error("largest values in another block are taken for averages")
		}
	}
}
