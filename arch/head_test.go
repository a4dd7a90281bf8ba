package arch_test

import (
	"slices"
	"testing"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
)

// TestHeads lists the parameters and layers behind the pooling. What heads compute is
// compared with Keras in package weights.
func TestHeads(t *testing.T) {
	for name, c := range map[string]struct {
		options    arch.Options
		parameters []string // behind the last block
		kinds      []string
		classes    int
	}{
		"hidden": {
			arch.Options{Classes: 3, Width: 0.125, Head: &arch.Head{Pooling: arch.PoolMax, Output: arch.OutputSigmoid, Hidden: []arch.HeadLayer{
				{BatchNorm: true}, {DropoutKeep: 0.5, Units: 4, Activation: "relu"}, {Name: "Last", Units: 5, Unbiased: true, BatchNorm: true, Activation: "tanh"},
			}}},
			[]string{
				"Logits/Hidden_1/BatchNorm/gamma", "Logits/Hidden_1/BatchNorm/beta", "Logits/Hidden_1/BatchNorm/moving_mean", "Logits/Hidden_1/BatchNorm/moving_variance",
				"Logits/Hidden_2/weights", "Logits/Hidden_2/biases",
				"Logits/Last/weights", "Logits/Last/BatchNorm/gamma", "Logits/Last/BatchNorm/beta", "Logits/Last/BatchNorm/moving_mean", "Logits/Last/BatchNorm/moving_variance",
				"Logits/Logits/weights", "Logits/Logits/biases",
			},
			[]string{arch.GlobalMaxPool, arch.BatchNorm, arch.Dropout, arch.Dense, arch.Dense, arch.Dense}, 3,
		},
		"features":  {arch.Options{Width: 0.125, Head: &arch.Head{Output: arch.OutputFeatures}}, nil, []string{arch.GlobalAveragePool}, 256},
		"embedding": {arch.Options{Width: 0.125, Head: &arch.Head{Output: arch.OutputEmbedding, Hidden: []arch.HeadLayer{{Units: 7, Unbiased: true}}}}, []string{"Logits/Hidden_1/weights"}, []string{arch.GlobalAveragePool, arch.Dense, arch.Normalize}, 7},
	} {
		network, err := arch.New("inception_v3", c.options)
		if err != nil {
			t.Fatal(err)
		}
		if got := network.Options().Classes; got != c.classes {
			t.Errorf("%s: %d outputs, want %d", name, got, c.classes)
		}
		d, err := network.Describe(299, 299)
		if err != nil {
			t.Fatal(err)
		}
		first := slices.IndexFunc(d.Layers, func(l arch.Layer) bool { return l.Kind == arch.GlobalAveragePool || l.Kind == arch.GlobalMaxPool })
		var kinds []string
		for _, l := range d.Layers[first:] {
			kinds = append(kinds, l.Kind)
		}
		// Dropout is no layer where a network is only described without a graph that trains.
		kinds = slices.DeleteFunc(kinds, func(k string) bool { return k == arch.Dropout })
		want := slices.DeleteFunc(slices.Clone(c.kinds), func(k string) bool { return k == arch.Dropout })
		if !slices.Equal(kinds, want) {
			t.Errorf("%s: layers %q, want %q", name, kinds, want)
		}
		var parameters []string
		for _, p := range d.Tensors[len(d.Tensors)-len(c.parameters):] {
			parameters = append(parameters, p.Name[len("InceptionV3/"):])
		}
		if !slices.Equal(parameters, c.parameters) {
			t.Errorf("%s: parameters %q, want %q", name, parameters, c.parameters)
		}
	}
}

func TestBadHeads(t *testing.T) {
	for _, c := range []struct {
		head arch.Head
		want []string
	}{
		{arch.Head{Pooling: "median"}, []string{"Pooling", `"median"`, "average", "max"}},
		{arch.Head{Output: "hardmax"}, []string{"Output", `"hardmax"`, "sigmoid"}},
		{arch.Head{Hidden: []arch.HeadLayer{{Units: -1}}}, []string{"Hidden_1", "Units", "-1"}},
		{arch.Head{Hidden: []arch.HeadLayer{{}, {Activation: "gelu"}}}, []string{"Hidden_2", `"gelu"`, "relu"}},
		{arch.Head{Hidden: []arch.HeadLayer{{DropoutKeep: 1}}}, []string{"DropoutKeep", "found 1"}},
		{arch.Head{Hidden: []arch.HeadLayer{{Name: "A"}, {Name: "A"}}}, []string{"Logits/A", "a name of its own"}},
		{arch.Head{Hidden: make([]arch.HeadLayer, 65)}, []string{"64", "65"}},
	} {
		_, err := arch.New("inception_v4", arch.Options{Head: &c.head})
		wanted.Error(t, err, append(c.want, "inception_v4")...)
	}
	_, err := arch.New("inception_v4", arch.Options{FaceBlock: true})
	wanted.Error(t, err, "FaceBlock", "inception_resnet_v1")
	_, err = arch.New("inception_v4", arch.Options{MaxPoolLastBlock: true})
	wanted.Error(t, err, "MaxPoolLastBlock", "inception_v3")
}
