package server_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/browser"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/server"
	"github.com/seed-fb2c0fa6/inception/server/page"
)

// posted is a form as the page sends it.
func posted(t *testing.T, model, top string, files ...any) (body []byte, contentType string) {
	t.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	w.WriteField("model", model)
	w.WriteField("top", top)
	for i := 0; i < len(files); i += 2 {
		part, err := w.CreateFormFile("picture", files[i].(string))
		if err != nil {
			t.Fatal(err)
		}
		part.Write(files[i+1].([]byte))
	}
	w.Close()
	return form.Bytes(), w.FormDataContentType()
}

// TestPage has what the page answers without a script.
func TestPage(t *testing.T) {
	c := tiny(t)
	s := newServer(t, server.Options{Version: "1.2", MaxBody: 1 << 20}, model(t, "m", c, predict.BatcherOptions{}), model(t, "other", c, predict.BatcherOptions{}))
	w := ask(t, s, 200, "GET", "/", nil)
	for _, part := range []string{`<option value="m/1" selected>m</option>`, `<option value="other/1">other</option>`, "inception_resnet_v1", "75 × 75 pixels", "float32", "name 9", "inception 1.2"} {
		if !strings.Contains(w.Body.String(), part) {
			t.Errorf("the page should contain %q: %s", part, w.Body)
		}
	}
	if got := w.Header().Get("Content-Security-Policy"); got != page.Policy || strings.Contains(got, "unsafe") {
		t.Errorf("the policy is %q", got)
	}
	for _, foreign := range []string{"http:", "https:", "//", "style=", "onclick", "<script>"} {
		if strings.Contains(w.Body.String(), foreign) {
			t.Errorf("the page contains %q", foreign)
		}
	}
	for _, part := range strings.Split(w.Body.String(), `"`) {
		if strings.HasPrefix(part, "page/") {
			if a := ask(t, s, 200, "GET", "/"+part, nil); !strings.Contains(a.Header().Get("Cache-Control"), "immutable") || a.Body.Len() < 100 {
				t.Errorf("%s: %v, %d bytes", part, a.Header(), a.Body.Len())
			}
		}
	}
	ask(t, s, 404, "GET", "/page/none.css", nil)
	ask(t, s, 405, "DELETE", "/", nil)

	const awkward = `it's <b>"$x".png`
	body, kind := posted(t, "other", "3", "a.png", picture(t, 90, 80), awkward, []byte("no picture"))
	html := ask(t, s, 200, "POST", "/", body, "Content-Type", kind).Body.String()
	for _, part := range []string{
		`<option value="other/1" selected>other</option>`, `value="3"`, "90 × 80 pixels, other", `alt="What the network sees of a.png"`, `src="data:image/jpeg;base64,`,
		"curl --data-binary @a.png &#39;http://example.com/models/other/versions/1/classify?top=3&#39;", "it&#39;s &lt;b&gt;", "found text",
	} {
		if !strings.Contains(html, part) {
			t.Errorf("the results should contain %q: %s", part, html)
		}
	}
	if n := strings.Count(html, `<th scope="row">`); n != 3 {
		t.Errorf("%d classes, want 3", n)
	}
	html = ask(t, s, 200, "POST", "/results", body, "Content-Type", kind).Body.String()
	if !strings.HasPrefix(html, "<li") || strings.Count(html, "<li ") != 2 || strings.Contains(html, "<html") {
		t.Errorf("the results alone are %s", html)
	}

	for _, c := range []struct {
		model, top, want string
		status           int
		files            []any
	}{
		{"m", "5", "no pictures", 400, nil},
		{"x", "5", "no model", 404, []any{"a", []byte("a")}},
		{"m", "no", "top:", 400, []any{"a", []byte("a")}},
		{"m", "5", "limit of", 413, []any{"a", make([]byte, 1<<20)}},
	} {
		body, kind := posted(t, c.model, c.top, c.files...)
		if html := ask(t, s, c.status, "POST", "/", body, "Content-Type", kind).Body.String(); !strings.Contains(html, `role="alert"`) || !strings.Contains(html, c.want) {
			t.Errorf("the page should contain %q: %s", c.want, html)
		}
		ask(t, s, c.status, "POST", "/results", body, "Content-Type", kind)
	}
	ask(t, s, 403, "POST", "/results", body, "Content-Type", kind, "Sec-Fetch-Site", "cross-site")

	docs := ask(t, s, 200, "GET", "/docs", nil)
	for _, part := range []string{"/v1/models/{model}:predict", `<a href="#schema-Record">Record</a>`, "Retry-After", "tench"} {
		if !strings.Contains(docs.Body.String(), part) {
			t.Errorf("/docs should contain %q", part)
		}
	}
	if v := decode[map[string]any](t, ask(t, s, 200, "GET", "/openapi.json", nil)); v["openapi"] != "3.1.0" {
		t.Errorf("the description is of OpenAPI %v", v["openapi"])
	}
}

