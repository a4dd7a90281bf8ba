package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/cli"
)

// TestReport expects the page of one run of three shards, with the photographs of the data.
func TestReport(t *testing.T) {
	data := labelledPhotos(t, 3, "cat", "cow", "dog")
	w := tinyNamed(t, "inception_v4", 75, "cat", "cow", "dog") + "," + tinyNamed(t, "inception_resnet_v1", 80, "dog", "cat", "cow")
	args := []string{"evaluate", "--weights", w, "--data", data, "--split", "test"}
	above := t.TempDir()
	folder := filepath.Join(above, "report")
	_, errOut := run(t, cli.Done, append(args, "--report", folder)...)
	page := filepath.Join(folder, "index.html")
	contains(t, errOut, "look at "+page)
	want := readFile(t, page)
	contains(t, want, "<title>Errors of ensemble</title>", `src="data:image/jpeg;base64,`, "against ensemble")
	paths := shards(t, 3, args...)
	merged := filepath.Join(above, "merged")
	merge(t, cli.Done, paths, "--report", merged, "--data", data, "--split", "test")
	if readFile(t, filepath.Join(merged, "index.html")) != want {
		t.Error("the page of three shards is another")
	}
	merge(t, cli.Done, paths, "--report", merged)
	contains(t, readFile(t, filepath.Join(merged, "index.html")), "The photographs are not on this page")

	// Crops are compared with single ones, in the place of the earlier page.
	run(t, cli.Done, append(args, "--report", folder, "--crops", "10")...)
	contains(t, readFile(t, page), "1 crop against 10 crops")

	for _, c := range []struct {
		code int
		args []string
		want string
	}{
		{cli.Failed, append(args, "--report", above), `holds "merged"`},
		{cli.Failed, append(args, "--report", page), "expected a folder"},
		{cli.Usage, append(args, "--report", folder, "--shard", "0/3"), "give it to inception merge"},
		{cli.Usage, append([]string{"merge", "--data", data}, paths...), "for --report"},
		{cli.Failed, append([]string{"merge", "--report", filepath.Join(above, "no"), "--data", labelledPhotos(t, 2, "cat", "cow", "dog"), "--split", "test"}, paths...), "the data have 6 images, and those that were evaluated 9"},
	} {
		_, errOut := run(t, c.code, c.args...)
		contains(t, errOut, c.want)
	}
	if entries, err := os.ReadDir(above); err != nil || len(entries) != 2 {
		t.Errorf("there is %v, %v, want two reports", entries, err)
	}
	flat := t.TempDir()
	for i, name := range []string{"1.png", "2.png"} {
		writeFile(t, filepath.Join(flat, name), pngFile(t, 80, 90+i))
	}
	synsets := writeFile(t, filepath.Join(t.TempDir(), "synsets"), []byte("n00000001 1 a\nn00000002 2 b\n"))
	_, errOut = run(t, cli.Failed, "evaluate", "--weights", tinyNamed(t, "inception_v4", 75, "n00000001", "n00000002"), "--data", flat, "--synsets", synsets, "--report", filepath.Join(above, "no"))
	contains(t, errOut, "no labels", "--ground-truth")
	if strings.Contains(errOut, "look at") {
		t.Error(errOut)
	}
}
