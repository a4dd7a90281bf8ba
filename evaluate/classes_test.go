package evaluate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/internal/filetree"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/recipe"
)

// constant is a member whose logits are the same for all images.
func constant(name string, labels []recipe.Label, logits ...float32) Member {
	m := calculator(name, 8, labels, func([]float32) []float32 { return logits })
	m.Classes = len(logits)
	return m
}

// near compares probabilities.
func near(a, b float64) bool { return math.Abs(a-b) < 1e-12 }

// TestSubset has data with some of the networks' classes, which compete alone or with the
// others.
func TestSubset(t *testing.T) {
	set := gradients(t, 2, 8, 8, "cat", "eel")
	labels := labelled("ant", "eel", "bee", "cat")
	logits := []float32{3, 1, 0, 2}
	e := math.Exp
	whole := e(3) + e(1) + e(0) + e(2)
	one := constant("one", labels, logits...)
	two := constant("two", labelled("cat", "ant", "eel", "bee"), 2, 3, 1, 0)

	_, err := Run(context.Background(), []Member{one}, set, Options{})
	wanted.Error(t, err, "only the network has ant, bee", "only the data has none")

	for name, members := range map[string][]Member{"one": {one}, "two in another order": {two}, "both": {one, two}} {
		r := run(t, members, set, Options{Classes: Subset})
		top := r.Predictions[0].Top[len(r.Rows)-1]
		if !slices.Equal(r.Classes, []string{"cat", "eel"}) || !r.Renormalized || r.Matching != Subset || r.Rows[0].Classes != 4 {
			t.Errorf("%s: %q, renormalised %v", name, r.Classes, r.Renormalized)
		}
		if len(top) != 2 || top[0].Label != 0 || !near(top[0].Probability, e(2)/(e(2)+e(1))) || !near(top[0].Probability+top[1].Probability, 1) {
			t.Errorf("%s: a subset's classes are %v", name, top)
		}
		if r.Rows[0].Top1.Count != 2 || r.Rows[0].Top5.Count != 0 { // the eels
			t.Errorf("%s: errors are %+v", name, r.Rows[0])
		}

		r = run(t, members, set, Options{Classes: All})
		top = r.Predictions[0].Top[len(r.Rows)-1]
		if !slices.Equal(r.Classes[:2], []string{"cat", "eel"}) || len(r.Classes) != 4 || r.Renormalized {
			t.Errorf("%s: %q, renormalised %v", name, r.Classes, r.Renormalized)
		}
		if r.Classes[top[0].Label] != "ant" || !near(top[0].Probability, e(3)/whole) || r.Classes[top[1].Label] != "cat" {
			t.Errorf("%s: all classes are %v of %q", name, top, r.Classes)
		}
		if r.Rows[0].Top1.Count != 4 || r.Rows[0].Top5.Count != 0 || len(r.PerClass) != 4 || len(r.WorstClasses()) != 2 {
			t.Errorf("%s: errors are %+v", name, r.Rows[0])
		}
	}

	for _, matching := range []Matching{Subset, All} {
		_, err = Run(context.Background(), []Member{constant("net", labelled("cat", "dog", "ant"), 1, 2, 3)}, set, Options{Classes: matching})
		wanted.Error(t, err, "only the data has eel")
		var mismatch *ClassesError
		if !errors.As(err, &mismatch) || !slices.Equal(mismatch.OnlyData, []string{"eel"}) || !slices.Equal(mismatch.OnlyNetwork, []string{"dog", "ant"}) {
			t.Errorf("%v: %+v", matching, mismatch)
		}
	}
	_, err = Run(context.Background(), []Member{one, constant("net", labelled("cat", "eel", "ant"), 1, 2, 3)}, set, Options{Classes: All})
	wanted.Error(t, err, "net", "lacks 1")
	_, err = Run(context.Background(), []Member{one}, set, Options{Classes: "some"})
	wanted.Error(t, err, `"some"`, "subset")
}

