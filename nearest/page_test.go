package nearest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/browser"
	"github.com/seed-fb2c0fa6/inception/nearest"
	"github.com/seed-fb2c0fa6/inception/vision"
)

func thumbnail(t *testing.T, width, height int) *nearest.Thumbnail {
	t.Helper()
	m := &vision.Image{Width: width, Height: height, Pix: make([]uint8, 3*width*height)}
	for i := range m.Pix {
		m.Pix[i] = uint8(i / 7)
	}
	thumbnail, err := nearest.NewThumbnail(m)
	if err != nil {
		t.Fatal(err)
	}
	return thumbnail
}

// writePage writes a page with all that a page may have.
func writePage(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "index.html")
	err := nearest.WritePage(path, "Neighbours", "The photographs of a <folder>.", func(add func(nearest.Entry) error) error {
		entries := []nearest.Entry{
			{Title: "cat.jpg", Given: &nearest.Figure{Name: "cat.jpg", Detail: "600 x 400", Thumbnail: thumbnail(t, 600, 400)}, Figures: []nearest.Figure{
				{Name: "photos/" + strings.Repeat("long", 20) + ".jpg", Value: "0.9312", Detail: "30 x 900", Thumbnail: thumbnail(t, 30, 900)},
				{Name: "photos/gone.jpg", Value: "0.9112"},
			}},
			{Title: "bad.jpg", Error: "it is <text>"},
		}
		for _, e := range entries {
			if err := add(e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPage(t *testing.T) {
	data, err := os.ReadFile(writePage(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"a &lt;folder&gt;", `width="192" height="128"`, `width="6" height="192"`, "not read", "it is &lt;text&gt;", "0.9312", "data:image/jpeg;base64,", "</html>"} {
		if !strings.Contains(string(data), part) {
			t.Errorf("the page should contain %q", part)
		}
	}
}

// TestBrowser looks at the page in Chromium.
func TestBrowser(t *testing.T) {
	p := browser.Open(t)
	p.Go("file://" + writePage(t))
	if broken := p.Broken(); len(broken) > 0 {
		t.Errorf("the page's console has %s", broken)
	}
	p.Look(t, "nearest")
}
