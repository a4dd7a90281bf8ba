package gallery_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"image/color"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/evaluate"
	"github.com/seed-fb2c0fa6/inception/evaluate/gallery"
	"github.com/seed-fb2c0fa6/inception/internal/filetree"
	"github.com/seed-fb2c0fa6/inception/internal/pictures"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// grey is a picture whose left and right half have a grey each.
func grey(t testing.TB, left, right int) []byte {
	t.Helper()
	return pictures.PNG(t, pictures.Draw(40, 20, func(x, y int) color.NRGBA {
		level := uint8(left)
		if x >= 20 {
			level = uint8(right)
		}
		return color.NRGBA{level, level, level, 255}
	}))
}

func open(t testing.TB, path string) *dataset.Set {
	t.Helper()
	set, err := dataset.Open(context.Background(), path, dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { set.Close() })
	return set
}

// member takes a picture for the class whose number is nearest to a tenth of its left grey,
// plus a shift.
func member(name string, set *dataset.Set, shift float64) evaluate.Member {
	classes := set.Classes()
	m := evaluate.Member{Name: name, Classes: len(classes), Preprocessing: vision.Preprocessing{Size: 8, Crop: 1, Interpolation: vision.Bilinear, Std: [3]float32{1, 1, 1}}}
	for _, class := range classes {
		m.Labels = append(m.Labels, recipe.Label{Name: class})
	}
	m.Logits = func(_ context.Context, pixels []float32, batch int) ([]float32, error) {
		var all []float32
		for i := range batch {
			at := 25.5*float64(pixels[i*8*8*3]) + shift
			for class := range classes {
				all = append(all, -float32(math.Abs(at-float64(class))))
			}
		}
		return all, nil
	}
	return m
}

func run(t testing.TB, set *dataset.Set, crops vision.Crops, members ...evaluate.Member) *evaluate.Report {
	t.Helper()
	r, err := evaluate.Run(context.Background(), members, set, evaluate.Options{Crops: crops})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// awkward are the classes of a set whose files have names that are no names of URLs or HTML.
func awkward(t testing.TB) *dataset.Set {
	files := map[string][]byte{}
	for class, name := range []string{"a & b", "cat", "dög", "<i>eel"} {
		for i := range 5 {
			files[fmt.Sprintf("%s/100%% #%d?.png", name, i)] = grey(t, 10*class+4*i, 10*class+3*i)
		}
	}
	return open(t, filetree.Write(t, files))
}

func written(t testing.TB, folder string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, gallery.Page))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestWrite compares the page with the report, and follows its links.
func TestWrite(t *testing.T) {
	set := awkward(t)
	r := run(t, set, vision.Crops1, member("net", set, 0))
	folder := filepath.Join(t.TempDir(), "new", "report")
	if err := gallery.Write(context.Background(), folder, r, gallery.Options{Data: "photos <1>", Set: set}); err != nil {
		t.Fatal(err)
	}
	page := written(t, folder)
	confusions := 0
	for label, line := range r.Confusion {
		for other, images := range line {
			link := fmt.Sprintf(`href="#pair-%d-%d" style="--level: `, label, other)
			target := fmt.Sprintf(`id="pair-%d-%d"`, label, other)
			want := 0
			if label != other && images > 0 {
				want = 1
				confusions++
			}
			if strings.Count(page, link) != want || strings.Count(page, target) != want {
				t.Errorf("class %d taken for %d, %d images: %d links to %d sections", label, other, images, strings.Count(page, link), strings.Count(page, target))
			}
			if text := fmt.Sprintf(">%d</a>", images); want == 1 && !strings.Contains(page[strings.Index(page, link):][:200], text) {
				t.Errorf("class %d taken for %d: the link should say %d", label, other, images)
			}
		}
	}
	errors := r.Rows[0].Top1.Count
	if confusions < 3 || errors < 6 {
		t.Fatalf("%d confusions and %d errors are too few to test", confusions, errors)
	}
	// Each error is among the worst and in its confusion.
	if n := strings.Count(page, `src="data:image/jpeg;base64,`); n != 2*errors {
		t.Errorf("%d pictures, want %d", n, 2*errors)
	}
	linked := map[string]int{}
	for _, m := range regexp.MustCompile(`class="file" href="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		path, err := url.PathUnescape(html.UnescapeString(m[1]))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(folder, filepath.FromSlash(path))); err != nil {
			t.Errorf("the link %q leads to no file: %v", m[1], err)
		}
		linked[path]++
	}
	if len(linked) != errors {
		t.Errorf("links to %d files, want %d", len(linked), errors)
	}
	for _, text := range []string{"&lt;i&gt;eel", "a &amp; b", "photos &lt;1&gt;", "<h2 id=\"calibration\">", `viewBox="0 0 280 260"`} {
		if !strings.Contains(page, text) {
			t.Errorf("the page should contain %q", text)
		}
	}
	for _, foreign := range []string{"<i>eel", `src="http`, "<link", "@import", "ZgotmplZ"} {
		if strings.Contains(page, foreign) {
			t.Errorf("the page contains %q", foreign)
		}
	}
	// The worst is the one that gives its class the least probability.
	least := slices.MinFunc(r.Predictions, func(a, b evaluate.Prediction) int {
		if a.Logs[a.Label] < b.Logs[b.Label] {
			return -1
		}
		return 1
	})
	if first := page[strings.Index(page, `<ul class="photos">`):]; !strings.Contains(first[:strings.Index(first, "</li>\n<li>")], html.EscapeString(least.Name)) {
		t.Errorf("the worst error should be %s", least.Name)
	}
	var again evaluate.Report
	data, err := os.ReadFile(filepath.Join(folder, gallery.Report))
	if err != nil || json.Unmarshal(data, &again) != nil || !reflect.DeepEqual(again.Calibration, r.Calibration) {
		t.Errorf("report.json is %s, %v", data, err)
	}
	if data, err := os.ReadFile(filepath.Join(folder, gallery.Predictions)); err != nil || strings.Count(string(data), "\n") != 1+20 {
		t.Errorf("predictions.csv is %s, %v", data, err)
	}
}

