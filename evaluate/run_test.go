package evaluate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image/color"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/internal/filetree"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/score"
	"github.com/seed-fb2c0fa6/inception/shard"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// greys is a set of seven classes a to g, in which the picture of number i of each class
// is of one grey, levels[class][i].
func greys(t *testing.T, levels [7][]uint8) *dataset.Set {
	files := map[string][]byte{}
	for class, all := range levels {
		for i, level := range all {
			files[fmt.Sprintf("%c/%d.png", 'a'+class, i)] = plainPNG(t, 9, 9, color.NRGBA{level, level, level, 255})
		}
	}
	return open(t, filetree.Write(t, files), dataset.Options{})
}

// nearestTens has the class k with the greatest logit for a grey of 10*k, and the others
// by how near they are.
func nearestTens(pixels []float32) []float32 {
	logits := make([]float32, 7)
	for k := range logits {
		logits[k] = -float32(math.Abs(float64(255*pixels[0] - 10*float32(k))))
	}
	return logits
}

// TestCounts has errors that can be counted by hand: a picture is taken for the class of
// the nearest ten, and the five nearest tens count.
func TestCounts(t *testing.T) {
	set := greys(t, [7][]uint8{
		{0, 1, 60},     // right, right, taken for g: g f e d c are the five, so a is not
		{10, 0, 51},    // right, taken for a, for f: f g e d c
		{20, 23, 58},   // right, right, taken for g
		{30},           // right
		{40, 44},       // right, right
		{10},           // taken for b: b, a, c, d and then e are the five, f is not
		{60, 255, 120}, // right all: beyond the last ten
	})
	m := calculator("net", 9, labelled("a", "b", "c", "d", "e", "f", "g"), nearestTens)
	r := run(t, []Member{m}, set, Options{})
	if r.Images != 16 || r.Of != 16 || !r.Labelled || r.Crops != vision.Crops1 || len(r.Rows) != 1 {
		t.Fatalf("report is %+v", r)
	}
	row := r.Rows[0]
	if row.Name != "net" || row.Size != 9 || row.Top1.Count != 5 || row.Top5.Count != 3 || row.Top1.Images != 16 || row.Top1.Rate != 5.0/16 {
		t.Errorf("row is %+v", row)
	}
	for label, want := range [][4]int{{3, 1, 1, 1}, {3, 2, 1, 1}, {3, 1, 0, 1}, {1, 0, 0, 0}, {2, 0, 0, 0}, {1, 1, 1, 1}, {3, 0, 0, 0}} {
		c := r.PerClass[label]
		if got := [4]int{c.Top1.Images, c.Top1.Count, c.Top5.Count, c.ConfusedImages}; got != want || c.Class != string(rune('a'+label)) {
			t.Errorf("class %d is %+v, want %v", label, c, want)
		}
	}
	if r.PerClass[0].Confused != "g" || r.PerClass[1].Confused != "a" || r.PerClass[5].Confused != "b" {
		t.Errorf("confused with %+v", r.PerClass)
	}
	for label, want := range [][2]float64{{2. / 3, 2. / 3}, {1. / 3, 0.5}, {2. / 3, 1}, {1, 1}, {1, 1}, {0, 0}, {1, 0.6}} { // recall and precision
		if c := r.PerClass[label]; *c.Recall != want[0] || *c.Precision != want[1] {
			t.Errorf("class %d has the recall %g and the precision %g, want %v", label, *c.Recall, *c.Precision, want)
		}
	}
	want := [][]int{{2, 0, 0, 0, 0, 0, 1}, {1, 1, 0, 0, 0, 1, 0}, {0, 0, 2, 0, 0, 0, 1}, {0, 0, 0, 1, 0, 0, 0}, {0, 0, 0, 0, 2, 0, 0}, {0, 1, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0, 3}}
	for i := range want {
		if !slices.Equal(r.Confusion[i], want[i]) {
			t.Errorf("confusion of class %d is %v, want %v", i, r.Confusion[i], want[i])
		}
	}
	// The softmax of grey 0: 1, e^-10, e^-20, ...
	sum := 0.0
	for k := range 7 {
		sum += math.Exp(-10 * float64(k))
	}
	for i, c := range r.Predictions[0].Top[0] {
		if want := math.Exp(-10*float64(i)) / sum; c.Label != i || math.Abs(c.Probability-want) > 1e-6*want {
			t.Errorf("place %d of the first image is %+v, want class %d with %g", i+1, c, i, want)
		}
	}
}

