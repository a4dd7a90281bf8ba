package cli_test

import (
	"encoding/json"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
		Mean           float64
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
	if last.File != c || last.Index != 2 || len(last.Map) != 3 || math.Abs(sum/9-last.Mean) > 1e-6 {
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