// TestChanged counts again what twelve crops and an ensemble changed.
func TestChanged(t *testing.T) {
	set := awkward(t)
	one, two := member("one", set, 0.4), member("two", set, -1)
	single, many := run(t, set, vision.Crops1, one, two), run(t, set, vision.Crops12, one, two)
	folder := filepath.Join(t.TempDir(), "report")
	if err := gallery.Write(context.Background(), folder, many, gallery.Options{Set: set, Single: single}); err != nil {
		t.Fatal(err)
	}
	page := written(t, folder)
	right := func(r *evaluate.Report, i, row int) bool {
		return r.Predictions[i].Top[row][0].Label == r.Predictions[i].Label
	}
	changes := 0
	for title, before := range map[string]func(i int) bool{
		"1 crop against 12 crops": func(i int) bool { return right(single, i, 2) },
		"one against ensemble":    func(i int) bool { return right(many, i, 0) },
		"two against ensemble":    func(i int) bool { return right(many, i, 1) },
	} {
		corrected, spoiled := 0, 0
		for i := range many.Predictions {
			switch was, is := before(i), right(many, i, 2); {
			case is && !was:
				corrected++
			case was && !is:
				spoiled++
			}
		}
		changes += corrected + spoiled
		_, section, found := strings.Cut(page, "<h3>"+title+"</h3>")
		section, _, _ = strings.Cut(section, "<h3>")
		count := func(what string) int {
			m := regexp.MustCompile(what + `: (\d+) image`).FindStringSubmatch(section)
			if m == nil {
				return 0
			}
			n, _ := strconv.Atoi(m[1])
			return n
		}
		if !found || count("Corrected") != corrected || count("Spoiled") != spoiled || strings.Count(section, "<img") != corrected+spoiled || strings.Count(section, "before: ") != corrected+spoiled {
			t.Errorf("%s: %d corrected and %d spoiled, want %d and %d in %s", title, count("Corrected"), count("Spoiled"), corrected, spoiled, section)
		}
	}
	if changes < 4 {
		t.Errorf("%d changes are too few to test", changes)
	}
	if n := strings.Count(page, `<th scope="row">ensemble</th>`); n != 2 {
		t.Errorf("the ensemble has %d lines in the results, want 2", n)
	}
}