// TestEnsemble has two members of other sizes and other orders of classes. By hand: the
// first says 0.6, 0.4, 0 of every image, the second 0.1, 0.7, 0.2; together they say
// 0.35, 0.55, 0.1, where the mean of the logits would say the first class.
func TestEnsemble(t *testing.T) {
	logits := func(shares ...float64) calculation {
		return func([]float32) []float32 {
			all := make([]float32, len(shares))
			for i, s := range shares {
				all[i] = float32(math.Log(s))
			}
			return all
		}
	}
	set := gradients(t, 2, 12, 8, "x", "y", "z")
	first := calculator("first", 6, labelled("x", "y", "z"), logits(0.6, 0.399999, 1e-6))
	second := calculator("second", 4, labelled("z", "x", "y"), logits(0.2, 0.1, 0.7))
	for _, crops := range []vision.Crops{vision.Crops1, vision.Crops12} {
		r := run(t, []Member{first, second}, set, Options{Crops: crops})
		if len(r.Rows) != 3 || r.Rows[2].Name != "ensemble" {
			t.Fatalf("rows are %+v", r.Rows)
		}
		for row, want := range [][]Class{{{0, 0.6}, {1, 0.399999}, {2, 1e-6}}, {{1, 0.7}, {2, 0.2}, {0, 0.1}}, {{1, 0.5499995}, {0, 0.35}, {2, 0.1000005}}} {
			for i, c := range r.Predictions[3].Top[row] {
				if c.Label != want[i].Label || math.Abs(c.Probability-want[i].Probability) > 1e-6 {
					t.Errorf("row %d, place %d is %+v, want %+v", row, i+1, c, want[i])
				}
			}
		}
		if got := [3]int{r.Rows[0].Top1.Count, r.Rows[1].Top1.Count, r.Rows[2].Top1.Count}; got != [3]int{4, 4, 4} {
			t.Errorf("errors are %v, want 4 of 6 each", got)
		}
	}
}

