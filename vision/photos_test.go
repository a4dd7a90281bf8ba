package vision

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// photoFolder is where the photographs of the golden file are; they are not part
// of the repository.
func photoFolder(t testing.TB) string {
	folder := os.Getenv("INCEPTION_PHOTOS")
	if folder == "" {
		folder = "../../shared/photos"
	}
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("the photographs are not at %s; name their folder in INCEPTION_PHOTOS", folder)
	}
	return folder
}

// TestGoldenPhotos compares the evaluation crop of real photographs with
// Pillow's, on a grid.
func TestGoldenPhotos(t *testing.T) {
	const tolerance = 1.5 // levels, mean absolute difference
	folder := photoFolder(t)
	data, err := os.ReadFile("testdata/photos.json")
	if err != nil {
		t.Fatal(err)
	}
	var photos []struct {
		File string
		Grid [][5]int // y, x, R, G, B
	}
	if err := json.Unmarshal(data, &photos); err != nil {
		t.Fatal(err)
	}
	for _, photo := range photos {
		m, err := Open(filepath.Join(folder, photo.File), DecodeOptions{IgnoreOrientation: true})
		if err != nil {
			t.Error(err)
			continue
		}
		crop, err := Preprocessing{Size: 299, Crop: 0.875}.CentralCrop(m)
		if err != nil {
			t.Error(err)
			continue
		}
		sum, worst := 0.0, 0.0
		for _, g := range photo.Grid {
			for c := range 3 {
				d := math.Abs(float64(int(crop.row(g[0])[3*g[1]+c]) - g[2+c]))
				sum, worst = sum+d, max(worst, d)
			}
		}
		mean := sum / float64(3*len(photo.Grid))
		t.Logf("%-40s mean difference %.3f levels, largest %.0f", photo.File, mean, worst)
		if !(mean <= tolerance) {
			t.Errorf("%s: mean difference %.3f levels, want at most %g", photo.File, mean, tolerance)
		}
	}
}