// TestManyClasses has a thousand, of which the page has the most frequent confusions.
func TestManyClasses(t *testing.T) {
	files := map[string][]byte{}
	for i := range 1000 {
		files[fmt.Sprintf("class %03d/0.png", i)] = grey(t, i%256, 0)
	}
	for i := range 3 {
		files[fmt.Sprintf("class 700/%d.png", 1+i)] = grey(t, 10, 0)
	}
	set := open(t, filetree.Write(t, files))
	r := run(t, set, vision.Crops1, member("net", set, 0))
	folder := filepath.Join(t.TempDir(), "report")
	if err := gallery.Write(context.Background(), folder, r, gallery.Options{Set: set}); err != nil {
		t.Fatal(err)
	}
	page := written(t, folder)
	if strings.Contains(page, `class="matrix"`) || strings.Count(page, `<section class="pair"`) != 100 || strings.Count(page, `id="class-`) != 1000 {
		t.Errorf("%d pairs and %d classes", strings.Count(page, `<section class="pair"`), strings.Count(page, `id="class-`))
	}
	if first := page[strings.Index(page, `<section class="pair"`):]; !strings.HasPrefix(first, `<section class="pair" id="pair-700-1"`) {
		t.Errorf("the most frequent confusion is %s", first[:60])
	}
	if len(page) > 4<<20 {
		t.Errorf("the page has %d bytes", len(page))
	}
	for _, m := range regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if !strings.Contains(page, `id="`+m[1]+`"`) {
			t.Errorf("the link #%s leads nowhere", m[1])
		}
	}
}

// TestWithout has no photographs, no errors and an archive, whose photographs are no files.
func TestWithout(t *testing.T) {
	set := awkward(t)
	folder := filepath.Join(t.TempDir(), "report")
	if err := gallery.Write(context.Background(), folder, run(t, set, vision.Crops1, member("net", set, 0)), gallery.Options{}); err != nil {
		t.Fatal(err)
	}
	if page := written(t, folder); strings.Contains(page, "<img") || !strings.Contains(page, "The photographs are not on this page") || !strings.Contains(page, "100% #4?.png") {
		t.Errorf("without photographs the page is %s", page)
	}
	perfect := open(t, filetree.Write(t, map[string][]byte{"a/1.png": grey(t, 0, 0), "b/1.png": grey(t, 10, 0), "b/2.png": grey(t, 11, 0)}))
	if err := gallery.Write(context.Background(), folder, run(t, perfect, vision.Crops1, member("net", perfect, 0)), gallery.Options{Set: perfect}); err != nil {
		t.Fatal(err)
	}
	if page := written(t, folder); strings.Contains(page, "<img") || !strings.Contains(page, "every image is taken for its class") || !strings.Contains(page, "No temperature is fitted: the class of every image") {
		t.Errorf("without errors the page is %s", page)
	}
}

// TestNothingWritten leaves what was there.
func TestNothingWritten(t *testing.T) {
	root := filetree.Write(t, map[string][]byte{"a/1.png": grey(t, 20, 0), "b/1.png": grey(t, 0, 0)})
	set := open(t, root)
	r := run(t, set, vision.Crops1, member("net", set, 0))
	above := t.TempDir()
	folder := filepath.Join(above, "report")
	fails := func(o gallery.Options, want ...string) {
		t.Helper()
		wanted.Error(t, gallery.Write(context.Background(), folder, r, o), want...)
		if entries, err := os.ReadDir(above); err != nil || len(entries) > 0 {
			t.Errorf("there is %v, %v", entries, err)
		}
	}
	other := open(t, filetree.Write(t, map[string][]byte{"a/2.png": grey(t, 20, 0), "b/1.png": grey(t, 0, 0)}))
	fails(gallery.Options{Set: other}, "image 0 of the data is a/2.png", "a/1.png")
	fails(gallery.Options{Set: awkward(t)}, "20 images", "evaluated 2")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := gallery.Write(ctx, folder, r, gallery.Options{Set: set}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := os.WriteFile(filepath.Join(root, "b", "1.png"), []byte("no picture"), 0o666); err != nil {
		t.Fatal(err)
	}
	fails(gallery.Options{Set: set}, "b/1.png", "text")
	letter := filepath.Join(folder, "letter.txt")
	if err := errors.Join(os.Mkdir(folder, 0o777), os.WriteFile(letter, nil, 0o666)); err != nil {
		t.Fatal(err)
	}
	wanted.Error(t, gallery.Check(folder), "letter.txt", "name another")
	wanted.Error(t, gallery.Write(context.Background(), folder, r, gallery.Options{}), "letter.txt")
	if _, err := os.Stat(letter); err != nil {
		t.Error(err)
	}
}