// TestMeanOverCrops compares with the plain mean over all crops, one by one, of which
// those of square pictures fall together.
func TestMeanOverCrops(t *testing.T) {
	files := map[string][]byte{}
	for i, size := range [][2]int{{40, 30}, {30, 40}, {32, 32}, {33, 32}, {500, 3}, {9, 9}} {
		files[fmt.Sprintf("%c/0.png", 'a'+i)] = gradient(t, size[0], size[1], i+1)
	}
	set := open(t, filetree.Write(t, files), dataset.Options{})
	const size = 12
	calculate := contrast(6)
	m := calculator("net", size, labelled("a", "b", "c", "d", "e", "f"), calculate)
	m.Preprocessing.Crop = 0.875
	for _, crops := range []vision.Crops{vision.Crops1, vision.Crops10, vision.Crops12, vision.Crops144} {
		r := run(t, []Member{m}, set, Options{Crops: crops, Batch: 5})
		distinct := 0
		for _, p := range r.Predictions {
			file, err := set.Read(p.Index)
			if err != nil {
				t.Fatal(err)
			}
			photo, err := vision.Decode(file, vision.DecodeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			views, err := vision.Preprocessing{Size: size, Crop: 0.875}.Views(crops, photo.Width, photo.Height)
			if err != nil {
				t.Fatal(err)
			}
			mean := make([]float64, 6)
			seen := map[vision.View]bool{}
			for _, v := range views {
				seen[v] = true
				cuts, err := vision.Cut(photo, []vision.View{v}, vision.Bilinear)
				if err != nil {
					t.Fatal(err)
				}
				pixels := make([]float32, size*size*3)
				if err := cuts.Normalize(pixels, 0, [3]float32{}, [3]float32{1, 1, 1}); err != nil {
					t.Fatal(err)
				}
				exponentials, sum := make([]float64, 6), 0.0
				for i, logit := range calculate(pixels) {
					exponentials[i] = math.Exp(float64(logit))
					sum += exponentials[i]
				}
				for i := range mean {
					mean[i] += exponentials[i] / sum / float64(len(views))
				}
			}
			distinct += len(seen)
			for i, c := range p.Top[0] {
				if math.Abs(c.Probability-mean[c.Label]) > 1e-9 || i > 0 && c.Probability > p.Top[0][i-1].Probability {
					t.Errorf("%s, %d crops: class %d has %g, want %g", set.Name(p.Index), crops, c.Label, c.Probability, mean[c.Label])
				}
			}
		}
		if r.Speed.Views != distinct || crops == vision.Crops144 && distinct > 4*144+2*48 {
			t.Errorf("%d crops: %d views went through the network, want %d", crops, r.Speed.Views, distinct)
		}
	}
}

// TestBatchSizes expects one batch size in one evaluation, the same result of each, and
// zeros where there are no images.
func TestBatchSizes(t *testing.T) {
	set := gradients(t, 4, 20, 15, "a", "b", "c")
	var want []Prediction
	for _, batch := range []int{1, 5, 64, 1000} {
		for _, workers := range []int{1, 3} {
			sizes := map[int]bool{}
			m := calculator("net", 24, labelled("a", "b", "c"), contrast(3))
			logits := m.Logits
			calls := 0
			m.Logits = func(ctx context.Context, pixels []float32, n int) ([]float32, error) {
				sizes[n] = true
				calls++
				if from := 144 - (calls-1)*n; from < n && slices.ContainsFunc(pixels[from*24*24*3:], func(v float32) bool { return v != 0 }) {
					t.Errorf("batch of %d: there is more than zeros behind the last image", n)
				}
				return logits(ctx, pixels, n)
			}
			r := run(t, []Member{m}, set, Options{Crops: vision.Crops12, Batch: batch, Workers: workers})
			if r.Speed.Views != 144 {
				t.Fatalf("%d views, want 144", r.Speed.Views)
			}
			if len(sizes) != 1 || !sizes[min(batch, 144)] {
				t.Errorf("batch of %d: networks were called with %v", batch, sizes)
			}
			if want == nil {
				want = r.Predictions
			}
			if fmt.Sprint(r.Predictions) != fmt.Sprint(want) {
				t.Errorf("batch of %d, %d workers: other predictions", batch, workers)
			}
		}
	}
}

// TestGroups expects views to be made once for members that look at the same ones.
func TestGroups(t *testing.T) {
	members := make([]Member, 4)
	for i := range members {
		members[i] = calculator(fmt.Sprint(i), 8, labelled("a", "b"), nil)
	}
	members[1].Preprocessing.Crop = 0.5 // of a single crop alone
	members[2].Preprocessing.Std[1] = 2
	for crops, want := range map[vision.Crops]string{vision.Crops1: "[0 3] [1] [2]", vision.Crops12: "[0 1 3] [2]"} {
		groups, err := groupsOf(members, crops)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, g := range groups {
			got = append(got, fmt.Sprint(g.members))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%d crops: groups are %v, want %s", crops, got, want)
		}
	}
}

func TestClasses(t *testing.T) {
	set := gradients(t, 1, 8, 8, "cat", "dog", "n01440764")
	numbers := gradients(t, 1, 8, 8, "0", "1", "2")
	member := func(labels []recipe.Label) []Member {
		m := calculator("net", 8, labelled("", "", ""), func([]float32) []float32 { return []float32{0, 1, 2} })
		m.Labels = labels
		return []Member{m}
	}
	// The greatest logit is the third, which is called dog.
	r := run(t, member(labelled("n01440764", "cat", "dog")), set, Options{})
	if got := r.Predictions[0].Top[0][0].Label; got != 1 {
		t.Errorf("the class is %d, want 1, dog", got)
	}
	if r = run(t, member(nil), numbers, Options{}); r.Predictions[0].Top[0][0].Label != 2 {
		t.Errorf("without names on either side the class is %+v, want 2", r.Predictions[0].Top[0])
	}
	synsets := []recipe.Label{{Synset: "n01440764", Name: "dog"}, {Synset: "cat", Name: "dog"}, {Synset: "dog", Name: "dog"}}
	if r = run(t, member(synsets), set, Options{}); r.Predictions[0].Top[0][0].Label != 1 {
		t.Errorf("by synsets the class is %+v, want 1", r.Predictions[0].Top[0])
	}
	for name, c := range map[string]struct {
		members []Member
		set     *dataset.Set
		want    []string
	}{
		"others":        {member(labelled("cat", "cow", "n01440764")), set, []string{"net", "only the network has cow", "only the data has dog", "cat, cow, n01440764", "cat, dog, n01440764"}},
		"twice":         {member(labelled("cat", "cat", "dog")), set, []string{"cat, cat, dog"}},
		"without names": {member(nil), set, []string{"net", "no names", "labels"}},
		"numbers":       {member(labelled("cat", "dog", "cow")), numbers, []string{"those of the data have no names"}},
		"labels":        {member(labelled("cat", "dog")), set, []string{"3 classes, but 2 labels"}},
		"members": {[]Member{member(labelled("dog", "cat", "n01440764"))[0], calculator("other", 8, labelled("cat", "cow"), nil)}, set,
			[]string{"other", "only the network has cow", "only the data has dog, n01440764"}},
		"number": {[]Member{calculator("net", 8, nil, nil)}, numbers, []string{"the data's 3 are 0, 1, 2"}},
	} {
		_, err := Run(context.Background(), c.members, c.set, Options{})
		t.Run(name, func(t *testing.T) { wanted.Error(t, err, c.want...) })
		var mismatch *ClassesError
		if name != "labels" && !errors.As(err, &mismatch) {
			t.Errorf("%s: error is a %T", name, err)
		}
	}
}

// TestBatchOfAll expects batches of the size that all images have, and not those of a shard
// or that an interruption has left.
func TestBatchOfAll(t *testing.T) {
	set := gradients(t, 5, 8, 8, "a", "b")
	m := calculator("net", 8, labelled("a", "b"), func([]float32) []float32 { return []float32{1, 0} })
	sizes := map[int]bool{}
	inner := m.Logits
	m.Logits = func(ctx context.Context, pixels []float32, batch int) ([]float32, error) {
		sizes[batch] = true
		return inner(ctx, pixels, batch)
	}
	o := Options{Batch: 32, Predictions: filepath.Join(t.TempDir(), "p.csv")}
	run(t, []Member{m}, set, Options{Batch: 32})
	for i := range 4 {
		if _, err := RunPart(context.Background(), []Member{m}, set, shard.Shard{Index: i, Of: 4}, o); err != nil {
			t.Fatal(err)
		}
	}
	run(t, []Member{m}, set, o)
	if len(sizes) != 1 || !sizes[10] {
		t.Errorf("ran batches of %v, want 10 alone", sizes)
	}
}

func TestUnreadable(t *testing.T) {
	root := filetree.Write(t, map[string][]byte{
		"a/0.png": gradient(t, 8, 8, 1), "a/1.png": []byte("no picture"), "a/2.png": gradient(t, 8, 8, 2),
		"b/0.png": gradient(t, 8, 8, 3), "b/1.png": nil,
	})
	set := open(t, root, dataset.Options{})
	m := []Member{calculator("net", 8, labelled("a", "b"), func([]float32) []float32 { return []float32{1, 0} })}
	_, err := Run(context.Background(), m, set, Options{Batch: 2})
	wanted.Error(t, err, "a/1.png", "skip", "text")
	var unreadable *UnreadableError
	if !errors.As(err, &unreadable) || unreadable.Name != "a/1.png" {
		t.Errorf("error is %#v", err)
	}
	var told []string
	for _, batch := range []int{1, 2, 100} {
		told = nil
		var done []int
		r := run(t, m, set, Options{
			SkipUnreadable: true, Batch: batch,
			Unreadable: func(name string, err error) { told = append(told, name) },
			Progress:   func(n, total int) { done = append(done, n, total) },
		})
		if r.Images != 3 || r.Rows[0].Top1.Count != 1 || r.Rows[0].Top1.Images != 3 || len(r.Unreadable) != 2 || r.Unreadable[1].Name != "b/1.png" {
			t.Errorf("report is %+v", r)
		}
		if !slices.Equal(told, []string{"a/1.png", "b/1.png"}) {
			t.Errorf("told of %q", told)
		}
		if !slices.Equal(done, []int{0, 5, 1, 5, 2, 5, 3, 5, 4, 5, 5, 5}) {
			t.Errorf("progress was %v", done)
		}
	}
	none := open(t, filetree.Write(t, map[string][]byte{"a/0.png": []byte("no"), "b/0.png": []byte("picture")}), dataset.Options{})
	_, err = Run(context.Background(), m, none, Options{SkipUnreadable: true})
	wanted.Error(t, err, "none of the 2", "a/0.png")
}

func TestSelection(t *testing.T) {
	for _, c := range []struct {
		n, limit int
		exclude  []int
		want     []int
	}{
		{5, 0, nil, []int{0, 1, 2, 3, 4}},
		{10, 4, nil, []int{0, 2, 5, 7}},
		{10, 20, []int{3, 3, 0}, []int{1, 2, 4, 5, 6, 7, 8, 9}},
		{6, 2, []int{0, 1}, []int{2, 4}},
	} {
		got, _, err := selection(c.n, c.exclude, c.limit)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, %v", c, got, err)
		}
	}
	set := gradients(t, 3, 8, 8, "a", "b")
	m := []Member{calculator("net", 8, labelled("a", "b"), contrast(2))}
	r := run(t, m, set, Options{Exclude: []int{1, 1, 4}})
	if r.Excluded != 2 || r.Images != 4 || r.PerClass[0].Top1.Images != 2 || r.PerClass[1].Top1.Images != 2 {
		t.Errorf("report is %+v", r)
	}
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Exclude: []int{6}}, "from 0 to 5"},
		{Options{Exclude: []int{-1}}, "from 0 to 5"},
		{Options{Exclude: []int{0, 1, 2, 3, 4, 5}}, "all 6 images"},
		{Options{Batch: -1}, "batch of -1"},
		{Options{Limit: -1}, "limit of -1"},
		{Options{Crops: 11}, "found 11"},
	} {
		_, err := Run(context.Background(), m, set, c.o)
		wanted.Error(t, err, c.want)
	}
	for _, members := range [][]Member{nil, {m[0], m[0]}, {calculator("ensemble", 8, labelled("a", "b"), nil)}, {calculator("", 8, labelled("a", "b"), nil)}} {
		_, err := Run(context.Background(), members, set, Options{})
		wanted.Error(t, err, "expected")
	}
	for _, change := range []func(*vision.Preprocessing){
		func(p *vision.Preprocessing) { p.Size = 0 },
		func(p *vision.Preprocessing) { p.Crop = 2 },
		func(p *vision.Preprocessing) { p.Std[1] = 0 },
		func(p *vision.Preprocessing) { p.Interpolation = 9 },
	} {
		wrong := m[0]
		change(&wrong.Preprocessing)
		_, err := Run(context.Background(), []Member{wrong}, set, Options{})
		wanted.Error(t, err, "net")
	}
}

