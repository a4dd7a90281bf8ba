package recipe

import (
	"slices"
	"testing"
)

func TestDifferences(t *testing.T) {
	was, err := FindTraining("cifar10-narrow")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := was.Differences(was); err != nil || got != nil {
		t.Errorf("a recipe differs from itself in %v, %v", got, err)
	}
	is := was
	is.Blocks = []int{2, 3, 1}
	is.Freeze = []string{"A/b", "A/c"}
	is.Optimizer = Optimizer{SGD: &SGD{Momentum: 0.9}}
	is.LearningRate.Cosine = false
	is.LearningRate.Initial = 0.25
	is.Distortion = FastDistortion
	want := []Difference{
		{"blocks", "[2, 2, 1]", "[2, 3, 1]"},
		{"distortion", "shift", "fast"},
		{"freeze", "nothing", "[A/b, A/c]"},
		{"learning_rate.cosine", "true", "nothing"},
		{"learning_rate.initial", "0.1", "0.25"},
		{"optimizer.rmsprop.decay", "0.9", "nothing"},
		{"optimizer.rmsprop.epsilon", "1", "nothing"},
		{"optimizer.rmsprop.momentum", "0.9", "nothing"},
		{"optimizer.sgd.momentum", "nothing", "0.9"},
	}
	if got, err := is.Differences(was); err != nil || !slices.Equal(got, want) {
		t.Errorf("the differences are\n%v, %v, want\n%v", got, err, want)
	}
}