// TestKeys finds classes by what people call them.
func TestKeys(t *testing.T) {
	labels := []recipe.Label{{Synset: "n02085620", Name: "Chihuahua"}, {Synset: "n02012849", Name: "crane"}, {Synset: "n03126707", Name: "crane"}, {Synset: "n01484850", Name: "great_white_shark"}}
	for name, c := range map[string]struct {
		classes []string
		want    string
	}{
		"synsets":       {[]string{"n01484850", "n02012849", "n02085620", "n03126707"}, "[3 1 0 2]"},
		"synset, name":  {[]string{"n01484850 shark", "n02012849_crane", "n02085620-Chihuahua", "n03126707.crane"}, "[3 1 0 2]"},
		"names":         {[]string{"Chihuahua", "great_white_shark"}, "[0 3]"},
		"as spelled":    {[]string{"Great White Shark, white shark", "chihuahua"}, "[3 0]"},
		"two of a name": {[]string{"Chihuahua", "crane"}, "crane"},
		"decomposed":    {[]string{"cafe\u0301", "tea"}, "[1 0]"},
	} {
		e := &evaluation{o: Options{Classes: Subset}}
		m := &Member{Name: "net", Labels: labels, Classes: 4}
		if name == "decomposed" {
			m.Labels, m.Classes = labelled("tea", "caf\u00e9"), 2
		}
		found, err := e.found(m, c.classes)
		if err != nil {
			wanted.Error(t, err, c.want)
		} else if fmt.Sprint(found) != c.want {
			t.Errorf("%s: found %v, want %s", name, found, c.want)
		}
	}
}

// TestNumbers takes classes by their numbers where that is asked for.
func TestNumbers(t *testing.T) {
	numbers := gradients(t, 1, 8, 8, "0", "1")
	net := constant("net", labelled("cat", "dog", "eel"), 1, 3, 2)
	_, err := Run(context.Background(), []Member{net}, numbers, Options{Classes: Subset})
	wanted.Error(t, err, "no names", "by their numbers")
	r := run(t, []Member{net}, numbers, Options{Classes: Subset, ByNumber: true})
	if top := r.Predictions[0].Top[0]; top[0].Label != 1 || len(top) != 2 {
		t.Errorf("top is %v", top)
	}
	_, err = Run(context.Background(), []Member{net}, numbers, Options{ByNumber: true})
	wanted.Error(t, err, "the network's 3")
	sparse := gradients(t, 1, 8, 8, "1", "2")
	r = run(t, []Member{net}, sparse, Options{Classes: Subset, ByNumber: true})
	if r.Classes[r.Predictions[0].Top[0][0].Label] != "1" || r.Rows[0].Top1.Count != 1 {
		t.Errorf("top is %v of %q", r.Predictions[0].Top, r.Classes)
	}
	_, err = Run(context.Background(), []Member{net}, gradients(t, 1, 8, 8, "1", "3"), Options{Classes: Subset, ByNumber: true})
	wanted.Error(t, err, "the data's 2 are 1, 3")
}

// TestSlimRecords has records as TF-slim writes them: labels from 1, beside synsets.
func TestSlimRecords(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "dataset", "testdata", "train.tfrecord.gz"))
	if err != nil {
		t.Fatal(err)
	}
	set := open(t, filetree.File(t, "train-00000-of-00001", data), dataset.Options{})
	if len(set.Classes()) != 3 {
		t.Fatalf("classes %q", set.Classes())
	}
	net := constant("net", []recipe.Label{{Synset: "n01440761", Name: "b"}, {Synset: "n01440760", Name: "a"}}, 5, 1)
	r := run(t, []Member{net}, set, Options{})
	if !slices.Equal(r.Classes, []string{"n01440760", "n01440761"}) || r.Rows[0].Top1.Count != 2 || r.Predictions[1].Top[0][0].Label != 1 {
		t.Errorf("%q: %+v", r.Classes, r.Rows[0])
	}
}

// TestMaxUnreadable allows a share of the images to evaluate.
func TestMaxUnreadable(t *testing.T) {
	files := map[string][]byte{"a/bad.png": []byte("no picture"), "b/bad\xff.png": nil}
	for i := range 8 {
		files[fmt.Sprintf("%c/%d.png", 'a'+i%2, i)] = gradient(t, 8, 8, i)
	}
	set := open(t, filetree.Write(t, files), dataset.Options{})
	net := constant("net", labelled("a", "b"), 1, 0)
	r := run(t, []Member{net}, set, Options{MaxUnreadable: 0.2})
	if r.Images != 8 || len(r.Unreadable) != 2 || r.Unreadable[1].Name != `b/bad\xff.png` {
		t.Errorf("%d images, %v", r.Images, r.Unreadable)
	}
	_, err := Run(context.Background(), []Member{net}, set, Options{MaxUnreadable: 0.1})
	wanted.Error(t, err, "bad\xff.png", "at most 1 of the 10", "max_unreadable")
	_, err = Run(context.Background(), []Member{net}, set, Options{MaxUnreadable: 2})
	wanted.Error(t, err, "a share of 2")
}