func TestNetworkErrors(t *testing.T) {
	set := gradients(t, 3, 8, 8, "a", "b")
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		logits []float32
		err    error
		want   error
		text   string
	}{
		"error":    {nil, broken, broken, "net"},
		"too few":  {make([]float32, 3), nil, nil, "found 3 logits for 2 images, expected 2 for each"},
		"nan":      {[]float32{0, float32(math.NaN()), 0, 0}, nil, score.ErrNotFinite, "a/0.png"},
		"infinite": {[]float32{0, 0, float32(math.Inf(1)), 0}, nil, score.ErrNotFinite, "a/1.png"},
	} {
		m := calculator("net", 8, labelled("a", "b"), nil)
		m.Logits = func(context.Context, []float32, int) ([]float32, error) { return c.logits, c.err }
		_, err := Run(context.Background(), []Member{m}, set, Options{Batch: 2})
		wanted.Error(t, err, "net", c.text)
		if c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

// TestCancel ends an evaluation in the middle, which closes all its goroutines: the race
// detector and the closed set would show those that go on.
func TestCancel(t *testing.T) {
	set := gradients(t, 30, 8, 8, "a", "b")
	ctx, cancel := context.WithCancel(context.Background())
	m := calculator("net", 8, labelled("a", "b"), contrast(2))
	logits := m.Logits
	var calls atomic.Int64
	m.Logits = func(ctx context.Context, pixels []float32, n int) ([]float32, error) {
		if calls.Add(1) == 3 {
			cancel()
		}
		return logits(ctx, pixels, n)
	}
	start := time.Now()
	_, err := Run(ctx, []Member{m}, set, Options{Batch: 4})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want that of the context", err)
	}
	if calls.Load() != 3 || time.Since(start) > time.Second {
		t.Errorf("%d batches went through the network in %v", calls.Load(), time.Since(start))
	}
}

