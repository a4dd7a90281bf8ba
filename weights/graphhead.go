package weights

import (
	"fmt"
	"math"
	"slices"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// A graphHead is what follows the last block in a graph.
type graphHead struct {
	head    *arch.Head // nil where it is the published one
	classes int
	keep    float64
	trunk   int     // the node of the last block
	steps   [][]int // the nodes of each layer of the head, and of the logits behind them
	pool    int     // the node of the pooling, -1 without one
}

// headOf goes back from the output to the pooling.
func headOf(g *tensorfile.Graph) (graphHead, error) {
	none := graphHead{head: headless, trunk: g.Output, pool: -1}
	if g.Output < 0 {
		return none, fmt.Errorf("the output of the graph is its input")
	}
	var chain []int // from the output back
	at := g.Output
	hasDense := false
	for {
		if at < 0 {
			return none, fmt.Errorf("the graph has no block of a network")
		}
		node := g.Nodes[at]
		pools := node.Op == tensorfile.OpGlobalAverage || node.Op == tensorfile.OpGlobalMax ||
			(node.Op == tensorfile.OpAveragePool || node.Op == tensorfile.OpMaxPool) && node.Window[0] > 3
		if pools {
			break
		}
		inside := len(node.Inputs) == 1 && (node.Op == tensorfile.OpActivation || node.Op == tensorfile.OpDense || node.Op == tensorfile.OpBatchNorm || node.Op == tensorfile.OpDropout ||
			node.Op == tensorfile.OpFlatten || node.Op == tensorfile.OpSame || node.Op == tensorfile.OpScale || node.Op == tensorfile.OpNormalize || node.Op == tensorfile.OpConvolution && node.Window == [2]int{1, 1})
		if !inside {
			if hasDense {
				return none, fmt.Errorf("the head's first dense layer reads a grid that no global pooling has been over (%s %q); such a head depends on the size of the images, and is not known: take the network without a head (--head none)", node.Op, node.Name)
			}
			return none, nil // it ends in its last block
		}
		hasDense = hasDense || node.Op == tensorfile.OpDense
		chain = append(chain, at)
		at = node.Inputs[0]
	}
	h := graphHead{head: &arch.Head{}, pool: at, trunk: g.Nodes[at].Inputs[0]}
	if pool := g.Nodes[at].Op; pool == tensorfile.OpGlobalMax || pool == tensorfile.OpMaxPool {
		h.head.Pooling = arch.PoolMax
	}
	slices.Reverse(chain)
	return h, h.layers(g, chain)
}

// layers divides the operations behind the pooling into layers.
func (h *graphHead) layers(g *tensorfile.Graph, chain []int) error {
	isDense := func(n tensorfile.Node) bool { return n.Op == tensorfile.OpDense || n.Op == tensorfile.OpConvolution }
	var steps []int
	for _, at := range chain {
		if op := g.Nodes[at].Op; op != tensorfile.OpSame && op != tensorfile.OpFlatten {
			steps = append(steps, at)
		}
	}
	output := arch.OutputFeatures
	if n := len(steps); n > 0 {
		last := g.Nodes[steps[n-1]]
		before := -1
		if n > 1 {
			before = steps[n-2]
		}
		switch {
		case last.Op == tensorfile.OpNormalize:
			output = arch.OutputEmbedding
			steps = steps[:n-1]
		case isDense(last):
			output = arch.OutputSoftmax
		case last.Op == tensorfile.OpActivation && (last.Function == tensorfile.FunctionSoftmax || last.Function == tensorfile.FunctionSigmoid) && before >= 0 && isDense(g.Nodes[before]):
			output = arch.OutputSoftmax
			if last.Function == tensorfile.FunctionSigmoid {
				output = arch.OutputSigmoid
			}
			steps = steps[:n-1]
		case last.Op == tensorfile.OpActivation && last.Function == tensorfile.FunctionSoftmax:
			return fmt.Errorf("softmax of %q, which is no dense layer", last.Name)
		}
	}
	logits := -1
	if output != arch.OutputFeatures && output != arch.OutputEmbedding {
		logits = steps[len(steps)-1]
		steps = steps[:len(steps)-1]
		kernel := g.Nodes[logits].Tensors[tensorfile.RoleKernel].Shape
		if len(kernel) == 0 {
			return fmt.Errorf("dense layer %q has no kernel", g.Nodes[logits].Name)
		}
		h.classes = kernel[len(kernel)-1]
		if g.Nodes[logits].ChannelsFirst {
			h.classes = kernel[0]
		}
	}
	var current arch.HeadLayer
	var nodes []int
	flush := func() {
		if current != (arch.HeadLayer{}) {
			h.head.Hidden = append(h.head.Hidden, current)
			h.steps = append(h.steps, nodes)
		}
		current, nodes = arch.HeadLayer{}, nil
	}
	for _, at := range steps {
		node := g.Nodes[at]
		switch {
		case node.Op == tensorfile.OpDropout:
			flush()
			if keep := float64(node.Factors[0][0]); keep > 0 && keep < 1 {
				current.DropoutKeep = math.Round(keep*1e6) / 1e6
			}
			continue
		case isDense(node):
			if current.Units > 0 || current.BatchNorm || current.Activation != "" {
				flush()
			}
			kernel := node.Tensors[tensorfile.RoleKernel].Shape
			if len(kernel) == 0 {
				return fmt.Errorf("dense layer %q has no kernel", node.Name)
			}
			current.Units = kernel[len(kernel)-1]
			if node.ChannelsFirst {
				current.Units = kernel[0]
			}
			_, biased := node.Tensors[tensorfile.RoleBias]
			current.Unbiased = !biased
		case node.Op == tensorfile.OpBatchNorm:
			if current.BatchNorm || current.Activation != "" {
				flush()
			}
			current.BatchNorm = true
		case node.Op == tensorfile.OpActivation:
			if current.Activation != "" {
				flush()
			}
			current.Activation = node.Function
			if !slices.Contains(arch.HeadActivations(), node.Function) {
				return fmt.Errorf("activation %q of the head: %s is not known inside a head", node.Name, node.Function)
			}
		default:
			return fmt.Errorf("%s %q in the head is not known", node.Op, node.Name)
		}
		nodes = append(nodes, at)
	}
	flush()
	h.head.Output = output
	if logits >= 0 {
		h.steps = append(h.steps, []int{logits})
		published := len(h.head.Hidden) == 0 || len(h.head.Hidden) == 1 && h.head.Hidden[0] == (arch.HeadLayer{DropoutKeep: h.head.Hidden[0].DropoutKeep})
		if published && h.head.Pooling == "" && output == arch.OutputSoftmax {
			if len(h.head.Hidden) == 1 {
				h.keep = h.head.Hidden[0].DropoutKeep
				h.steps = h.steps[1:]
			}
			h.head = nil
		}
	}
	return nil
}
