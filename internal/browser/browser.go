// Package browser drives Chromium in tests, by the DevTools protocol over pipes
// (chromedevtools.github.io/devtools-protocol).
package browser

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for the browser.
const patience = 30 * time.Second

// A Page is a tab.
type Page struct {
	t       testing.TB
	to      io.Writer
	session string

	mu      sync.Mutex
	last    int
	answers map[int]chan message
	loaded  chan struct{}
	broken  []string // exceptions and refusals that the page's console has
}

type message struct {
	ID      int             `json:"id"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
	Session string          `json:"sessionId"`
	Result  json.RawMessage `json:"result"`
	Error   *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// program finds Chromium: what INCEPTION_BROWSER names, or a usual name.
func program() (string, error) {
	if file := os.Getenv("INCEPTION_BROWSER"); file != "" {
		return exec.LookPath(file)
	}
	for _, name := range []string{"chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"} {
		if file, err := exec.LookPath(name); err == nil {
			return file, nil
		}
	}
	return "", errors.New("there is no Chromium; INCEPTION_BROWSER may name it")
}

// Open starts a browser with an empty page; the test is skipped where there is none.
func Open(t testing.TB) *Page {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the browser is driven by pipes, which a process of Windows does not inherit from Go")
	}
	file, err := program()
	if err != nil {
		t.Skip(err)
	}
	profile, err := os.MkdirTemp("", "browser")
	if err != nil {
		t.Fatal(err)
	}
	arguments := []string{
		"--headless", "--remote-debugging-pipe", "--user-data-dir=" + profile, "--no-first-run", "--disable-gpu", "--disable-extensions",
		"--disable-background-networking", "--hide-scrollbars", "--force-color-profile=srgb",
	}
	if os.Geteuid() == 0 {
		arguments = append(arguments, "--no-sandbox") // which root cannot have
	}
	in, toBrowser, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	fromBrowser, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd := exec.Command(file, arguments...)
	cmd.ExtraFiles = []*os.File{in, out} // descriptors 3 and 4
	cmd.Stderr = &stderr
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in.Close()
	out.Close()
	p := &Page{t: t, to: toBrowser, answers: map[int]chan message{}, loaded: make(chan struct{}, 1)}
	go p.read(fromBrowser)
	t.Cleanup(func() {
		_ = p.call("Browser.close", nil, nil)
		toBrowser.Close()
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
		fromBrowser.Close()
		_ = os.RemoveAll(profile)
	})
	var target struct {
		TargetID string `json:"targetId"`
	}
	if err := p.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target); err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	var attached struct {
		SessionID string `json:"sessionId"`
	}
	p.Call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	p.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "DOM", "Log"} {
		p.Call(domain+".enable", nil, nil)
	}
	return p
}

// read takes the browser's messages, each of which ends with a zero.
func (p *Page) read(from io.Reader) {
	r := bufio.NewReader(from)
	for {
		text, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(text[:len(text)-1], &m) != nil {
			continue
		}
		p.mu.Lock()
		if answer, ok := p.answers[m.ID]; ok && m.ID != 0 {
			answer <- m
			delete(p.answers, m.ID)
		}
		switch m.Method {
		case "Page.loadEventFired":
			select {
			case p.loaded <- struct{}{}:
			default:
			}
		case "Runtime.exceptionThrown", "Log.entryAdded":
			p.broken = append(p.broken, string(m.Params))
		}
		p.mu.Unlock()
	}
}

func (p *Page) call(method string, params, result any) error {
	answer := make(chan message, 1)
	p.mu.Lock()
	p.last++
	id := p.last
	p.answers[id] = answer
	request := map[string]any{"id": id, "method": method}
	if params != nil {
		request["params"] = params
	}
	if p.session != "" && !strings.HasPrefix(method, "Browser.") {
		request["sessionId"] = p.session
	}
	text, err := json.Marshal(request)
	if err == nil {
		_, err = p.to.Write(append(text, 0))
	}
	p.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case m := <-answer:
		if m.Error != nil {
			return fmt.Errorf("%s: %s", method, m.Error.Message)
		}
		if result == nil {
			return nil
		}
		return json.Unmarshal(m.Result, result)
	case <-time.After(patience):
		return fmt.Errorf("%s: the browser does not answer", method)
	}
}

// Call calls a method of the protocol.
func (p *Page) Call(method string, params, result any) {
	p.t.Helper()
	if err := p.call(method, params, result); err != nil {
		p.t.Fatal(err)
	}
}

// Go opens a URL and waits until it is loaded.
func (p *Page) Go(url string) {
	p.t.Helper()
	p.AwaitLoad(func() { p.Call("Page.navigate", map[string]any{"url": url}, nil) })
}

// AwaitLoad waits for the page that something opens.
func (p *Page) AwaitLoad(open func()) {
	p.t.Helper()
	select {
	case <-p.loaded:
	default:
	}
	open()
	select {
	case <-p.loaded:
	case <-time.After(patience):
		p.t.Fatal("the page does not load")
	}
}

// Evaluate evaluates an expression in the page, waits where it is a promise, and stores its
// value.
func (p *Page) Evaluate(expression string, value any) {
	p.t.Helper()
	var result struct {
		Result struct {
			Value json.RawMessage
		}
		ExceptionDetails json.RawMessage
	}
	p.Call("Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true}, &result)
	if result.ExceptionDetails != nil {
		p.t.Fatalf("%s: %s", expression, result.ExceptionDetails)
	}
	if value == nil || result.Result.Value == nil {
		return
	}
	if err := json.Unmarshal(result.Result.Value, value); err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
}

// Await waits until an expression is true in the page.
func (p *Page) Await(expression string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		var is bool
		if p.Evaluate("!!("+expression+")", &is); is {
			return
		}
		select {
		case <-ctx.Done():
			var body string
			p.Evaluate("document.body.innerText", &body)
			p.t.Fatalf("%s does not become true on the page: %s", expression, body)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Choose puts files into the file input that a selector finds, as a person chooses them.
func (p *Page) Choose(selector string, files ...string) {
	p.t.Helper()
	var document struct{ Root struct{ NodeID int } }
	p.Call("DOM.getDocument", map[string]any{"depth": 1}, &document)
	var found struct{ NodeID int }
	p.Call("DOM.querySelector", map[string]any{"nodeId": document.Root.NodeID, "selector": selector}, &found)
	p.Call("DOM.setFileInputFiles", map[string]any{"nodeId": found.NodeID, "files": files}, nil)
}

// Drop drags files over the middle of what a selector finds, and drops them there.
func (p *Page) Drop(selector string, files ...string) {
	p.t.Helper()
	var at struct{ X, Y float64 }
	p.Evaluate(fmt.Sprintf(`(() => { const r = document.querySelector(%q).getBoundingClientRect(); return {x: r.x + r.width / 2, y: r.y + r.height / 2}; })()`, selector), &at)
	data := map[string]any{"items": []any{}, "files": files, "dragOperationsMask": 1}
	for _, kind := range []string{"dragEnter", "dragOver", "drop"} {
		p.Call("Input.dispatchDragEvent", map[string]any{"type": kind, "x": at.X, "y": at.Y, "data": data}, nil)
	}
}

// Press presses and releases a key, such as "Tab" or "Enter".
func (p *Page) Press(key string) {
	p.t.Helper()
	codes := map[string]int{"Tab": 9, "Enter": 13}
	params := map[string]any{"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
	if key == "Enter" {
		params["text"] = "\r"
	}
	p.Call("Input.dispatchKeyEvent", params, nil)
	params["type"] = "keyUp"
	delete(params, "text")
	p.Call("Input.dispatchKeyEvent", params, nil)
}

// Screenshot returns a PNG of the whole page as it is seen in a window of the width, in
// "light" or "dark".
func (p *Page) Screenshot(width int, scheme string) []byte {
	p.t.Helper()
	p.Call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
	p.Call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false}, nil)
	var shot struct{ Data string }
	p.Call("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true}, &shot)
	data, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		p.t.Fatal(err)
	}
	return data
}

// Broken returns what the page's console has of exceptions, and of requests that failed or
// were refused, since the last call.
func (p *Page) Broken() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	broken := p.broken
	p.broken = nil
	return broken
}
