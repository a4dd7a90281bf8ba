package features_test

import (
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-fb2c0fa6/inception/features"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// grey is a picture of one shade.
func grey(shade uint8) *vision.Image {
	m := &vision.Image{Width: 80, Height: 80, Pix: make([]uint8, 80*80*3)}
	for i := range m.Pix {
		m.Pix[i] = shade
	}
	return m
}

// TestProjector expects the files that TensorBoard 2.21's projector plug-in reads.
func TestProjector(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "projected")
	spatial := header
	spatial.Shape = []int{1, 3}
	rows := []features.Row{
		{File: filepath.Join("photos", "cat", "a\t.png"), Values: []float32{0.5, -1.25, 3e-9}, Picture: grey(10)},
		{File: "b.png", Err: errBroken},
		{File: "c.png", Values: []float32{1, 0, -2}, Picture: grey(20)},
	}
	// What is in the folder of another run is replaced.
	for _, name := range []string{"projector_config.pbtxt", "vectors.tsv"} {
		if err := os.MkdirAll(folder, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte("old"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := features.WriteProjector(folder, spatial, giving(rows)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"vectors.tsv":  "0.5\t-1.25\t3e-09\n1\t0\t-2\n",
		"metadata.tsv": "file\tfolder\nphotos/cat/a\\x09.png\tcat\nc.png\t\n",
		"projector_config.pbtxt": `embeddings {
  tensor_name: "global_pool"
  tensor_path: "vectors.tsv"
  tensor_shape: 2
  tensor_shape: 3
  metadata_path: "metadata.tsv"
  sprite {
    image_path: "sprite.png"
    single_image_dim: 64
    single_image_dim: 64
  }
}
`,
	} {
		if got, err := os.ReadFile(filepath.Join(folder, name)); err != nil || string(got) != want {
			t.Errorf("%s is %q, %v, want %q", name, got, err, want)
		}
	}
	f, err := os.Open(filepath.Join(folder, "sprite.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sprite, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _, _ := sprite.At(63, 63).RGBA()
	second, _, _, _ := sprite.At(64, 0).RGBA()
	if size := sprite.Bounds().Size(); size.X != 128 || size.Y != 64 || first>>8 != 10 || second>>8 != 20 {
		t.Errorf("the sprite has %v pixels, shades %d and %d", size, first>>8, second>>8)
	}
	wanted.Error(t, features.WriteProjector(folder, header, giving(rows[1:2])), folder, "no photograph has features")
	if got, err := os.ReadFile(filepath.Join(folder, "vectors.tsv")); err != nil || len(got) == 0 {
		t.Errorf("after a failure the vectors are %q, %v", got, err)
	}
}

// TestProjectorSprite expects pictures that are the smaller the more there are, so that the
// projector's page takes them.
func TestProjectorSprite(t *testing.T) {
	folder := t.TempDir()
	many := features.Header{About: header.About, Files: make([]string, 40_000)}
	row := features.Row{File: "a.png", Values: []float32{1, 2, 3}, Picture: grey(10)}
	if err := features.WriteProjector(folder, many, giving([]features.Row{row, row})); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(folder, "sprite.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if c, err := png.DecodeConfig(f); err != nil || c.Width != 8000 || c.Height != 40 {
		t.Errorf("the sprite is %+v, %v, want 200 pictures of 40 x 40 in a row", c, err)
	}
}
