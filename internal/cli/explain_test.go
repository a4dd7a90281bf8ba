package cli_test

import (
	"encoding/json"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/cli"
)

// TestExplain explains good and bad photographs, of names that are no names of files and, but
// for their folders, the same.
func TestExplain(t *testing.T) {
	w, folder := tiny(t), t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	a := writeFile(t, filepath.Join(folder, "a <b>.png"), pngFile(t, 120, 90))
	bad := writeFile(t, filepath.Join(folder, "bad.jpg"), []byte("this is text"))
	c := writeFile(t, filepath.Join(folder, "sub", "a <b>.png"), pngFile(t, 80, 100))
	labels := writeFile(t, filepath.Join(folder, "labels.txt"), []byte("n01\tfirst, one\nn02\tsecond, one\nn03\tthird\n"))
	to := filepath.Join(folder, "new", "explained")
	out, errOut := run(t, cli.Failed, "explain", "--weights", w, "--size", "139", "--labels", labels, "--class", "Third", "--out", to, a, bad, c)
	contains(t, errOut, "bad.jpg: ", "1 of 3 images failed")
	contains(t, out, filepath.Join(to, "1-a__b_.png"), "third", "index.html")
	data, err := os.ReadFile(filepath.Join(to, "maps.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	if len(lines) != 3 || !strings.Contains(lines[1], `"error"`) {
		t.Fatalf("the maps are %s", data)
	}
	var last struct {
		File           string
		Index          int
		Parts          []struct{ Value float64 }
		Map            [][]float64
		Picture, Array string
	}
	if err := json.Unmarshal([]byte(lines[2]), &last); err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, row := range last.Map {
		for _, v := range row {
			sum += v
		}
	}
	if last.File != c || last.Index != 2 || len(last.Map) != 3 || len(last.Parts) != 2 || math.Abs(sum/9-last.Parts[0].Value) > 1e-6 {
		t.Errorf("the last is %+v", last)
	}
	f, err := os.Open(filepath.Join(to, last.Picture))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := png.Decode(f); err != nil {
		t.Error(err)
	}
	if array, err := os.ReadFile(filepath.Join(to, last.Array)); err != nil || !strings.Contains(string(array), "'shape': (3, 3)") {
		t.Errorf("the array is %q, %v", array, err)
	}
	page, err := os.ReadFile(filepath.Join(to, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	contains(t, string(page), "a &lt;b&gt;.png", "data:image/png;base64,", "Not read", "n03", "</html>")
	for class, want := range map[string][]string{
		"3": {"--class 3", "0 to 2"}, "one": {"the classes [0 1]"}, "seco": {`no class`, `"second, one"`}, "-1": {"0 to 2"},
	} {
		_, errOut := run(t, cli.Usage, "explain", "--weights", w, "--size", "75", "--labels", labels, "--class", class, "--out", to, a)
		contains(t, errOut, want...)
	}
	_, errOut = run(t, cli.Usage, "explain", "--weights", w, "--size", "75", "--class", "third", "--out", to, a)
	contains(t, errOut, "no names of classes", "--labels")
}

// TestExplainMethods explains by each method, and refuses the options of others.
func TestExplainMethods(t *testing.T) {
	w, folder := tiny(t), t.TempDir()
	a, b := writeFile(t, filepath.Join(folder, "a.png"), pngFile(t, 120, 90)), writeFile(t, filepath.Join(folder, "b.png"), pngFile(t, 75, 80))
	line := func(method string, flags ...string) (l explainedLine, out, errOut string) {
		t.Helper()
		to := filepath.Join(folder, method)
		out, errOut = run(t, cli.Done, append([]string{"explain", "--weights", w, "--size", "107", "--method", method, "--class", "1", "--out", to, a, b}, flags...)...)
		data, err := os.ReadFile(filepath.Join(to, "maps.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		var all []explainedLine
		for text := range strings.Lines(string(data)) {
			var l explainedLine
			if err := json.Unmarshal([]byte(text), &l); err != nil {
				t.Fatal(err)
			}
			all = append(all, l)
		}
		if len(all) != 2 || all[0].Index != 1 {
			t.Fatalf("%s: %d lines, of class %d", method, len(all), all[0].Index)
		}
		return all[0], out, errOut
	}
	for method, c := range map[string]struct {
		flags []string
		side  int
	}{
		"cam":                  {nil, 2},
		"grad-cam":             {[]string{"--layer", "Mixed_6a", "--precision", "auto"}, 5},
		"occlusion":            {[]string{"--window", "40", "--stride", "40", "--baseline", "white", "--precision", "bfloat16"}, 107},
		"integrated-gradients": {[]string{"--baseline", "grey", "--steps", "3"}, 107},
		"smoothgrad":           {[]string{"--samples", "3", "--noise", "0.2", "--seed", "4", "--batch", "2"}, 107},
	} {
		l, out, errOut := line(method, c.flags...)
		if len(l.Map) != c.side || len(l.Map[0]) != c.side {
			t.Errorf("%s: a map of %d x %d", method, len(l.Map), len(l.Map[0]))
		}
		sum := 0.0
		for _, p := range l.Parts {
			sum += p.Value
		}
		if (l.Parts != nil) != (method == "cam" || method == "integrated-gradients") || l.Parts != nil && math.Abs(sum-l.Logit) > 1e-5 {
			t.Errorf("%s: the parts of %g are %+v", method, l.Logit, l.Parts)
		}
		complete := method == "integrated-gradients"
		if strings.Contains(out, "% left over  ") != complete || !complete && strings.Contains(errOut, "left over") {
			t.Errorf("%s: %s%s", method, out, errOut)
		}
	}
	for flags, want := range map[string][]string{
		"--method magic":                                  {`"magic"`, "cam, grad-cam, occlusion"},
		"--method cam --layer Mixed_6a":                   {"cam has no --layer", "grad-cam", "leave it out"},
		"--method grad-cam --steps 3":                     {"grad-cam has no --steps", "integrated-gradients"},
		"--method smoothgrad --baseline black":            {"smoothgrad has no --baseline", "occlusion or integrated-gradients"},
		"--window 3":                                      {"--window needs --method occlusion"},
		"--method occlusion --window 0":                   {"--window must be at least 1, found 0"},
		"--method integrated-gradients --steps 0":         {"--steps must be at least 1, found 0"},
		"--method integrated-gradients --baseline orange": {"--baseline", "black, grey, white", `"orange"`},
		"--method smoothgrad --noise 0":                   {"--noise must be in (0,1]", "found 0"},
		"--method smoothgrad --samples 0":                 {"--samples must be at least 1"},
	} {
		_, errOut := run(t, cli.Usage, append([]string{"explain", "--weights", w, a}, strings.Fields(flags)...)...)
		contains(t, errOut, want...)
	}
	for flags, want := range map[string][]string{
		"--method grad-cam --layer PreLogits":        {"--method grad-cam", `"PreLogits"`, "Mixed_7"},
		"--method occlusion --window 200":            {"from 1 to 107", "200"},
		"--method occlusion --window 20 --stride 30": {"no gaps", "30"},
		"--method smoothgrad --precision bfloat16":   {"bfloat16", "float32", "occlusion"},
	} {
		_, errOut := run(t, cli.Failed, append([]string{"explain", "--weights", w, "--size", "107", "--out", filepath.Join(folder, "none"), a}, strings.Fields(flags)...)...)
		contains(t, errOut, want...)
	}
	w = tinyOf(t, "inception_v4", arch.Options{Head: &arch.Head{Pooling: arch.PoolMax}})
	_, errOut := run(t, cli.Done, "explain", "--weights", w, "--size", "107", "--out", filepath.Join(folder, "max"), a)
	contains(t, errOut, "explaining by grad-cam", "largest value")
	_, errOut = run(t, cli.Failed, "explain", "--weights", w, "--size", "107", "--method", "cam", "--out", filepath.Join(folder, "max"), a)
	contains(t, errOut, "average pooling and one dense layer", "Grad-CAM")
}

type explainedLine struct {
	Index int
	Logit float64
	Parts []struct {
		Name  string
		Value float64
	}
	Map [][]float64
}
