package arch_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
)

func describe(t *testing.T, name string, o arch.Options, height, width int) *arch.Description {
	t.Helper()
	network, err := arch.New(name, o)
	if err != nil {
		t.Fatal(err)
	}
	d, err := network.Describe(height, width)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestTotals compares with the published sizes: parameters with batch norm's
// scale, and multiply-adds where they were published.
func TestTotals(t *testing.T) {
	for name, want := range map[string]struct {
		parameters   int64
		multiplyAdds float64 // 0 where none was published
	}{
		"inception_v3":              {23_834_568, 5.71e9},
		"inception_v4":              {42_679_816, 12.25e9},
		"inception_resnet_v1":       {22_756_328, 0},
		"inception_resnet_v2":       {55_843_464, 13.15e9},
		"inception_resnet_v2_paper": {32_433_928, 0},
	} {
		d := describe(t, name, arch.Options{}, 299, 299)
		if d.Parameters != want.parameters {
			t.Errorf("%s: %d parameters, want %d", name, d.Parameters, want.parameters)
		}
		t.Logf("%s: %.3fe9 multiply-adds", name, float64(d.MultiplyAdds)/1e9)
		if ratio := float64(d.MultiplyAdds) / want.multiplyAdds; want.multiplyAdds > 0 && (ratio < 0.99 || ratio > 1.01) {
			t.Errorf("%s: %d multiply-adds, want %g within 1%%", name, d.MultiplyAdds, want.multiplyAdds)
		}
	}
}

// TestSizes asks for the smallest images, a size between, and a rectangle.
func TestSizes(t *testing.T) {
	for _, name := range arch.Names() {
		for size, want := range map[[2]int][]int{
			{75, 75}:   {1, 1},
			{107, 107}: {2, 2},
			{331, 331}: {9, 9},
			{139, 299}: {3, 8},
		} {
			d := describe(t, name, arch.Options{}, size[0], size[1])
			i := slices.IndexFunc(d.Layers, func(l arch.Layer) bool { return l.Kind == arch.GlobalAveragePool })
			if got := d.Layers[d.Layers[i].Inputs[0]].Output[:2]; !slices.Equal(got, want) {
				t.Errorf("%s at %v ends in a grid of %v, want %v", name, size, got, want)
			}
		}
		network, err := arch.New(name, arch.Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = network.Describe(74, 299)
		wanted.Error(t, err, name, "at least 75x75", "found 74x299")
	}
}

func TestOptions(t *testing.T) {
	t.Run("blocks", func(t *testing.T) {
		d := describe(t, "inception_resnet_v2", arch.Options{Blocks: []int{1, 2, 1}}, 107, 107)
		var sums []string
		for _, l := range d.Layers {
			if l.Kind == arch.Sum {
				sums = append(sums, l.Name)
			}
		}
		want := []string{
			"InceptionResnetV2/Repeat/block35_1/sum",
			"InceptionResnetV2/Repeat_1/block17_1/sum", "InceptionResnetV2/Repeat_1/block17_2/sum",
			"InceptionResnetV2/Block8/sum",
		}
		if !slices.Equal(sums, want) {
			t.Errorf("sums are %v, want %v", sums, want)
		}
	})
	t.Run("classes and width", func(t *testing.T) {
		d := describe(t, "inception_v4", arch.Options{Classes: 10, Width: 0.25}, 107, 107)
		if first, last := d.Tensors[0], d.Tensors[len(d.Tensors)-1]; !slices.Equal(first.Shape, []int{3, 3, 3, 8}) || !slices.Equal(last.Shape, []int{10}) {
			t.Errorf("first parameter %v, last %v", first, last)
		}
	})
	t.Run("residual scales", func(t *testing.T) {
		d := describe(t, "inception_resnet_v1", arch.Options{ResidualScales: []float64{0.1, 0.2, 0.3}}, 107, 107)
		var scales []float64
		for _, l := range d.Layers {
			if l.Kind == arch.Sum && !slices.Contains(scales, l.Scale) {
				scales = append(scales, l.Scale)
			}
		}
		if !slices.Equal(scales, []float64{0.1, 0.2, 0.3}) {
			t.Errorf("scales are %v", scales)
		}
	})
	for _, c := range []struct {
		network string
		options arch.Options
		want    []string
	}{
		{"inception_v5", arch.Options{}, []string{`"inception_v5"`, `did you mean "inception_v`, "inception_resnet_v2_paper"}},
		{"inceptionresnetv1", arch.Options{}, []string{`did you mean "inception_resnet_v1"?`}},
		{"InceptionV4", arch.Options{}, []string{`did you mean "inception_v4"?`}},
		{"resnet", arch.Options{}, []string{`unknown network "resnet"; networks are inception_v3`}},
		{"inception_v4", arch.Options{Classes: -1}, []string{"inception_v4", "Classes", "at least 1", "-1"}},
		{"inception_v4", arch.Options{DropoutKeep: 1.5}, []string{"DropoutKeep", "(0,1]", "1.5"}},
		{"inception_v4", arch.Options{Width: -1}, []string{"Width", "-1"}},
		{"inception_v4", arch.Options{BatchNormDecay: 1}, []string{"BatchNormDecay", "(0,1)"}},
		{"inception_v4", arch.Options{Blocks: []int{4, 7}}, []string{"Blocks", "3 counts", "[4 7 3]", "[4 7]"}},
		{"inception_v4", arch.Options{Blocks: []int{4, 0, 3}}, []string{"Blocks", "between 1 and"}},
		{"inception_v4", arch.Options{ResidualScales: []float64{1, 1, 1}}, []string{"no residual connections"}},
		{"inception_resnet_v1", arch.Options{ResidualScales: []float64{1}}, []string{"ResidualScales", "3 values"}},
		{"inception_resnet_v1", arch.Options{AuxiliaryHead: true}, []string{"no auxiliary head"}},
	} {
		_, err := arch.New(c.network, c.options)
		wanted.Error(t, err, c.want...)
	}
}

// TestAuxiliaryHead checks the names and shapes of the TF-slim release.
func TestAuxiliaryHead(t *testing.T) {
	for name, want := range map[string][]string{
		"inception_v3":        {"InceptionV3/AuxLogits/Conv2d_1b_1x1", "InceptionV3/AuxLogits/Conv2d_2a_5x5", "InceptionV3/AuxLogits/Conv2d_2b_1x1"},
		"inception_v4":        {"InceptionV4/AuxLogits/Conv2d_1b_1x1", "InceptionV4/AuxLogits/Conv2d_2a", "InceptionV4/AuxLogits/Aux_logits"},
		"inception_resnet_v2": {"InceptionResnetV2/AuxLogits/Conv2d_1b_1x1", "InceptionResnetV2/AuxLogits/Conv2d_2a_5x5", "InceptionResnetV2/AuxLogits/Logits"},
	} {
		d := describe(t, name, arch.Options{AuxiliaryHead: true}, 299, 299)
		plain := describe(t, name, arch.Options{}, 299, 299)
		head := d.Layers[len(plain.Layers):]
		var names []string
		for _, l := range head {
			if l.Parameters > 0 {
				names = append(names, l.Name)
			}
		}
		if !slices.Equal(names, want) {
			t.Errorf("%s: auxiliary layers %v, want %v", name, names, want)
		}
		for i, shape := range [][]int{{5, 5}, {5, 5, 128}, {1, 1, 768}, {1000}} {
			if got := head[i].Output; !slices.Equal(got[:len(shape)], shape) {
				t.Errorf("%s: %s gives %v, want %v", name, head[i].Name, got, shape)
			}
		}
		network, _ := arch.New(name, arch.Options{AuxiliaryHead: true})
		if err := network.CheckSize(107, 107); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := network.Describe(107, 107); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		wanted.Error(t, network.CheckSize(106, 299), "auxiliary", "107x107", "106x299")
	}
}

// TestEndPoints checks that stages can be asked for by the released names.
func TestEndPoints(t *testing.T) {
	network, err := arch.New("inception_v4", arch.Options{})
	if err != nil {
		t.Fatal(err)
	}
	g := graph.NewGraph(gobackend.GetBackend(), "end points")
	images := graph.Parameter(g, "images", shapes.Make(dtypes.Float32, 2, 299, 299, 3))
	outputs := network.Graph(model.NewStore().RootScope(), images)
	for name, want := range map[string][]int{
		"Conv2d_1a_3x3": {2, 149, 149, 32}, "Mixed_4a": {2, 71, 71, 192}, "Mixed_6a": {2, 17, 17, 1024},
		"Mixed_7d": {2, 8, 8, 1536}, "global_pool": {2, 1536}, "PreLogits": {2, 1536}, "Logits": {2, 1000},
	} {
		if shape, err := network.EndPointShape(name, 299, 299); err != nil || !slices.Equal(shape, want[1:]) {
			t.Errorf("%s has the shape %v, %v, want %v", name, shape, err, want[1:])
		}
		node, err := outputs.EndPoint(name)
		if err != nil {
			t.Error(err)
		} else if !slices.Equal(node.Shape().Dimensions, want) {
			t.Errorf("%s is %v, want %v", name, node.Shape().Dimensions, want)
		}
	}
	_, err = outputs.EndPoint("Mixed_8a")
	wanted.Error(t, err, `"Mixed_8a"`, "Mixed_7d", "PreLogits")
	_, err = network.EndPointShape("Mixed_8a", 299, 299)
	wanted.Error(t, err, `"Mixed_8a"`, "Mixed_7d", "PreLogits")
	for name, first := range map[string]string{"mixed7d": "Mixed_7d", "7d": "Mixed_7d", "Mixde_5c": "Mixed_5c", "logit": "Logits", "global pool": "global_pool", "conv2d_1": "Conv2d_1a_3x3"} {
		_, err = network.EndPointShape(name, 299, 299)
		wanted.Error(t, err, "the nearest first, "+first+", ")
	}
	_, err = network.EndPointShape("Mixed_7d", 74, 299)
	wanted.Error(t, err, "at least 75x75", "74x299")
}

// TestConvolution finds layers by their names in the list of layers, with or without the scope.
func TestConvolution(t *testing.T) {
	network, err := arch.New("inception_v3", arch.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := network.Describe(299, 299)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"": "InceptionV3/Conv2d_1a_3x3", "Conv2d_4a_3x3": "InceptionV3/Conv2d_4a_3x3",
		"InceptionV3/Mixed_5b/Branch_0/Conv2d_0a_1x1": "InceptionV3/Mixed_5b/Branch_0/Conv2d_0a_1x1",
	} {
		if l, err := d.Convolution(name); err != nil || l.Name != want || l.Kind != arch.Convolution {
			t.Errorf("%q is %+v, %v, want %s", name, l, err, want)
		}
	}
	for name, near := range map[string]string{
		"Mixed_5b": "nearest are Mixed_5b/Branch_0/Conv2d_0a_1x1, Mixed_5b/", "conv2d_4a": "nearest are Conv2d_4a_3x3, ", "Logits": "of its 94 the nearest are ",
	} {
		_, err := d.Convolution(name)
		wanted.Error(t, err, "inception_v3", name, near)
	}
}

// TestShapesAreTheGraphs builds graphs for images of odd sizes: that every value has the
// shape that descriptions give it is asserted there.
func TestShapesAreTheGraphs(t *testing.T) {
	for _, name := range arch.Names() {
		for _, size := range [][2]int{{75, 76}, {107, 138}, {301, 299}} {
			network, err := arch.New(name, arch.Options{Width: 0.125, AuxiliaryHead: size[0] > 75 && !strings.Contains(name, "v1") && !strings.Contains(name, "paper")})
			if err != nil {
				t.Fatal(err)
			}
			err = exceptions.TryCatch[error](func() {
				g := graph.NewGraph(gobackend.GetBackend(), name)
				defer g.Finalize()
				network.Graph(model.NewStore().RootScope(), graph.Parameter(g, "images", shapes.Make(dtypes.Float32, 2, size[0], size[1], 3)))
			})
			if err != nil {
				t.Errorf("%s at %v: %v", name, size, err)
			}
		}
	}
}

// TestWrongImages checks that the graph function says what images it takes.
func TestWrongImages(t *testing.T) {
	network, err := arch.New("inception_v3", arch.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, shape := range []shapes.Shape{
		shapes.Make(dtypes.Float32, 1, 3, 299, 299), shapes.Make(dtypes.Uint8, 1, 299, 299, 3), shapes.Make(dtypes.Float32, 299, 299, 3),
	} {
		err := exceptions.TryCatch[error](func() {
			g := graph.NewGraph(gobackend.GetBackend(), "wrong")
			network.Graph(model.NewStore().RootScope(), graph.Parameter(g, "images", shape))
		})
		wanted.Error(t, err, "inception_v3", "[batch, height, width, 3]", shape.String())
	}
}
