package weights

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// An attempt holds a graph against a network, from the output back: a layer's inputs come
// in the same order in both.
type attempt struct {
	graph      *tensorfile.Graph
	network    *arch.Network
	head       graphHead
	layers     []arch.Layer
	parameters map[string]arch.Parameter

	places  map[int]int // nodes by layers
	found   map[string]Tensor
	scales  map[string]float64 // of the sums, by the scopes of their blocks
	counts  map[bool]bool      // what average poolings do with the padding
	scale   []float32
	offset  []float32
	failure error
}

func newAttempt(g *tensorfile.Graph, network *arch.Network, head graphHead) (*attempt, error) {
	const side = 299
	d, err := network.Describe(side, side)
	if err != nil {
		return nil, err
	}
	a := &attempt{graph: g, network: network, head: head, layers: d.Layers, parameters: map[string]arch.Parameter{},
		places: map[int]int{}, found: map[string]Tensor{}, scales: map[string]float64{}, counts: map[bool]bool{}}
	for _, p := range d.Tensors {
		a.parameters[p.Name] = p
	}
	return a, nil
}

func (a *attempt) fail(layer arch.Layer, format string, args ...any) bool {
	if a.failure == nil {
		a.failure = fmt.Errorf("%s: "+format, append([]any{layer.Name}, args...)...)
	}
	return false
}

// run matches the trunk, then the layers of the head.
func (a *attempt) run() {
	pool := slices.IndexFunc(a.layers, func(l arch.Layer) bool {
		return l.Kind == arch.GlobalAveragePool || l.Kind == arch.GlobalMaxPool
	})
	trunk := a.layers[pool].Inputs[0]
	if !a.match(trunk, a.head.trunk) {
		return
	}
	if a.head.pool >= 0 {
		if node := a.graph.Nodes[a.head.pool]; node.Op == tensorfile.OpAveragePool || node.Op == tensorfile.OpMaxPool {
			if !a.isGlobal(node) {
				a.fail(a.layers[pool], "the pooling %q of %v is not over the whole grid", node.Name, node.Window)
				return
			}
		}
	}
	var nodes []int // of the head, that have weights
	for _, step := range a.head.steps {
		for _, at := range step {
			if len(a.graph.Nodes[at].Tensors) > 0 {
				nodes = append(nodes, at)
			}
		}
	}
	for _, layer := range a.layers[pool+1:] {
		if layer.Kind != arch.Dense && layer.Kind != arch.BatchNorm {
			continue // there is nothing to read for it
		}
		taken := min(1, len(nodes))
		if layer.Kind == arch.Dense && a.has(layer.Name+"/BatchNorm/beta") && len(nodes) > 1 && a.graph.Nodes[nodes[1]].Op == tensorfile.OpBatchNorm {
			taken = 2
		}
		if taken == 0 {
			a.fail(layer, "there is no such layer in the graph")
			return
		}
		if !a.bindHead(layer, nodes[:taken]) {
			return
		}
		nodes = nodes[taken:]
	}
	if len(nodes) > 0 {
		a.fail(a.layers[len(a.layers)-1], "the graph has %s behind the last layer", a.what(nodes[0]))
	}
}

// isGlobal compares a window with the grid of the last block at the size of the file's
// images.
func (a *attempt) isGlobal(node tensorfile.Node) bool {
	if a.graph.Side == 0 {
		return node.Window == [2]int{8, 8} // that of 299 x 299
	}
	d, err := a.network.Describe(a.graph.Side, a.graph.Side)
	if err != nil {
		return false
	}
	for _, l := range d.Layers {
		if l.Kind == arch.GlobalAveragePool || l.Kind == arch.GlobalMaxPool {
			grid := d.Layers[l.Inputs[0]].Output
			return node.Window == [2]int{grid[0], grid[1]}
		}
	}
	return false
}