// TestBrowser uses the page in Chromium. INCEPTION_AXE names the file axe.min.js of axe-core,
// and INCEPTION_SCREENSHOTS a folder for pictures of the page.
func TestBrowser(t *testing.T) {
	p := browser.Open(t)
	c := tiny(t)
	s := newServer(t, server.Options{Version: "1.2"}, model(t, "first", c, predict.BatcherOptions{}), model(t, "second", c, predict.BatcherOptions{}))
	listening := httptest.NewServer(s)
	defer listening.Close()
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	a, b, wrong := write("a.png", picture(t, 90, 80)), write("b.png", picture(t, 60, 120)), write("wrong.png", []byte("no picture"))
	results := func(n int) string {
		t.Helper()
		p.Await(fmt.Sprintf(`document.querySelectorAll(".result[data-said]").length === %d`, n))
		var text string
		p.Evaluate(`document.getElementById("list").innerText`, &text)
		return text
	}
	sound := func() {
		t.Helper()
		if broken := p.Broken(); len(broken) > 0 {
			t.Errorf("the page's console has %s", broken)
		}
	}

	p.Go(listening.URL)
	p.Choose("#pictures", a, wrong)
	text := results(2)
	for _, part := range []string{"a.png", "90 × 80 pixels, first", "wrong.png", "found text", "curl --data-binary @a.png"} {
		if !strings.Contains(text, part) {
			t.Errorf("chosen: %q should contain %q", text, part)
		}
	}
	p.Await(`document.getElementById("status").textContent.includes("All 2 pictures done")`)
	p.Evaluate(`(() => { const m = document.getElementById("model"); m.value = "second/1"; m.dispatchEvent(new Event("change")); })()`, nil)
	p.Drop("#zone", b)
	if text := results(3); !strings.Contains(text, "60 × 120 pixels, second") {
		t.Errorf("dropped: %q", text)
	}
	p.Evaluate(`(async () => {
		const data = new DataTransfer();
		const canvas = new OffscreenCanvas(40, 30);
		canvas.getContext("2d").fillRect(0, 0, 20, 20);
		data.items.add(new File([await canvas.convertToBlob()], "pasted.png", {type: "image/png"}));
		document.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
	})()`, nil)
	if text := results(4); !strings.Contains(text, "pasted.png") || !strings.Contains(text, "40 × 30") {
		t.Errorf("pasted: %q", text)
	}
	var seen bool
	if p.Evaluate(`[...document.querySelectorAll(".result img")].every(i => i.complete && i.naturalWidth > 0)`, &seen); !seen {
		t.Error("a picture is not shown")
	}
	sound()
	p.Look(t, "script")

	// The same by keyboard alone, without the script.
	p.Call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	p.Go(listening.URL)
	p.Choose("#pictures", a, wrong)
	p.Evaluate(`document.getElementById("pictures").focus()`, nil)
	var stops []string
	for range 3 {
		p.Press("Tab")
		var id string
		p.Evaluate(`document.activeElement.id`, &id)
		stops = append(stops, id)
	}
	if want := []string{"model", "top", "go"}; !slices.Equal(stops, want) {
		t.Errorf("the tabulator goes to %q, want %q", stops, want)
	}
	p.AwaitLoad(func() { p.Press("Enter") })
	text = results(2)
	for _, part := range []string{"90 × 80 pixels, first", "wrong.png", "found text"} {
		if !strings.Contains(text, part) {
			t.Errorf("by the form: %q should contain %q", text, part)
		}
	}
	sound()
	p.LookWithoutScripts(t, "form")
	p.Call("Emulation.setScriptExecutionDisabled", map[string]any{"value": false}, nil)
	p.Go(listening.URL + "/docs")
	sound()
	p.Look(t, "docs")

	// A server that has gone is an error of the picture, not a wait without end.
	p.Go(listening.URL)
	listening.Close()
	p.Drop("#zone", a)
	p.Await(`document.getElementById("list").innerText.includes("the server does not answer")`)
}
