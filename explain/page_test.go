package explain_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/explain"
	"github.com/seed-fb2c0fa6/inception/internal/browser"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// writePage writes a page of two photographs and one that cannot be read.
func writePage(t *testing.T) string {
	t.Helper()
	c := classifierOf(t, "inception_v3", small(5), predict.Config{Size: 107})
	method := explain.IntegratedGradients{Steps: 1} // which leaves much over
	e, err := explain.Open(t.Context(), c, method)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "page.html")
	about := explain.About{Network: "inception_v3", Weights: "a & b.safetensors", Photographs: 3, Meaning: e.Meaning()}
	err = explain.WritePage(path, about, func(add func(explain.Entry) error) error {
		for i, x := range explained(t, c, method, explain.MostLikely, picture(1, 150, 160), &vision.Image{Width: 80, Height: 90, Pix: make([]uint8, 3*80*90)}) {
			drawn, err := explain.Draw(x.Crop, x.Map)
			if err != nil {
				t.Fatal(err)
			}
			entry := explain.Entry{
				Name: fmt.Sprintf("photos/<%d>-%s.jpg", i, strings.Repeat("long", 30)), Picture: drawn, Class: x.Class.Label, Synset: "n01440764",
				Probability: x.Class.Probability, Logit: float64(x.Class.Logit), Place: x.Place, Classes: 5, Parts: x.Parts,
			}
			if err := add(entry); err != nil {
				return err
			}
		}
		return add(explain.Entry{Name: "bad.jpg", Error: "bad.jpg: found text"})
	})
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPage expects a page to say what a logit is made of, and what the steps leave over, but not
// of a photograph that is the baseline, which has no difference to miss.
func TestPage(t *testing.T) {
	data, err := os.ReadFile(writePage(t))
	if err != nil {
		t.Fatal(err)
	}
	for part, times := range map[string]int{
		"Integrated gradients from black, steps: 1": 1, "arXiv 1703.01365": 1, "sum of the map": 2, "of the difference is left over": 1, "Not read": 1,
		"&lt;0&gt;-": 2, "a &amp; b.safetensors": 1, "data:image/png;base64,": 2, "blue where it speaks against it": 1,
	} {
		if found := strings.Count(string(data), part); found != times {
			t.Errorf("%q is there %d times, want %d", part, found, times)
		}
	}
}

// TestPageInBrowser looks at the page in Chromium (browser.Page.Look).
func TestPageInBrowser(t *testing.T) {
	p := browser.Open(t)
	p.Go("file://" + writePage(t))
	if broken := p.Broken(); len(broken) > 0 {
		t.Errorf("the page's console has %s", broken)
	}
	p.Look(t, "explain")
}