func (a *attempt) bindHead(layer arch.Layer, nodes []int) bool {
	for _, at := range nodes {
		node := a.graph.Nodes[at]
		switch node.Op {
		case tensorfile.OpDense, tensorfile.OpConvolution:
			bias, hasBias := node.Tensors[tensorfile.RoleBias]
			if !a.bindKernel(layer, node) {
				return false
			}
			if hasBias && len(nodes) == 1 && a.has(layer.Name+"/BatchNorm/beta") {
				if !a.bindFolded(layer, bias) {
					return false
				}
				hasBias = false
			}
			if name := layer.Name + "/biases"; a.has(name) {
				if !hasBias {
					a.found[name] = Tensor{}
				} else if !a.bind(layer, name, bias, nil) {
					return false
				}
			}
		case tensorfile.OpBatchNorm:
			if !a.bindNorm(layer, node) {
				return false
			}
		}
	}
	return true
}

func (a *attempt) has(parameter string) bool { _, ok := a.parameters[parameter]; return ok }

// match holds a layer, and all that it is computed from, against a node.
func (a *attempt) match(index, at int) bool {
	if index < 0 {
		return a.images(at)
	}
	at = through(a.graph, at)
	layer := a.layers[index]
	if at < 0 {
		return a.fail(layer, "expected %s, found the images", layer.Kind)
	}
	if known, ok := a.places[index]; ok {
		return known == at || a.fail(layer, "the layer is at two places of the graph")
	}
	a.places[index] = at
	ok := false
	switch layer.Kind {
	case arch.Convolution:
		ok = a.convolution(index, at)
	case arch.MaxPool, arch.AveragePool:
		ok = a.pool(index, at)
	case arch.Concat:
		ok = a.concat(index, at)
	case arch.Sum:
		ok = a.sum(index, at)
	default:
		ok = a.fail(layer, "%s is not matched", layer.Kind)
	}
	if !ok {
		delete(a.places, index)
	}
	return ok
}

// images follows what is done to the images before the network.
func (a *attempt) images(at int) bool {
	scale, offset := []float32{1}, []float32{0}
	for at = through(a.graph, at); at >= 0; at = through(a.graph, at) {
		node := a.graph.Nodes[at]
		if node.Op != tensorfile.OpScale {
			return a.fail(a.layers[0], "%s %q comes before the first convolution", node.Op, node.Name)
		}
		// y = s(ax+b)+o, with this node's a and b
		offset = combine(offset, scale, node.Factors[1], func(o, s, b float32) float32 { return o + s*b })
		scale = combine(scale, node.Factors[0], nil, func(s, f, _ float32) float32 { return s * f })
		at = node.Inputs[0]
	}
	a.scale, a.offset = scale, offset
	return true
}

// combine applies a function to one value for all channels or to one a channel.
func combine(x, y, z []float32, f func(x, y, z float32) float32) []float32 {
	n := max(len(x), len(y), len(z))
	at := func(v []float32, i int) float32 {
		switch len(v) {
		case 0:
			return 0
		case 1:
			return v[0]
		}
		return v[min(i, len(v)-1)]
	}
	out := make([]float32, n)
	for i := range out {
		out[i] = f(at(x, i), at(y, i), at(z, i))
	}
	return out
}

// node returns the node of an operation at a place, and its only input.
func (a *attempt) node(at int, op string) (n tensorfile.Node, before int, ok bool) {
	if at = through(a.graph, at); at < 0 || a.graph.Nodes[at].Op != op {
		return n, at, false
	}
	n = a.graph.Nodes[at]
	return n, n.Inputs[0], true
}

func (a *attempt) what(at int) string {
	if at = through(a.graph, at); at < 0 {
		return "the images"
	}
	return fmt.Sprintf("%s %q", a.graph.Nodes[at].Op, a.graph.Nodes[at].Name)
}

// relu goes back over the ReLU that a layer ends in, where it does.
func (a *attempt) relu(layer arch.Layer, at int) (int, bool) {
	if layer.Activation == "" {
		return at, true
	}
	node, before, ok := a.node(at, tensorfile.OpActivation)
	if !ok || node.Function != tensorfile.FunctionRelu {
		return at, a.fail(layer, "expected a ReLU at its end, found %s", a.what(at))
	}
	return before, true
}

