package nearest

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	"gonum.org/v1/gonum/blas/blas32"

	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// Vectors are rows that are compared with each other and with queries. Their methods may be
// called from several goroutines at once.
type Vectors struct {
	size    int
	values  []float32 // [rows, size]
	lengths []float64 // Euclidean, of the rows
	longest float64
	gemm    *kernel.GemmF32
}

// longestRow bounds lengths, so that no product of two rows is beyond float32.
const longestRow = 1e18

// NewVectors takes rows of size values each, one behind the other, which must not change
// afterwards. They must be finite, and shorter than 1e18.
func NewVectors(values []float32, size int) (*Vectors, error) {
	if size < 1 || len(values)%size != 0 {
		return nil, fmt.Errorf("expected rows of %d values, at least one each, found %d values", size, len(values))
	}
	set, err := kernel.For(kernel.Available()[0])
	if err != nil {
		return nil, err
	}
	v := &Vectors{size: size, values: values, lengths: make([]float64, len(values)/size), gemm: set.Gemm}
	for i := range v.lengths {
		if v.lengths[i], err = lengthOf(v.row(i)); err != nil {
			return nil, fmt.Errorf("row %d: %w", i, err)
		}
		v.longest = max(v.longest, v.lengths[i])
	}
	return v, nil
}

func lengthOf(row []float32) (float64, error) {
	squares := 0.0
	for _, x := range row {
		squares += float64(x) * float64(x)
	}
	if length := math.Sqrt(squares); length < longestRow {
		return length, nil
	}
	return 0, fmt.Errorf("expected finite values that are no longer than %g together, found others", float64(longestRow))
}

// Len is how many rows there are.
func (v *Vectors) Len() int { return len(v.lengths) }

func (v *Vectors) row(i int) []float32 { return v.values[i*v.size:][:v.size:v.size] }

// A Neighbour is a row and its value of the metric.
type Neighbour struct {
	Row   int
	Value float64
}

// queriesTogether are how many queries each row is read for: as many panels as a level-2 cache
// holds beside rows of 2048 values.
const queriesTogether = 64

