package nearest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
)

// Pairs calls use for every two rows whose cosine is at least the threshold, the first before the
// second. It is not called from several goroutines at once. Two rows of zeros are no pair.
func (v *Vectors) Pairs(ctx context.Context, threshold float64, use func(first, second int)) error {
	var mu sync.Mutex
	doubt := v.doubt(1, Cosine)
	for first := 0; first < v.Len(); first += queriesTogether {
		queries := make([][]float32, min(queriesTogether, v.Len()-first))
		for j := range queries {
			queries[j] = v.row(first + j)
		}
		err := v.products(ctx, queries, first, func(from int, products []float32) {
			var pairs [][2]int
			for at, product := range products {
				a, b := first+at%len(queries), from+at/len(queries)
				if a >= b || v.lengths[a] == 0 || v.lengths[b] == 0 {
					continue
				}
				near := float64(product) / v.lengths[a] / v.lengths[b]
				if near < threshold-doubt || near < threshold+doubt && Cosine.exact(v.row(a), v.row(b)) < threshold {
					continue
				}
				pairs = append(pairs, [2]int{a, b})
			}
			mu.Lock()
			defer mu.Unlock()
			for _, p := range pairs {
				use(p[0], p[1])
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// A Group is photographs that are the same or nearly so: the one with the most pixels first, and
// of those with as many the one with the larger file, or the first name.
type Group []Member

// A Member is a photograph of a group.
type Member struct {
	Row int
	// Similarity is the cosine of its features and those of the first.
	Similarity float64
	// Identical is whether its file has the bytes of the first one's.
	Identical bool
}

// Duplicates returns groups of photographs whose files have the bytes of the first one's, or whose
// cosine with it is at least the threshold, in (0,1]; in the order of the names of the first ones.
// The largest photographs are the first of groups before smaller ones, and each is in one group at
// most: two that are like a third, but not each other, are not in one because of it.
func (x *Index) Duplicates(ctx context.Context, threshold float64) ([]Group, error) {
	if !(threshold > 0 && threshold <= 1) {
		return nil, fmt.Errorf("the threshold must be in (0,1], found %g", threshold)
	}
	like := make([][]int, len(x.Photos))
	pair := func(a, b int) { like[a], like[b] = append(like[a], b), append(like[b], a) }
	if err := x.Vectors.Pairs(ctx, threshold, pair); err != nil {
		return nil, err
	}
	byHash := map[string][]int{}
	for i, p := range x.Photos {
		if p.SHA256 != "" {
			byHash[p.SHA256] = append(byHash[p.SHA256], i)
		}
	}
	order := make([]int, len(x.Photos))
	for i := range order {
		order[i] = i
	}
	larger := func(a, b int) int {
		p, q := x.Photos[a], x.Photos[b]
		return cmp.Or(cmp.Compare(q.Width*q.Height, p.Width*p.Height), cmp.Compare(q.Size, p.Size), cmp.Compare(a, b))
	}
	slices.SortFunc(order, larger)
	var groups []Group
	taken := make([]bool, len(x.Photos))
	for _, first := range order {
		if taken[first] {
			continue
		}
		hash := x.Photos[first].SHA256
		rows := slices.Concat(like[first], byHash[hash])
		rows = slices.DeleteFunc(rows, func(row int) bool { return taken[row] || row == first })
		slices.SortFunc(rows, larger)
		rows = slices.Insert(slices.Compact(rows), 0, first)
		if len(rows) == 1 {
			continue
		}
		var g Group
		for _, row := range rows {
			taken[row] = true
			g = append(g, Member{row, Cosine.exact(x.Vectors.row(first), x.Vectors.row(row)), hash != "" && x.Photos[row].SHA256 == hash})
		}
		groups = append(groups, g)
	}
	slices.SortFunc(groups, func(a, b Group) int { return cmp.Compare(a[0].Row, b[0].Row) })
	return groups, nil
}