func (a *attempt) convolution(index, at int) bool {
	layer := a.layers[index]
	at, ok := a.relu(layer, at)
	if !ok {
		return false
	}
	norm, before, normalised := a.node(at, tensorfile.OpBatchNorm)
	scaled := false
	if !normalised {
		if norm, before, scaled = a.node(at, tensorfile.OpScale); !scaled {
			before = at
		}
	}
	conv, input, ok := a.node(before, tensorfile.OpConvolution)
	if !ok {
		return a.fail(layer, "expected a convolution, found %s", a.what(before))
	}
	if !a.window(layer, conv) || !a.bindKernel(layer, conv) {
		return false
	}
	bias, biased := conv.Tensors[tensorfile.RoleBias]
	if a.has(layer.Name + "/biases") {
		if normalised || scaled {
			return a.fail(layer, "expected no batch norm, found %s", a.what(at))
		}
		if !biased {
			a.found[layer.Name+"/biases"] = Tensor{}
			return a.match(layer.Inputs[0], input)
		}
		return a.bind(layer, layer.Name+"/biases", bias, nil) && a.match(layer.Inputs[0], input)
	}
	switch {
	case normalised && biased:
		return a.fail(layer, "a convolution with both a bias and batch norm, which no network of this family has")
	case normalised:
		ok = a.bindNorm(layer, norm)
	case scaled && !biased:
		ok = a.bindScale(layer, norm)
	case biased:
		ok = a.bindFolded(layer, bias)
	default:
		return a.fail(layer, "a convolution without batch norm and without a bias that it may be folded into")
	}
	return ok && a.match(layer.Inputs[0], input)
}

// window compares kernel, stride and padding.
func (a *attempt) window(layer arch.Layer, node tensorfile.Node) bool {
	if node.Window != layer.Kernel {
		return a.fail(layer, "expected a window of %v, found %v in %q", layer.Kernel, node.Window, node.Name)
	}
	if node.Stride != [2]int{layer.Stride, layer.Stride} {
		return a.fail(layer, "expected stride %d, found %v in %q", layer.Stride, node.Stride, node.Name)
	}
	if layer.Kernel == [2]int{1, 1} && layer.Stride == 1 {
		return true
	}
	want := [4]int{}
	if layer.Padding == "SAME" {
		h, w := layer.Kernel[0]-1, layer.Kernel[1]-1
		want = [4]int{h / 2, w / 2, h - h/2, w - w/2}
	}
	if node.Same != (layer.Padding == "SAME") && (node.Same || node.Padding != want) || !node.Same && node.Padding != want {
		return a.fail(layer, "expected %s padding, found another in %q", layer.Padding, node.Name)
	}
	return true
}

func (a *attempt) pool(index, at int) bool {
	layer := a.layers[index]
	op := tensorfile.OpMaxPool
	if layer.Kind == arch.AveragePool {
		op = tensorfile.OpAveragePool
	}
	node, input, ok := a.node(at, op)
	if !ok {
		return a.fail(layer, "expected %s, found %s", op, a.what(at))
	}
	if !a.window(layer, node) {
		return false
	}
	if layer.Kind == arch.AveragePool {
		a.counts[node.CountsPadding] = true
		if len(a.counts) > 1 {
			return a.fail(layer, "some average poolings count the padding, others do not")
		}
	}
	return a.match(layer.Inputs[0], input)
}