// Search returns the k rows nearest to each query, the nearest first, and of those that are
// equally near the first. There are fewer where there are fewer rows.
func (v *Vectors) Search(ctx context.Context, queries [][]float32, k int, m Metric) ([][]Neighbour, error) {
	if k < 1 {
		return nil, fmt.Errorf("expected at least one neighbour to be asked for, found %d", k)
	}
	var all [][]Neighbour
	for some := range slices.Chunk(queries, queriesTogether) {
		found, err := v.search(ctx, some, k, m)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

func (v *Vectors) search(ctx context.Context, queries [][]float32, k int, m Metric) ([][]Neighbour, error) {
	doubts := make([]float64, len(queries))
	for i, q := range queries {
		if len(q) != v.size {
			return nil, fmt.Errorf("query %d has %d values, expected %d", i, len(q), v.size)
		}
		length, err := lengthOf(q)
		if err != nil {
			return nil, fmt.Errorf("query %d: %w", i, err)
		}
		doubts[i] = v.doubt(length, m)
	}
	var mu sync.Mutex
	best := make([]shortlist, len(queries))
	for i := range best {
		best[i] = shortlist{most: k, margin: 2 * doubts[i]}
	}
	err := v.products(ctx, queries, 0, func(from int, products []float32) {
		mine := make([]shortlist, len(queries))
		for i := range mine {
			mine[i] = shortlist{most: k, margin: best[i].margin}
		}
		for at := 0; at < len(products); at += len(queries) {
			row := from + at/len(queries)
			scale, shift := m.rank(v.lengths[row])
			for i, product := range products[at:][:len(queries)] {
				mine[i].add(Neighbour{row, scale*float64(product) + shift})
			}
		}
		mu.Lock()
		defer mu.Unlock()
		for i, list := range mine {
			for _, n := range list.rows {
				best[i].add(n)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	found := make([][]Neighbour, len(queries))
	for i, list := range best {
		list.cut()
		for _, n := range list.rows {
			found[i] = append(found[i], Neighbour{n.Row, m.exact(queries[i], v.row(n.Row))})
		}
		slices.SortFunc(found[i], func(a, b Neighbour) int { return cmp.Or(m.nearer(a.Value, b.Value), cmp.Compare(a.Row, b.Row)) })
		found[i] = found[i][:min(k, len(found[i]))]
	}
	return found, nil
}

// doubt bounds how far a rank (Metric.rank) of a query of the given length may be from the exact
// one: a sum of n products in float32 is off by (n+2) * 2^-24 of the sum of their absolute
// values, which is at most the product of the lengths.
func (v *Vectors) doubt(length float64, m Metric) float64 {
	rounding := float64(v.size+2) * 0x1p-24 * length
	if m == Euclidean {
		rounding *= v.longest
	}
	return rounding
}

// rowsTogether are those of a block that a thread takes.
const rowsTogether = 256

// products computes the inner products of queries with all rows from one on, and calls use for
// each block of rows, from several goroutines: products is [rows, queries], and begins with row
// from.
func (v *Vectors) products(ctx context.Context, queries [][]float32, first int, use func(from int, products []float32)) error {
	n := len(queries)
	multiply := v.multiplyMany(queries)
	if n <= few {
		multiply = func(from, rows int, to []float32) {
			for i := range rows {
				for j, q := range queries {
					row := blas32.Vector{N: v.size, Inc: 1, Data: v.row(from + i)}
					to[i*n+j] = blas32.Dot(row, blas32.Vector{N: v.size, Inc: 1, Data: q})
				}
			}
		}
	}
	blocks := make(chan int)
	var working sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		working.Go(func() {
			room := make([]float32, rowsTogether*n)
			for from := range blocks {
				rows := min(rowsTogether, v.Len()-from)
				multiply(from, rows, room)
				use(from, room[:rows*n])
			}
		})
	}
	for from := first; from < v.Len() && ctx.Err() == nil; from += rowsTogether {
		blocks <- from
	}
	close(blocks)
	working.Wait()
	return ctx.Err()
}

// few queries leave most of a tile of the engine empty, and are faster one by one.
const few = 2

// multiplyMany returns what computes the products of rows with queries, by the engine's tiles.
func (v *Vectors) multiplyMany(queries [][]float32) func(from, rows int, to []float32) {
	n := len(queries)
	columns := make([]float32, v.size*n) // [size, queries]
	for j, q := range queries {
		for i, x := range q {
			columns[i*n+j] = x
		}
	}
	packed := v.gemm.Pack(columns, 1, v.size, n, n)
	return func(from, rows int, to []float32) {
		p := kernel.ProductF32{M: rows, N: n, K: v.size, A: v.values[from*v.size:], LDA: v.size, B: packed, C: to, LDC: n}
		v.gemm.Run(&p, 0, rows, 0, v.gemm.Panels(n))
	}
}

// A shortlist keeps the rows of the largest ranks, and those that come within a margin of them.
type shortlist struct {
	most   int
	margin float64
	rows   []Neighbour // with ranks
	least  float64     // that is taken, once cut
	full   bool
	next   int // the length to cut at
}

func (l *shortlist) add(n Neighbour) {
	if l.full && n.Value < l.least {
		return
	}
	if l.rows = append(l.rows, n); len(l.rows) >= max(l.next, 4*l.most) {
		l.cut()
		l.next = 2 * len(l.rows)
	}
}

// cut takes those out that cannot be among the most any more.
func (l *shortlist) cut() {
	if len(l.rows) < l.most {
		return
	}
	slices.SortFunc(l.rows, func(a, b Neighbour) int { return cmp.Compare(b.Value, a.Value) })
	l.full, l.least = true, l.rows[l.most-1].Value-l.margin
	end := len(l.rows)
	for l.rows[end-1].Value < l.least {
		end--
	}
	l.rows = l.rows[:end]
}
