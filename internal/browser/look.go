package browser

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Look looks at the page as people have it: light and dark, wide and narrow. Nothing may be
// wider than the window, and axe-core, if INCEPTION_AXE names its axe.min.js, may find nothing
// wrong for those who use it by other means than eyes and mouse; without it the test is skipped
// at its end. INCEPTION_SCREENSHOTS names a folder for pictures of the page.
func (p *Page) Look(t *testing.T, name string) {
	t.Helper()
	p.look(t, name, true)
}

// LookWithoutScripts is Look for a page that may run none, which leaves axe-core out.
func (p *Page) LookWithoutScripts(t *testing.T, name string) {
	t.Helper()
	p.look(t, name, false)
}

func (p *Page) look(t *testing.T, name string, scripts bool) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		axe := os.Getenv("INCEPTION_AXE")
		if scripts && axe != "" {
			source, err := os.ReadFile(axe)
			if err != nil {
				t.Fatal(err)
			}
			p.Evaluate(string(source), nil)
		}
		for _, width := range []int{1000, 360} {
			for _, scheme := range []string{"light", "dark"} {
				picture := p.Screenshot(width, scheme)
				if dir := os.Getenv("INCEPTION_SCREENSHOTS"); dir != "" {
					if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%s-%d.png", name, scheme, width)), picture, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				var beyond int
				if p.Evaluate(`document.documentElement.scrollWidth - document.documentElement.clientWidth`, &beyond); beyond > 0 {
					t.Errorf("%s, %d pixels wide: the page is %d pixels wider", scheme, width, beyond)
				}
				if !scripts || axe == "" {
					continue
				}
				var text string
				p.Evaluate(`axe.run().then(r => JSON.stringify(r.violations.map(v => ({id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.map(n => n.html)}))))`, &text)
				var violations []struct {
					ID, Impact, Help string
					Nodes            []string
				}
				if err := json.Unmarshal([]byte(text), &violations); err != nil {
					t.Fatal(err)
				}
				for _, v := range violations {
					t.Errorf("%s, %d pixels wide: %s (%s): %s: %s", scheme, width, v.ID, v.Impact, v.Help, v.Nodes)
				}
			}
		}
		if scripts && axe == "" {
			t.Skip("INCEPTION_AXE names no axe.min.js, so that accessibility is not checked")
		}
	})
}
