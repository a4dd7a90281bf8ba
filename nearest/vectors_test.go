package nearest_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/nearest"
)

func vectors(t *testing.T, rows [][]float32) *nearest.Vectors {
	t.Helper()
	v, err := nearest.NewVectors(slices.Concat(rows...), len(rows[0]))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestSearch expects what an exact search by numpy finds.
func TestSearch(t *testing.T) {
	data, err := os.ReadFile("testdata/nearest.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Vectors, Queries [][]float32
		Expected         []map[nearest.Metric]struct {
			Rows   []int
			Values []float64
		}
		Pairs [][2]int `json:"pairs_from_0.6"`
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	v := vectors(t, golden.Vectors)
	for _, metric := range []nearest.Metric{nearest.Cosine, nearest.Euclidean} {
		found, err := v.Search(t.Context(), golden.Queries, 12, metric)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range golden.Expected {
			alone, err := v.Search(t.Context(), golden.Queries[i:i+1], 12, metric)
			if err != nil || !slices.Equal(alone[0], found[i]) {
				t.Errorf("%s, query %d: alone it finds %v, %v, among others %v", metric, i, alone, err, found[i])
			}
			for k, n := range found[i] {
				if n.Row != want[metric].Rows[k] || math.Abs(n.Value-want[metric].Values[k]) > 1e-12 {
					t.Errorf("%s, query %d: place %d is %+v, want row %d, %g", metric, i, k, n, want[metric].Rows[k], want[metric].Values[k])
				}
			}
			if len(found[i]) != 12 {
				t.Errorf("%s, query %d: found %d", metric, i, len(found[i]))
			}
		}
	}
	var pairs [][2]int
	if err := v.Pairs(t.Context(), 0.6, func(a, b int) { pairs = append(pairs, [2]int{a, b}) }); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(pairs, func(a, b [2]int) int { return slices.Compare(a[:], b[:]) })
	if !slices.Equal(pairs, golden.Pairs) {
		t.Errorf("the pairs are %v, want %v", pairs, golden.Pairs)
	}
}

// TestSearchInDoubt has rows that are nearer to each other than what float32 tells apart, in
// blocks of several threads, and more queries than are taken at a time.
func TestSearchInDoubt(t *testing.T) {
	const size, most = 515, 9
	r := rand.New(rand.NewPCG(1, 2))
	base := make([]float32, size)
	for i := range base {
		base[i] = r.Float32()
	}
	var rows, queries [][]float32
	near := func(share float32) []float32 {
		row := slices.Clone(base)
		for i := range row {
			row[i] += share * (r.Float32() - 0.5)
		}
		return row
	}
	for range 600 {
		rows = append(rows, near(1e-5))
	}
	for range 70 {
		queries = append(queries, near(1e-3))
	}
	v := vectors(t, rows)
	for _, metric := range []nearest.Metric{nearest.Cosine, nearest.Euclidean} {
		found, err := v.Search(t.Context(), queries, most, metric)
		if err != nil {
			t.Fatal(err)
		}
		for q, query := range queries {
			order := make([]int, len(rows))
			value := make([]float64, len(rows))
			for i, row := range rows {
				var dot, a, b, d float64
				for k, x := range row {
					x, y := float64(x), float64(query[k])
					dot, a, b, d = dot+x*y, a+x*x, b+y*y, d+(x-y)*(x-y)
				}
				order[i] = i
				if value[i] = math.Sqrt(d); metric == nearest.Cosine {
					value[i] = -dot / math.Sqrt(a) / math.Sqrt(b)
				}
			}
			slices.SortStableFunc(order, func(a, b int) int {
				switch {
				case value[a] < value[b]:
					return -1
				case value[a] > value[b]:
					return 1
				}
				return 0
			})
			for k, n := range found[q] {
				if want := order[k]; n.Row != want && math.Abs(value[n.Row]-value[want]) > 1e-15 {
					t.Fatalf("%s, query %d: place %d is row %d, want %d", metric, q, k, n.Row, want)
				}
			}
		}
	}
}

func TestSearchErrors(t *testing.T) {
	_, err := nearest.NewVectors([]float32{1, 2, 3}, 2)
	wanted.Error(t, err, "rows of 2 values", "found 3")
	_, err = nearest.NewVectors([]float32{1, 2, 3, float32(math.NaN())}, 2)
	wanted.Error(t, err, "row 1", "finite")
	v := vectors(t, [][]float32{{1, 0}, {0, 1}})
	_, err = v.Search(t.Context(), [][]float32{{1, 2, 3}}, 1, nearest.Cosine)
	wanted.Error(t, err, "query 0 has 3 values, expected 2")
	_, err = v.Search(t.Context(), [][]float32{{1, 2}}, 0, nearest.Cosine)
	wanted.Error(t, err, "at least one")
	if found, err := v.Search(t.Context(), [][]float32{{1, 2}}, 5, nearest.Euclidean); err != nil || len(found[0]) != 2 || found[0][0].Row != 1 {
		t.Errorf("of two rows five are %v, %v", found, err)
	}
	_, err = nearest.ParseMetric("manhattan")
	wanted.Error(t, err, "cosine or euclidean", "manhattan")
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.Search(stopped, [][]float32{{1, 2}}, 1, nearest.Cosine); !errors.Is(err, context.Canceled) {
		t.Errorf("after the context's end: %v", err)
	}
}

// BenchmarkSearch searches 10,000 rows of 2048 values.
func BenchmarkSearch(b *testing.B) {
	const rows, size = 10_000, 2048
	r := rand.New(rand.NewPCG(1, 2))
	values := make([]float32, rows*size)
	for i := range values {
		values[i] = r.Float32()
	}
	v, err := nearest.NewVectors(values, size)
	if err != nil {
		b.Fatal(err)
	}
	for name, queries := range map[string]int{"1query": 1, "64queries": 64} {
		asked := make([][]float32, queries)
		for i := range asked {
			asked[i] = values[i*size:][:size]
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := v.Search(b.Context(), asked, 10, nearest.Cosine); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("pairs", func(b *testing.B) {
		for b.Loop() {
			if err := v.Pairs(b.Context(), 0.97, func(int, int) {}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