// concat compares the inputs of concatenations, with those of concatenations in them.
func (a *attempt) concat(index, at int) bool {
	layer := a.layers[index]
	if a.graph.Nodes[at].Op != tensorfile.OpConcat {
		return a.fail(layer, "expected a concatenation, found %s", a.what(at))
	}
	var want, found []int
	var flattenWant, flattenFound func(int)
	flattenWant = func(i int) {
		for _, in := range a.layers[i].Inputs {
			if in >= 0 && a.layers[in].Kind == arch.Concat {
				a.places[in] = at
				flattenWant(in)
			} else {
				want = append(want, in)
			}
		}
	}
	const most = 64 // branches, which is more than any network has
	flattenFound = func(i int) {
		for _, in := range a.graph.Nodes[i].Inputs {
			if len(found) > most {
				return
			}
			if in = through(a.graph, in); in >= 0 && a.graph.Nodes[in].Op == tensorfile.OpConcat {
				flattenFound(in)
			} else {
				found = append(found, in)
			}
		}
	}
	flattenWant(index)
	flattenFound(at)
	if len(want) != len(found) {
		return a.fail(layer, "expected %d branches, found %d in %q", len(want), len(found), a.graph.Nodes[at].Name)
	}
	for i := range want {
		if !a.match(want[i], found[i]) {
			return false
		}
	}
	return true
}

// sum finds which of the summands is the expansion: a convolution without an activation,
// that is scaled before it is added, or by the sum.
func (a *attempt) sum(index, at int) bool {
	layer := a.layers[index]
	at, ok := a.relu(layer, at)
	if !ok {
		return false
	}
	if at = through(a.graph, at); at < 0 || a.graph.Nodes[at].Op != tensorfile.OpAdd || len(a.graph.Nodes[at].Inputs) != 2 {
		return a.fail(layer, "expected a sum of two, found %s", a.what(at))
	}
	node := a.graph.Nodes[at]
	for i, in := range node.Inputs {
		factor := 1.0
		if node.Factors != nil {
			factor = float64(node.Factors[i][0])
		}
		scaled, before, ok := a.node(in, tensorfile.OpScale)
		if ok && len(scaled.Factors[0]) == 1 && len(scaled.Factors[1]) == 1 && scaled.Factors[1][0] == 0 {
			factor *= float64(scaled.Factors[0][0])
			in = before
		}
		if _, _, ok := a.node(in, tensorfile.OpConvolution); !ok {
			continue
		}
		if other := node.Factors; other != nil && other[1-i][0] != 1 {
			return a.fail(layer, "both summands of %q are scaled", node.Name)
		}
		if !a.scaledBy(layer, factor) {
			return false
		}
		return a.match(layer.Inputs[1], in) && a.match(layer.Inputs[0], node.Inputs[1-i])
	}
	return a.fail(layer, "expected a sum with a convolution, found one of %s and %s", a.what(node.Inputs[0]), a.what(node.Inputs[1]))
}

// scaledBy notes the scale of a block's branches, which is one for all blocks of a kind.
func (a *attempt) scaledBy(layer arch.Layer, factor float64) bool {
	factor = math.Round(factor*1e6) / 1e6 // as it is written in programs, not as a float32
	parts := strings.Split(layer.Name, "/")
	kind := parts[1]
	if kind == "Block8" && factor != layer.Scale {
		return a.fail(layer, "expected branches times %g, found times %g", layer.Scale, factor)
	}
	if known, ok := a.scales[kind]; ok && known != factor {
		return a.fail(layer, "branches of blocks of one kind are times %g and times %g", known, factor)
	}
	a.scales[kind] = factor
	return true
}

// bind takes a tensor for a parameter; order is which native axis each of its axes is.
func (a *attempt) bind(layer arch.Layer, name string, source tensorfile.Tensor, order []int) bool {
	p, ok := a.parameters[name]
	if !ok {
		return a.fail(layer, "the network has no parameter %s", name)
	}
	want := p.Shape
	if order != nil {
		want = make([]int, len(order))
		for i, axis := range order {
			want[i] = p.Shape[axis]
		}
	}
	found := slices.Clone(source.Shape)
	if len(want) < len(found) { // a convolution of 1x1 for a dense layer, or axes of one around channels
		found = slices.DeleteFunc(found, func(n int) bool { return n == 1 })
	}
	if !slices.Equal(found, want) {
		return a.fail(layer, "%s is %v in the network, %q is %v in the file", name, p.Shape, source.Name, source.Shape)
	}
	source.Shape = want
	a.found[name] = Tensor{source: source, order: order}
	return true
}

