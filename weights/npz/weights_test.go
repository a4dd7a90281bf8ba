package npz_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/cli"
	"github.com/seed-fb2c0fa6/inception/internal/splitmix"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// writeNetwork writes a network with generated values in the format that the ending of
// the path tells: any 32 bits of a finite number, or values around zero.
func writeNetwork(t *testing.T, path, name string, o arch.Options, anyBits bool, m weights.Metadata) {
	t.Helper()
	network, err := arch.New(name, o)
	if err != nil {
		t.Fatal(err)
	}
	parameters, err := network.Parameters()
	if err != nil {
		t.Fatal(err)
	}
	var sources []weights.Source
	for at, p := range parameters {
		sources = append(sources, weights.Source{Parameter: p, Values: func(dst []float32) error {
			for i := range dst {
				bits := splitmix.At(uint64(at), uint64(i))
				switch {
				case anyBits:
					const exponent, lowest = 0x7f800000, 1 << 23
					if uint32(bits)&exponent == exponent { // a NaN or an infinity
						bits &^= lowest
					}
					dst[i] = math.Float32frombits(uint32(bits))
				case strings.HasSuffix(p.Name, "moving_variance"):
					dst[i] = 1
				default:
					dst[i] = float32(bits>>40)/(1<<24) - 0.5
				}
			}
			return nil
		}})
	}
	if err := weights.Write(path, weights.Native, m, sources); err != nil {
		t.Fatal(err)
	}
}

func same(t *testing.T, a, b string) {
	t.Helper()
	x, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := os.ReadFile(b)
	if err != nil {
		t.Fatal(err)
	}
	if len(x) == 0 || !bytes.Equal(x, y) {
		t.Errorf("%s of %d bytes and %s of %d bytes differ", filepath.Base(a), len(x), filepath.Base(b), len(y))
	}
}

// TestConvertInceptionV4 turns the whole network into .npz and back: the same bytes, in
// the memory of a few tensors.
func TestConvertInceptionV4(t *testing.T) {
	if testing.Short() {
		t.Skip("writes three files of 170 MB; left out with -short")
	}
	folder := t.TempDir()
	first, npz, last := filepath.Join(folder, "first.safetensors"), filepath.Join(folder, "v4.npz"), filepath.Join(folder, "last.safetensors")
	preprocessing := recipe.Inception()
	m := weights.Metadata{Network: "inception_v4", Tag: "timm/inception_v4.tf_in1k", Preprocessing: &preprocessing, Labels: recipe.ImageNet()}
	network, err := arch.New(m.Network, arch.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m.Options = network.Options()
	writeNetwork(t, first, m.Network, arch.Options{}, true, m)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, c := range [][2]string{{first, npz}, {npz, last}} {
		if _, err := weights.Convert(t.Context(), c[0], c[1], weights.Native, weights.Hint{}); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	same(t, first, last)
	allocated := after.TotalAlloc - before.TotalAlloc
	t.Logf("%d MB allocated in all", allocated>>20)
	if allocated > 64<<20 {
		t.Errorf("the two conversions allocated %d MB, want no more than a few tensors take", allocated>>20)
	}
	c, err := weights.Open(npz)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.Format.Name != "npz" || c.Layout != weights.Native || c.Metadata.Tag != m.Tag || len(c.Metadata.Labels) != 1000 || *c.Metadata.Preprocessing != preprocessing {
		t.Errorf("%s is %s in the layout %s with %+v", npz, c.Format.Name, c.Layout, c.Metadata.Network)
	}
}

// inception runs the command line, and returns what it prints with the names of files
// of weights without their endings.
func inception(t *testing.T, args ...string) string {
	t.Helper()
	var out, errOut bytes.Buffer
	if code := cli.Run(context.Background(), args, nil, &out, &errOut); code != cli.Done {
		t.Fatalf("inception %s: exit code %d\n%s%s", strings.Join(args, " "), code, &out, &errOut)
	}
	return strings.NewReplacer(".safetensors", "", ".npz", "").Replace(out.String())
}

// TestVerbs gives .npz files to the verbs that take weights: they do as with
// safetensors.
func TestVerbs(t *testing.T) {
	folder := t.TempDir()
	native, timm, back := filepath.Join(folder, "w.safetensors"), filepath.Join(folder, "timm.npz"), filepath.Join(folder, "back.safetensors")
	npz := filepath.Join(folder, "w.npz")
	o := arch.Options{Classes: 3, Width: 0.125, Blocks: []int{1, 1, 1}}
	network, err := arch.New("inception_v4", o)
	if err != nil {
		t.Fatal(err)
	}
	preprocessing := recipe.Inception()
	preprocessing.Size = 75
	m := weights.Metadata{Network: network.Name(), Options: network.Options(), Preprocessing: &preprocessing, Labels: []recipe.Label{{Name: "cat"}, {Name: "cow"}, {Name: "dog"}}}
	writeNetwork(t, native, network.Name(), o, false, m)
	inception(t, "weights", "convert", native, npz)
	inception(t, "weights", "convert", "--to", "timm", npz, timm)
	inception(t, "weights", "convert", timm, back)
	same(t, native, back)

	var i struct {
		Format, Network, Layout string
		Metadata                map[string]string
	}
	if err := json.Unmarshal([]byte(inception(t, "weights", "inspect", "--json", timm)), &i); err != nil {
		t.Fatal(err)
	}
	if i.Format != "npz" || i.Network != "inception_v4" || i.Layout != "timm" || i.Metadata["inception.architecture"] != "inception_v4" || i.Metadata["inception.labels"] == "" || i.Metadata["format"] != "" {
		t.Errorf("inspected: %+v", i)
	}
	// What a file is, is told from its content.
	renamed := filepath.Join(folder, "renamed.safetensors")
	if err := os.Rename(timm, renamed); err != nil {
		t.Fatal(err)
	}
	if out := inception(t, "weights", "inspect", "--json", renamed); !strings.Contains(out, `"npz"`) {
		t.Errorf("a renamed file is inspected as %.200s", out)
	}

	photos := filepath.Join(folder, "photos")
	for c, class := range []string{"cat", "cow", "dog"} {
		for n := range 2 {
			writePhoto(t, filepath.Join(photos, class, strconv.Itoa(n)+".png"), 80+10*c, 90+7*n)
		}
	}
	if a, b := inception(t, "predict", "--weights", native, "--json", photos), inception(t, "predict", "--weights", npz, "--json", photos); a != b || !strings.Contains(a, "cow") {
		t.Errorf("predictions differ:\n%s\n%s", a, b)
	}
	var logs [][][]string
	for _, w := range []string{native, npz} {
		log := filepath.Join(folder, filepath.Base(w)+".csv")
		inception(t, "evaluate", "--weights", w, "--data", photos, "--predictions", log)
		text, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		fingerprint := slices.Index(rows[0], "fingerprint") // of the file, which differs
		for i := range rows {
			rows[i] = slices.Delete(rows[i], fingerprint, fingerprint+1)
		}
		logs = append(logs, rows)
	}
	if !reflect.DeepEqual(logs[0], logs[1]) || len(logs[0]) != 7 {
		t.Errorf("evaluations differ:\n%s\n%s", logs[0], logs[1])
	}
}

func writePhoto(t *testing.T, path string, width, height int) {
	t.Helper()
	picture := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			picture.Set(x, y, color.NRGBA{uint8(x * 7), uint8(y * 5), uint8(x * y), 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
}
