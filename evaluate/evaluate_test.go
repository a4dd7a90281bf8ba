package evaluate

import (
	"context"
	"fmt"
	"image/color"
	"testing"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/internal/filetree"
	"github.com/seed-fb2c0fa6/inception/internal/pictures"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// plain is a preprocessing without arithmetic: values in [0,1], nothing cut off.
func plain(size int) vision.Preprocessing {
	return vision.Preprocessing{Size: size, Crop: 1, Interpolation: vision.Bilinear, Std: [3]float32{1, 1, 1}}
}

// labelled names classes.
func labelled(names ...string) []recipe.Label {
	labels := make([]recipe.Label, len(names))
	for i, name := range names {
		labels[i].Name = name
	}
	return labels
}

// A calculation gives the logits of one image, [size, size, 3].
type calculation func(pixels []float32) []float32

// calculator is a member whose logits a function calculates, image by image.
func calculator(name string, size int, labels []recipe.Label, logits calculation) Member {
	return Member{
		Name: name, Preprocessing: plain(size), Classes: len(labels), Labels: labels,
		Logits: func(_ context.Context, pixels []float32, batch int) ([]float32, error) {
			var all []float32
			for i := range batch {
				all = append(all, logits(pixels[i*size*size*3:][:size*size*3])...)
			}
			return all, nil
		},
	}
}

// plainPNG is a picture of one colour.
func plainPNG(t testing.TB, width, height int, c color.NRGBA) []byte {
	t.Helper()
	return pictures.PNG(t, pictures.Draw(width, height, func(x, y int) color.NRGBA { return c }))
}

// gradient is a picture in which no two parts are alike.
func gradient(t testing.TB, width, height, seed int) []byte {
	t.Helper()
	return pictures.PNG(t, pictures.Draw(width, height, func(x, y int) color.NRGBA {
		return color.NRGBA{uint8(x*7 + seed*31), uint8(y*5 + x*seed), uint8(x*y + 17*seed), 255}
	}))
}

func open(t testing.TB, path string, o dataset.Options) *dataset.Set {
	t.Helper()
	set, err := dataset.Open(context.Background(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { set.Close() })
	return set
}

func run(t testing.TB, members []Member, set *dataset.Set, o Options) *Report {
	t.Helper()
	report, err := Run(context.Background(), members, set, o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// gradients is a set of n pictures of each class.
func gradients(t testing.TB, n, width, height int, classes ...string) *dataset.Set {
	files := map[string][]byte{}
	for i, class := range classes {
		for j := range n {
			files[fmt.Sprintf("%s/%d.png", class, j)] = gradient(t, width, height, 1+i*n+j)
		}
	}
	return open(t, filetree.Write(t, files), dataset.Options{})
}

// contrast is a calculation of which every part of a picture has its own result.
func contrast(classes int) calculation {
	return func(pixels []float32) []float32 {
		logits := make([]float32, classes)
		for i, v := range pixels {
			logits[i*i%classes] += v * float32(i%7-3) / 16
		}
		return logits
	}
}
