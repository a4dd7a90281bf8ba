package cli_test

import (
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const metrics = "step,epoch,loss,top1,top5,validation_loss,validation_top1,validation_top5\n" +
	"10,1,2,0.3,0.6,2.1,0.25,0.5\n20,2,1,0.6,0.8,1.2,0.5,0.75\n"

func TestPlot(t *testing.T) {
	root := t.TempDir()
	var runs []string
	for _, name := range []string{"a/run", "b/run", "other"} {
		folder := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(folder, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "metrics.csv"), []byte(metrics), 0o666); err != nil {
			t.Fatal(err)
		}
		runs = append(runs, folder)
	}
	for _, args := range [][]string{runs[:1], runs} {
		out := filepath.Join(t.TempDir(), "picture.png")
		stdout, stderr := run(t, 0, append([]string{"plot", "--out", out}, args...)...)
		if stdout != out+"\n" || stderr != "" {
			t.Errorf("stdout %q, stderr %q", stdout, stderr)
		}
		file, err := os.Open(out)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := png.Decode(file); err != nil {
			t.Error(err)
		}
		file.Close()
	}
	if _, stderr := run(t, 2, "plot"); !strings.Contains(stderr, "expects at least one RUN, found nothing") {
		t.Errorf("without runs: %s", stderr)
	}
	if _, stderr := run(t, 1, "plot", filepath.Join(root, "a")); !strings.Contains(stderr, "expected the folder of a run") {
		t.Errorf("a folder that is no run: %s", stderr)
	}
}
