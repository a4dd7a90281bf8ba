package rendered

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/dataset"
)

// TestFigures compares the areas of figures as they are drawn with those of geometry,
// where the figure's unit is 40 pixels.
func TestFigures(t *testing.T) {
	circle := math.Pi * math.Sin(2*math.Pi/curveSteps) / (2 * math.Pi / curveSteps) // of a polygon of so many corners
	want := map[string]float64{
		"arrow": 1.1*0.44 + 0.9*1.36/2,
		"cross": 2*1.9*0.6 - 0.6*0.6,
		"ring":  circle * (0.95*0.95 - 0.58*0.58),
		"star":  10 * 0.42 * math.Sin(math.Pi/5) / 2,
		"heart": math.Pi * 180 / 256, // of x = 16 sin^3 t, y = 13 cos t - 5 cos 2t - 2 cos 3t - cos 4t
	}
	for _, f := range figures() {
		c := &canvas{pixels: image.NewRGBA(image.Rect(0, 0, Side, Side))}
		paths := f.paths()
		for _, p := range paths {
			for i, at := range p {
				if r := math.Hypot(at.x, at.y); r > 1.2 {
					t.Errorf("%s has a point at a distance of %.2f, want about 1 at most", f.name, r)
				}
				p[i] = point{Side/2 + 40*at.x, Side/2 + 40*at.y}
			}
		}
		c.fill(image.NewUniform(color.White), paths...)
		covered := 0.0
		for i := 3; i < len(c.pixels.Pix); i += 4 {
			covered += float64(c.pixels.Pix[i]) / 255
		}
		covered /= 40 * 40
		if covered < 0.5 || covered > 2.5 {
			t.Errorf("%s covers %.2f of its unit squared, want a visible part", f.name, covered)
		}
		if area, ok := want[f.name]; ok && math.Abs(covered-area) > 0.02*area {
			t.Errorf("%s covers %.3f of its unit squared, want %.3f", f.name, covered, area)
		}
	}
}

func files(t *testing.T, folder string) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		found[filepath.ToSlash(name)], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func write(t *testing.T, o Options) map[string][]byte {
	t.Helper()
	folder := t.TempDir()
	if err := Write(context.Background(), folder, o); err != nil {
		t.Fatal(err)
	}
	return files(t, folder)
}

// TestWrite expects pictures that depend on the seed and their path alone.
func TestWrite(t *testing.T) {
	small := write(t, Options{Train: 2, Test: 1, Seed: 7})
	if len(small) != 3*len(figures()) {
		t.Fatalf("%d files, want %d", len(small), 3*len(figures()))
	}
	if small["train/star/0001.jpg"] == nil || small["test/arrow/0000.jpg"] == nil {
		t.Errorf("the files lack some: %v", len(small))
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	large := write(t, Options{Train: 3, Test: 2, Seed: 7})
	other := write(t, Options{Train: 2, Test: 1, Seed: 8})
	seen := map[string]string{}
	for name, data := range small {
		if !bytes.Equal(data, large[name]) {
			t.Errorf("%s differs in a larger set", name)
		}
		if bytes.Equal(data, other[name]) {
			t.Errorf("%s is the same with another seed", name)
		}
		if same, ok := seen[string(data)]; ok {
			t.Errorf("%s and %s are the same", name, same)
		}
		seen[string(data)] = name
	}
}

// TestOpen reads a set as package dataset does.
func TestOpen(t *testing.T) {
	folder := t.TempDir()
	if err := Write(context.Background(), folder, Options{Train: 1, Test: 2, Seed: 1}); err != nil {
		t.Fatal(err)
	}
	for split, count := range map[string]int{Train: 1, Test: 2} {
		set, err := dataset.Open(context.Background(), folder, dataset.Options{Split: split})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(set.Classes(), Classes()) || set.Len() != count*len(Classes()) {
			t.Errorf("%s: %d images of the classes %q", split, set.Len(), set.Classes())
		}
		data, err := set.Read(0)
		if err != nil {
			t.Fatal(err)
		}
		if config, _, err := image.DecodeConfig(bytes.NewReader(data)); err != nil || config.Width != Side || config.Height != Side {
			t.Errorf("%s: an image of %d x %d: %v", split, config.Width, config.Height, err)
		}
		set.Close()
	}
}

func TestWriteErrors(t *testing.T) {
	if err := Write(context.Background(), t.TempDir(), Options{Train: 1}); err == nil || !strings.Contains(err.Error(), "at least one picture") {
		t.Errorf("a set without test pictures: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := Write(context.Background(), file, Options{Train: 1, Test: 1}); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a file in the place of the folder: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Write(ctx, t.TempDir(), Options{Train: 1000, Test: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context returns %v", err)
	}
}
