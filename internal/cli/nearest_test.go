package cli_test

import (
	"encoding/json"
	"image/color"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/cli"
	"github.com/seed-fb2c0fa6/inception/internal/pictures"
)

// striped is a picture with stripes of a width.
func striped(t *testing.T, side, width int) []byte {
	t.Helper()
	return pictures.PNG(t, pictures.Draw(side, side, func(x, y int) color.NRGBA {
		return color.NRGBA{uint8(x / width % 2 * 255), uint8(y / width % 2 * 200), uint8(width * 9), 255}
	}))
}

// TestNearest indexes a folder, asks it, and finds its duplicates.
func TestNearest(t *testing.T) {
	w, above := tiny(t), t.TempDir()
	photos := filepath.Join(above, "photos")
	if err := os.MkdirAll(filepath.Join(photos, "sub"), 0o777); err != nil {
		t.Fatal(err)
	}
	a := writeFile(t, filepath.Join(photos, "a.png"), striped(t, 90, 3))
	b := writeFile(t, filepath.Join(photos, "b.png"), striped(t, 90, 11))
	c := writeFile(t, filepath.Join(photos, "sub", "c.png"), striped(t, 90, 3))
	index := filepath.Join(above, "photos.index.safetensors")

	out, _ := run(t, cli.Done, "nearest", photos, "--weights", w, "--size", "75", "--batch", "2")
	contains(t, out, index+": 3 photographs, 3 computed, 0 moved, 0 removed")
	// The index says the weights and the size.
	out, errOut := run(t, cli.Done, "nearest", photos, b, "--top", "2", "--json", "--report", filepath.Join(above, "page"))
	contains(t, errOut, "3 photographs, 0 computed")
	var answers []struct {
		File       string
		Neighbours []struct {
			File       string
			Similarity float64
			Width      int
		}
	}
	if err := json.Unmarshal([]byte(out), &answers); err != nil {
		t.Fatal(err)
	}
	if len(answers) != 1 || answers[0].File != b || len(answers[0].Neighbours) != 2 || answers[0].Neighbours[0].File != b ||
		answers[0].Neighbours[0].Similarity < 0.9999 || answers[0].Neighbours[1].File != a || answers[0].Neighbours[1].Width != 90 {
		t.Errorf("answered %s", out)
	}
	page, err := os.ReadFile(filepath.Join(above, "page", "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	contains(t, string(page), "Neighbours", "data:image/jpeg;base64,", "a.png", "</html>")

	out, _ = run(t, cli.Done, "nearest", photos, "--duplicates", "--threshold", "1")
	contains(t, out, a, c, "same bytes", "1 groups of duplicates, 2 of 3 photographs")

	// Standard input, an index in place of its folder, a distance.
	stdout, _ := runWith(t, striped(t, 90, 3), cli.Done, "nearest", index, "-", "--metric", "euclidean", "--top", "1")
	contains(t, stdout, "-  90 x 90", "0.0000  "+a)

	// A bad photograph is named, and the rest is answered.
	bad := writeFile(t, filepath.Join(photos, "d.jpg"), []byte("this is text"))
	out, errOut = run(t, cli.Failed, "nearest", photos, b, bad, "--top", "1")
	contains(t, out, bad, "error", "1.0000  "+b)
	contains(t, errOut, "d.jpg", "2 of 6 images failed")

	other := tiny(t)
	_, errOut = run(t, cli.Failed, "nearest", photos, b, "--weights", other+"x")
	contains(t, errOut, other+"x")
	for want, args := range map[string][]string{
		"FOLDER or INDEX":     {},
		"no nothing":          {"nothing"},
		"--metric":            {photos, a, "--metric", "cos"},
		"--threshold must be": {photos, "--duplicates", "--threshold", "1.5"},
		"--duplicates, which": {photos, a, "--threshold", "0.5"},
		"those of the folder": {photos, a, "--duplicates"},
		"--report shows":      {photos, "--report", above},
		"searched as it is":   {index},
		"--index is for":      {index, a, "--index", index},
	} {
		code := cli.Usage
		if want == "no nothing" {
			code = cli.Failed
		}
		_, errOut := run(t, code, append([]string{"nearest"}, args...)...)
		contains(t, errOut, want)
	}
	_, errOut = run(t, cli.Failed, "nearest", photos, b, "--size", "80")
	contains(t, errOut, index, "preprocessing", `"size":75`, "another index")
	stored := filepath.Join(above, "stored.safetensors")
	run(t, cli.Done, "features", "--weights", w, "--size", "75", "--out", stored, a, b)
	out, _ = run(t, cli.Done, "nearest", stored, b, "--top", "1")
	contains(t, out, "1.0000  "+b)
	_, errOut = run(t, cli.Failed, "nearest", photos, b, "--index", stored)
	contains(t, errOut, stored, "is a file of features", "--index")
	_, errOut = run(t, cli.Failed, "nearest", w, b)
	contains(t, errOut, w, "one of weights", "inception features")
}

// TestNearestOtherWeights refuses an index of other weights, though their file has the same name.
func TestNearestOtherWeights(t *testing.T) {
	w, photos := tiny(t), t.TempDir()
	a := writeFile(t, filepath.Join(photos, "a.png"), striped(t, 90, 3))
	index := filepath.Join(t.TempDir(), "x.safetensors")
	run(t, cli.Done, "nearest", photos, "--index", index, "--weights", w, "--size", "75")
	other, err := os.ReadFile(w)
	if err != nil {
		t.Fatal(err)
	}
	other[len(other)-1] ^= 1
	writeFile(t, w, other)
	_, errOut := run(t, cli.Failed, "nearest", photos, a, "--index", index)
	contains(t, errOut, index, "weights_sha256", "another index")
}