func TestReportJSON(t *testing.T) {
	set := gradients(t, 2, 8, 8, "a", "b")
	r := run(t, []Member{calculator("net", 8, labelled("a", "b"), func([]float32) []float32 { return []float32{1, 0} })}, set, Options{})
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"images":4`, `"name":"net"`, `"top1":{"errors":2,"images":4,"rate":0.5,`, `"top5":{"errors":0,`, `"unreadable":[]`, `"confused":"a"`, `"crops":1`} {
		if !strings.Contains(string(text), part) {
			t.Errorf("%s should contain %s", text, part)
		}
	}
}

// TestAlpha evaluates members of different preprocessing together: of a picture that cannot
// be seen, one sees white, the other the black that is stored.
func TestAlpha(t *testing.T) {
	set := open(t, filetree.Write(t, map[string][]byte{
		"dark/1.png":  plainPNG(t, 8, 8, color.NRGBA{}),
		"light/1.png": plainPNG(t, 8, 8, color.NRGBA{255, 255, 255, 255}),
	}), dataset.Options{})
	brightness := func(pixels []float32) []float32 { return []float32{0.5, pixels[0]} }
	members := []Member{
		calculator("white", 4, labelled("dark", "light"), brightness),
		calculator("drop", 4, labelled("dark", "light"), brightness),
	}
	members[1].Preprocessing.Alpha = vision.AlphaDrop
	report := run(t, members, set, Options{})
	for i, want := range []int{1, 0} {
		if got := report.Rows[i].Top1.Count; got != want {
			t.Errorf("%s: %d errors, want %d", members[i].Name, got, want)
		}
	}
}
