package gallery_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/seed-fb2c0fa6/inception/evaluate/gallery"
	"github.com/seed-fb2c0fa6/inception/internal/browser"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// TestBrowser looks at a page in Chromium, and uses it without a mouse.
func TestBrowser(t *testing.T) {
	p := browser.Open(t)
	set := awkward(t)
	one, two := member("one", set, 0.4), member("two", set, -1)
	folder := filepath.Join(t.TempDir(), "report")
	r := run(t, set, vision.Crops12, one, two)
	if err := gallery.Write(context.Background(), folder, r, gallery.Options{Data: "photos", Set: set, Single: run(t, set, vision.Crops1, one, two)}); err != nil {
		t.Fatal(err)
	}
	page := "file://" + filepath.ToSlash(filepath.Join(folder, gallery.Page))
	shown := `[...document.querySelectorAll(".pair")].filter(s => s.checkVisibility()).map(s => s.id).join()`
	var text string
	for _, scripts := range []bool{false, true} {
		p.Call("Emulation.setScriptExecutionDisabled", map[string]any{"value": !scripts}, nil)
		p.Go(page)
		if p.Evaluate(shown, &text); text != "" {
			t.Errorf("at first %s is shown", text)
		}
		var href string
		p.Evaluate(`(() => { const a = document.querySelector(".matrix a"); a.focus(); return a.getAttribute("href"); })()`, &href)
		p.Press("Enter")
		p.Await(`location.hash === "` + href + `"`)
		if p.Evaluate(shown, &text); "#"+text != href {
			t.Errorf("after %s, %s is shown", href, text)
		}
		p.Await(`[...document.querySelectorAll(".pair:target img")].every(i => i.naturalWidth > 0) && document.querySelector(".pair:target img")`)
	}
	p.Evaluate(`for (const d of document.querySelectorAll("details")) d.open = true`, nil)
	classes := `[...document.querySelectorAll(".sortable tbody th")].map(c => c.textContent).join()`
	for _, want := range []string{"<i>eel,a & b,cat,dög", "dög,cat,a & b,<i>eel"} {
		p.Evaluate(`document.querySelector(".sortable button").click()`, nil)
		if p.Evaluate(classes, &text); text != want {
			t.Errorf("sorted by name the classes are %s, want %s", text, want)
		}
	}
	p.Look(t, "gallery")
	if broken := p.Broken(); len(broken) > 0 {
		t.Errorf("the page's console has %s", broken)
	}
}
