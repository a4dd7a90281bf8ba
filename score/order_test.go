package score

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestTop(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		values []float64
		k      int
		want   []int
	}{
		{[]float64{1, 3, 2}, 2, []int{1, 2}},
		{[]float64{1, 3, 2}, 9, []int{1, 2, 0}},
		{[]float64{1, 3, 2}, 0, nil},
		{[]float64{1, 3, 2}, -1, nil},
		{nil, 5, nil},
		{[]float64{2, 2, 2, 2}, 3, []int{0, 1, 2}}, // of equal ones the smaller index first
		{[]float64{0, math.Copysign(0, -1), 0}, 2, []int{0, 1}},
		{[]float64{nan, 1, nan, 2}, 4, []int{3, 1, 0, 2}},
		{[]float64{1, math.Inf(1), math.Inf(-1)}, 3, []int{1, 0, 2}},
	} {
		if got := Top(c.values, c.k); !slices.Equal(got, c.want) {
			t.Errorf("the %d largest of %v are %v, want %v", c.k, c.values, got, c.want)
		}
	}
}

// TestTopSorts compares with a stable sort of all, on values of which many are equal.
func TestTopSorts(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	values := make([]float32, 300)
	want := make([]int, len(values))
	for i := range values {
		values[i], want[i] = float32(random.IntN(40)), i
	}
	slices.SortStableFunc(want, func(a, b int) int { return int(values[b] - values[a]) })
	for k := range len(values) + 1 {
		got := Top(values, k)
		if !slices.Equal(got, want[:k]) {
			t.Fatalf("the %d largest are %v, want %v", k, got, want[:k])
		}
		for place, index := range got {
			if r := Rank(values, index); r != place {
				t.Fatalf("class %d is at place %d and has rank %d", index, place, r)
			}
		}
	}
}