func (a *attempt) bindKernel(layer arch.Layer, node tensorfile.Node) bool {
	var order []int
	if name := layer.Name + "/weights"; node.ChannelsFirst && a.has(name) {
		order = timmAxes(len(a.parameters[name].Shape))
	}
	return a.bind(layer, layer.Name+"/weights", node.Tensors[tensorfile.RoleKernel], order)
}

// networkEpsilon is what the networks' batch norm adds to the variance.
const networkEpsilon = 1e-3

func (a *attempt) bindNorm(layer arch.Layer, node tensorfile.Node) bool {
	scope := layer.Name + "/BatchNorm/"
	for role, name := range map[string]string{
		tensorfile.RoleGamma: "gamma", tensorfile.RoleBeta: "beta", tensorfile.RoleMean: "moving_mean", tensorfile.RoleVariance: "moving_variance",
	} {
		source, ok := node.Tensors[role]
		if !ok {
			constant := Tensor{}
			if role == tensorfile.RoleGamma {
				constant.constant = 1
			}
			a.found[scope+name] = constant
			continue
		}
		if !a.bind(layer, scope+name, source, nil) {
			return false
		}
		if role == tensorfile.RoleVariance && node.Epsilon != networkEpsilon {
			t := a.found[scope+name]
			t.added = float32(node.Epsilon - networkEpsilon)
			a.found[scope+name] = t
		}
	}
	return true
}

// bindFolded takes the bias of a convolution that batch norm was folded into: the network's
// batch norm then has mean 0 and, with its epsilon, variance 1.
func (a *attempt) bindFolded(layer arch.Layer, bias tensorfile.Tensor) bool {
	scope := layer.Name + "/BatchNorm/"
	a.found[scope+"gamma"] = Tensor{constant: 1}
	a.found[scope+"moving_mean"] = Tensor{}
	a.found[scope+"moving_variance"] = Tensor{constant: 1 - networkEpsilon}
	return a.bind(layer, scope+"beta", bias, nil)
}

// bindScale takes factors and summands of channels for batch norm.
func (a *attempt) bindScale(layer arch.Layer, node tensorfile.Node) bool {
	scope := layer.Name + "/BatchNorm/"
	channels := a.parameters[scope+"beta"].Shape
	for i, name := range []string{"gamma", "beta"} {
		values := node.Factors[i]
		if len(values) != 1 && len(values) != channels[0] {
			return a.fail(layer, "%d factors in %q for %d channels", len(values), node.Name, channels[0])
		}
		a.found[scope+name] = Tensor{source: tensorfile.Tensor{Name: node.Name, Shape: channels, Values: func(dst []float32) error {
			for at := range dst {
				dst[at] = values[min(at, len(values)-1)]
			}
			return nil
		}}}
	}
	a.found[scope+"moving_mean"] = Tensor{}
	a.found[scope+"moving_variance"] = Tensor{constant: 1 - networkEpsilon}
	return true
}

// topology is what was found.
func (a *attempt) topology() (*topology, error) {
	o := a.network.Options()
	o.AveragePoolCountsPadding = a.counts[true]
	if o.ResidualScales != nil {
		o.ResidualScales = slices.Clone(o.ResidualScales)
		for i, scope := range []string{"Repeat", "Repeat_1", "Repeat_2"} {
			if scale, ok := a.scales[scope]; ok {
				o.ResidualScales[i] = scale
			}
		}
	}
	network, err := arch.New(a.network.Name(), o)
	return &topology{network: network, found: a.found, scale: a.scale, offset: a.offset, side: a.graph.Side}, err
}

// through goes back over nodes that do nothing while a network predicts.
func through(g *tensorfile.Graph, at int) int {
	for at >= 0 && (g.Nodes[at].Op == tensorfile.OpSame || g.Nodes[at].Op == tensorfile.OpDropout) {
		at = g.Nodes[at].Inputs[0]
	}
	return at
}
