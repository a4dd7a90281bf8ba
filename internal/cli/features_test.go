package cli_test

import (
	"bufio"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/cli"
)

// TestFeatures prints and writes features of good and bad photographs.
func TestFeatures(t *testing.T) {
	w, folder := tiny(t), t.TempDir()
	a := writeFile(t, filepath.Join(folder, "a.png"), pngFile(t, 120, 90))
	b := writeFile(t, filepath.Join(folder, "b.jpg"), []byte("this is text"))
	c := writeFile(t, filepath.Join(folder, "c.png"), pngFile(t, 80, 100))
	out, errOut := run(t, cli.Failed, "features", "--weights", w, "--size", "75", "--batch", "2", "--l2", a, b, c)
	contains(t, errOut, "b.jpg: ", "1 of 3 images failed")
	var files []string
	for lines := bufio.NewScanner(strings.NewReader(out)); lines.Scan(); {
		var row struct {
			File     string
			Width    int
			Error    string
			Features []float64
		}
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		files = append(files, row.File)
		squares := 0.0
		for _, v := range row.Features {
			squares += v * v
		}
		if (row.File == b) != (row.Error != "") || row.File != b && (math.Abs(squares-1) > 1e-5 || row.Width == 0) {
			t.Errorf("%s has %d features of length %g, error %q", row.File, len(row.Features), math.Sqrt(squares), row.Error)
		}
	}
	if len(files) != 3 || files[0] != a || files[2] != c {
		t.Errorf("rows are of %q", files)
	}
	npy := filepath.Join(folder, "x.npy")
	out, _ = run(t, cli.Done, "features", "--weights", w, "--size", "75", "--layer", "Mixed_7a", "--out", npy, a, c)
	data, err := os.ReadFile(npy)
	if err != nil || out != "" {
		t.Fatal(out, err)
	}
	contains(t, string(data[:128]), "'shape': (2, 1, 1, ")
	if _, err := os.Stat(npy + ".json"); err != nil {
		t.Error(err)
	}
	projected := filepath.Join(folder, "projected")
	out, _ = run(t, cli.Done, "features", "--weights", w, "--size", "75", "--projector", projected, a, c)
	metadata, err := os.ReadFile(filepath.Join(projected, "metadata.tsv"))
	if err != nil || out != "" {
		t.Fatal(out, err)
	}
	contains(t, string(metadata), "a.png\t"+filepath.Base(folder), "c.png\t"+filepath.Base(folder))
	_, errOut = run(t, cli.Usage, "features", "--weights", w, "--layer", "Mixed_9", a)
	contains(t, errOut, `"Mixed_9"`, "global_pool", "Mixed_7a")
	_, errOut = run(t, cli.Usage, "features", "--weights", w, "--out", "x.txt", a)
	contains(t, errOut, "--out", `".txt"`, ".npy")
	missing := filepath.Join(folder, "missing.npy")
	_, errOut = run(t, cli.Failed, "features", "--weights", w, "--size", "75", "--out", missing, b)
	contains(t, errOut, "no photograph has features")
	if _, err := os.Stat(missing); err == nil {
		t.Error("a file without rows is there")
	}
}
