package cli_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/cli"
)

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
	if d.FID <= 0 || d.KID == nil || d.Pictures != [2]int{4, 4} {
		t.Errorf("%+v", d)
	}
	if same := measure(a, a); math.Abs(same.FID) > 1e-6*d.FID {
		t.Errorf("a folder's distance from itself is %g", same.FID)
	}
	if legacy := measure(a, b, "--mode", "legacy-pytorch"); legacy.FID == d.FID {
		t.Error("the mode has no effect")
	}
	statistics := filepath.Join(dir, "a.npz")
	run(t, cli.Done, "fid", "--weights", weights, a, "--out", statistics)
	// Few pictures are convolved by another algorithm than many.
	if kept := measure(statistics, b); math.Abs(kept.FID-d.FID) > 1e-5*d.FID || kept.KID != nil || kept.Pictures != [2]int{0, 4} {
		t.Errorf("by statistics: %+v, want %+v", kept, d)
	}
	_, stderr := run(t, cli.Failed, "fid", "--weights", weights, statistics, b, "--mode", "legacy-pytorch")
	contains(t, stderr, "do not compare")
	stdout, _ := run(t, cli.Done, "fid", "--weights", weights, a, b)
	contains(t, stdout, "FID  ", "KID  ", "all 4 of each", "mode     clean", "published ones")
	stdout, _ = run(t, cli.Done, "score", "--weights", weights, a, "--splits", "2")
	contains(t, stdout, "Inception Score", "2 splits of 4 pictures", "published ones")

	published := tinyOf(t, "inception_v3", arch.Options{MaxPoolLastBlock: true})
	for _, args := range [][]string{{"fid", a, b}, {"score", a, "--splits", "2"}} {
		stdout, _ = run(t, cli.Done, append(args, "--weights", published)...)
		contains(t, stdout, "inception-2015-12-05, ")
		if strings.Contains(stdout, "published") {
			t.Errorf("of the published network: %s", stdout)
		}
	}
	run(t, cli.Done, "fid", "--weights", tinyOf(t, "inception_v3", arch.Options{}), a, "--out", statistics)
	_, stderr = run(t, cli.Failed, "fid", "--weights", published, statistics, b)
	contains(t, stderr, "of inception_v3 in", "of inception-2015-12-05 in", "do not compare")

	writeFile(t, filepath.Join(b, "x.png"), []byte("no picture"))
	_, stderr = run(t, cli.Failed, "fid", "--weights", weights, a, b)
	contains(t, stderr, "1 of 5 pictures could not be read")
	for args, part := range map[string]string{
		"fid x": "A and B", "fid x y --mode z": "--mode", "fid x --out y.txt": ".npz", "fid x y --kid-subsets 0": "--kid-subsets",
		"score": "A", "score " + a + " --splits 9 --weights x": "--splits", "fid x y --out z.npz": "A",
	} {
		_, stderr := run(t, cli.Usage, strings.Fields(args)...)
		contains(t, stderr, part)
	}
	_, stderr = run(t, cli.Failed, "fid", filepath.Join(dir, "nowhere"), b, "--weights", weights)
	contains(t, stderr, "nowhere")
}
