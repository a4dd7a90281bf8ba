package cli_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/cli"
	"github.com/seed-fb2c0fa6/inception/internal/pictures"
)

// turned adds an orientation to a PNG file: turned by a quarter.
func turned(png []byte) []byte {
	const headers = 33 // bytes of the signature and the first chunk
	exif := "II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00"
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(exif)))
	chunk = append(chunk, "eXIf"+exif...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
	return slices.Concat(png[:headers], chunk, png[headers:])
}

func TestFID(t *testing.T) {
	weights := tiny(t)
	dir := t.TempDir()
	folder := func(name string, width int) string {
		path := filepath.Join(dir, name)
		if err := os.Mkdir(path, 0o755); err != nil {
			t.Fatal(err)
		}
		for i := range 4 {
			writeFile(t, filepath.Join(path, fmt.Sprintf("%d.png", i)), pngFile(t, width+20*i, 90))
		}
		return path
	}
	a, b := folder("a", 80), folder("b", 200)
	type answer struct {
		FID      float64
		KID      *float64
		Pictures [2]int
		Network  string
		Weights  string
		Hash     string `json:"weights_sha256"`
		Mode     string
		Unknown  map[string][]string
	}
	measure := func(args ...string) (d answer) {
		t.Helper()
		stdout, _ := run(t, cli.Done, append([]string{"fid", "--json", "--weights", weights}, args...)...)
		if err := json.Unmarshal([]byte(stdout), &d); err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := measure(a, b)
	if file, err := os.ReadFile(weights); err != nil || d.Hash != fmt.Sprintf("%x", sha256.Sum256(file)) || d.Weights != weights || d.Mode != "clean" {
		t.Errorf("%+v, %v", d, err)
	}
	if d.FID <= 0 || d.KID == nil || d.Pictures != [2]int{4, 4} {
		t.Errorf("%+v", d)
	}
	if same := measure(a, a); math.Abs(same.FID) > 1e-6*d.FID {
		t.Errorf("a folder's distance from itself is %g", same.FID)
	}
	if legacy := measure(a, b, "--mode", "legacy-pytorch"); legacy.FID == d.FID {
		t.Error("the mode has no effect")
	}
	// Pictures are taken as they are stored.
	c := filepath.Join(dir, "c")
	if err := os.Mkdir(c, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		m := pictures.Draw(80+20*i, 90, func(x, y int) color.NRGBA {
			return color.NRGBA{uint8(x * 7), uint8(y * 5), uint8(x * y), uint8(100 + x)}
		})
		writeFile(t, filepath.Join(c, fmt.Sprintf("%d.png", i)), turned(pictures.PNG(t, m)))
	}
	if same := measure(a, c); math.Abs(same.FID) > 1e-6*d.FID {
		t.Errorf("with transparency and an orientation the distance is %g", same.FID)
	}
	if upright := measure(a, c, "--orient"); upright.FID < 1e-3*d.FID {
		t.Errorf("--orient has no effect: %g", upright.FID)
	}

	statistics := filepath.Join(dir, "a.npz")
	run(t, cli.Done, "fid", "--weights", weights, a, "--out", statistics)
	// Few pictures are convolved by another algorithm than many.
	if kept := measure(statistics, b); math.Abs(kept.FID-d.FID) > 1e-5*d.FID || kept.KID != nil || kept.Pictures != [2]int{4, 4} || kept.Unknown != nil {
		t.Errorf("by statistics: %+v, want %+v", kept, d)
	}
	_, stderr := run(t, cli.Failed, "fid", "--weights", weights, statistics, b, "--mode", "legacy-pytorch")
	contains(t, stderr, statistics, "do not compare", `mode "clean" and "legacy-pytorch"`, "give --mode clean")
	stdout, _ := run(t, cli.Done, "fid", "--weights", weights, a, b)
	contains(t, stdout, "FID  ", "KID  ", "all 4 of each", "fewer pictures than the ", "pictures  4 and 4", "weights   "+weights+", SHA-256 "+d.Hash[:12]+"\n", "mode      clean", "published ones")
	stdout, _ = run(t, cli.Done, "score", "--weights", weights, a, "--splits", "2")
	contains(t, stdout, "Inception Score", "2 splits of 4 pictures", "published ones")

	published := tinyOf(t, "inception_v3", arch.Options{MaxPoolLastBlock: true})
	for _, args := range [][]string{{"fid", a, b}, {"score", a, "--splits", "2"}} {
		stdout, _ = run(t, cli.Done, append(args, "--weights", published)...)
		contains(t, stdout, "inception-2015-12-05\n")
		if strings.Contains(stdout, "published") {
			t.Errorf("of the published network: %s", stdout)
		}
	}
	of := func(file, weights string) string {
		path := filepath.Join(dir, file)
		run(t, cli.Done, "fid", "--weights", weights, a, "--out", path)
		return path
	}
	v3, again, other := of("v3.npz", tinyOf(t, "inception_v3", arch.Options{})), of("published.npz", published), of("public.npz", tinyOf(t, "inception_v3", arch.Options{AuxiliaryHead: true}))
	_, stderr = run(t, cli.Failed, "fid", "--weights", published, v3, b)
	contains(t, stderr, `network "inception_v3" and "inception-2015-12-05"`, `weights "`, "give --weights with the file that it was made with, or")
	_, stderr = run(t, cli.Failed, "fid", v3, other)
	contains(t, stderr, v3, other, `weights "`, "make one of them again")
	_, stderr = run(t, cli.Failed, "fid", statistics, again)
	contains(t, stderr, `network "inception_v4" and "inception-2015-12-05"`)
	stdout, _ = run(t, cli.Done, "fid", again, again)
	contains(t, stdout, "network   inception-2015-12-05\n", "weights   SHA-256 ", "mode      clean\n", "pictures  4 and 4")
	if strings.Contains(stdout, "does not say") || !strings.Contains(stdout, "fewer pictures") {
		t.Error(stdout)
	}

	// Another program's statistics have no origin.
	foreign := "../../fid/testdata/statistics.npz"
	stdout, _ = run(t, cli.Done, "fid", foreign, foreign)
	contains(t, stdout, "pictures  unknown and unknown", foreign+" does not say its network, weights, precision and mode: ")
	if strings.Contains(stdout, "fewer") {
		t.Errorf("how many pictures there are is not known: %s", stdout)
	}
	stdout, _ = run(t, cli.Done, "fid", foreign, foreign, "--json")
	var unknown answer
	if err := json.Unmarshal([]byte(stdout), &unknown); err != nil || len(unknown.Unknown[foreign]) != 4 || unknown.Mode != "" {
		t.Errorf("%s, %v", stdout, err)
	}
	_, stderr = run(t, cli.Usage, "fid", again, again, "--mode", "clean")
	contains(t, stderr, "--mode is for pictures")

	writeFile(t, filepath.Join(b, "x.png"), []byte("no picture"))
	_, stderr = run(t, cli.Failed, "fid", "--weights", weights, a, b)
	contains(t, stderr, "1 of 5 pictures could not be read")
	for args, part := range map[string]string{
		"fid x": "A and B", "fid x y --mode z": "--mode", "fid x --out y.txt": ".npz", "fid x y --kid-subsets 0": "--kid-subsets",
		"score": "FOLDER", "score " + a + " --splits 9 --weights x": "--splits", "fid x y --out z.npz": "A",
	} {
		_, stderr := run(t, cli.Usage, strings.Fields(args)...)
		contains(t, stderr, part)
	}
	_, stderr = run(t, cli.Failed, "fid", filepath.Join(a, "0.png"), b, "--weights", weights)
	contains(t, stderr, "expected a folder of pictures, or a file of statistics: ", "0.png")
	_, stderr = run(t, cli.Failed, "fid", filepath.Join(dir, "nowhere"), b, "--weights", weights)
	contains(t, stderr, "nowhere")
}
