package cli_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/cli"
	"github.com/seed-fb2c0fa6/inception/internal/filetree"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/vision"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// tinyNamed writes a network of named classes that a test runs in milliseconds.
func tinyNamed(t *testing.T, network string, size int, classes ...string) string {
	t.Helper()
	options := arch.Options{Classes: len(classes), Width: 0.125, Blocks: []int{1, 1, 1}}
	preprocessing := recipe.Inception()
	preprocessing.Size = size
	m := weights.Metadata{Network: network, Options: options, Preprocessing: &preprocessing}
	for _, class := range classes {
		m.Labels = append(m.Labels, recipe.Label{Name: class})
	}
	return golden.WriteWeights(t, network, options, weights.Native, m)
}

// labelledPhotos writes n pictures of each class into class folders of a split.
func labelledPhotos(t *testing.T, n int, classes ...string) string {
	t.Helper()
	files := map[string][]byte{}
	for i, class := range classes {
		for j := range n {
			files[fmt.Sprintf("test/%s/%d.png", class, j)] = pngFile(t, 80+10*i, 90+7*j)
		}
	}
	return filetree.Write(t, files)
}

// TestEvaluate evaluates an ensemble of two networks with other sizes and orders of
// classes, and counts its errors again from the file of predictions.
func TestEvaluate(t *testing.T) {
	data := labelledPhotos(t, 3, "cat", "cow", "dog")
	w := tinyNamed(t, "inception_v4", 75, "cat", "cow", "dog") + "," + tinyNamed(t, "inception_resnet_v1", 80, "dog", "cat", "cow")
	folder := t.TempDir()
	predictions, confusion := filepath.Join(folder, "p.csv"), filepath.Join(folder, "c.png")
	args := []string{"evaluate", "--weights", w, "--data", data, "--split", "test", "--crops", "12", "--batch", "7", "--predictions", predictions}
	out, _ := run(t, cli.Done, append(args, "--json", "--confusion", confusion)...)
	var report struct {
		Images int
		Rows   []struct {
			Name string
			Top1 struct{ Errors, Images int }
		}
		PerClass []struct {
			Class string
			Top1  struct{ Images int }
		} `json:"per_class"`
		Calibration struct {
			Measured struct{ ECE, MCE, Brier, NLL, Temperature float64 }
		}
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	file, err := os.Open(predictions)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	wrong := map[string]int{}
	for _, line := range lines[1:] {
		if !strings.HasPrefix(line[1], "test/"+line[2]+"/") {
			t.Errorf("%s has the label %s", line[1], line[2])
		}
		if line[6] != line[2] {
			wrong[line[3]]++
		}
	}
	if report.Images != 9 || len(report.Rows) != 3 || len(lines) != 1+27 || len(report.PerClass) != 3 || report.PerClass[1].Top1.Images != 3 {
		t.Fatalf("report is %+v", report)
	}
	for i, name := range []string{"inception_v4", "inception_resnet_v1", "ensemble"} {
		if row := report.Rows[i]; row.Name != name || row.Top1.Errors != wrong[name] {
			t.Errorf("row is %+v, but the file has %d errors of %s", row, wrong[name], name)
		}
	}
	picture, err := os.Open(confusion)
	if err != nil {
		t.Fatal(err)
	}
	defer picture.Close()
	if _, err := png.Decode(picture); err != nil {
		t.Error(err)
	}
	if c := report.Calibration.Measured; !(c.ECE > 0 && c.MCE >= c.ECE && c.Brier > 0 && c.NLL > 0 && c.Temperature == 1) {
		t.Errorf("the calibration is %+v", c)
	}
	out, _ = run(t, cli.Done, args...)
	contains(t, out, "calibration: expected error", "NETWORK", "TOP-1 ERROR", "inception_v4 ", "ensemble ", "9 of them from the file of predictions", "CLASS", "cow ")
	run(t, cli.Done, "evaluate", "--weights", strings.Split(w, ",")[0], "--data", data, "--split", "test", "--limit", "2")
}

// TestEvaluateILSVRC has a flat folder, without and with ground truth.
func TestEvaluateILSVRC(t *testing.T) {
	w := tinyNamed(t, "inception_v4", 75, "n00000003", "n00000001", "n00000002")
	folder := t.TempDir()
	for i := range 4 {
		writeFile(t, filepath.Join(folder, fmt.Sprintf("ILSVRC2012_val_%08d.JPEG", i+1)), pngFile(t, 90, 80+i))
	}
	texts := t.TempDir()
	synsets := writeFile(t, filepath.Join(texts, "synsets"), []byte("n00000001 1 a\nn00000002 2 b\nn00000003 3 c\n"))
	truth := writeFile(t, filepath.Join(texts, "truth"), []byte("1\n2\n3\n1\n"))
	blacklist := writeFile(t, filepath.Join(texts, "blacklist"), []byte("2\n"))
	submission := filepath.Join(texts, "submission")
	args := []string{"evaluate", "--weights", w, "--data", folder, "--synsets", synsets}
	out, _ := run(t, cli.Done, append(args, "--submission", submission)...)
	contains(t, out, "4 images", "no labels")
	lines, err := os.ReadFile(submission)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(lines)) {
		fields := strings.Fields(line)
		slices.Sort(fields)
		if !slices.Equal(fields, []string{"1", "2", "3"}) {
			t.Errorf("line %q of the submission", line)
		}
	}
	out, _ = run(t, cli.Done, append(args, "--ground-truth", truth, "--blacklist", blacklist)...)
	contains(t, out, "3 images, without 1 that are left out", "n00000003 ")
	writeFile(t, blacklist, []byte("50001\n"))
	_, errOut := run(t, cli.Failed, append(args, "--ground-truth", truth, "--blacklist", blacklist)...)
	contains(t, errOut, "--blacklist", "line 1", "from 1 to 50000")
	_, errOut = run(t, cli.Usage, "evaluate", "--weights", w, "--data", folder, "--ground-truth", truth)
	contains(t, errOut, "--synsets")
}

func TestEvaluateErrors(t *testing.T) {
	data := labelledPhotos(t, 1, "cat", "cow", "dog")
	w := tinyNamed(t, "inception_v4", 75, "cat", "cow", "dog")
	other := tinyNamed(t, "inception_v4", 75, "cat", "horse", "dog")
	for _, c := range []struct {
		code int
		args []string
		want []string
	}{
		{cli.Usage, nil, []string{"data", "weights"}},
		{cli.Usage, []string{"--weights", w}, []string{"data"}},
		{cli.Usage, []string{"--weights", w, "--data", data, "--crops", "11"}, []string{"--crops", "1, 10, 12 or 144"}},
		{cli.Usage, []string{"--weights", w, "--data", data, "--batch", "0"}, []string{"--batch"}},
		{cli.Failed, []string{"--weights", w, "--data", data, "--split", "val"}, []string{`"val"`}},
		{cli.Failed, []string{"--weights", w, "--data", data}, []string{"name the split"}},
		{cli.Failed, []string{"--weights", other, "--data", data, "--split", "test"}, []string{"only the network has horse", "only the data has cow"}},
		{cli.Failed, []string{"--weights", w + "," + other, "--data", data, "--split", "test"}, []string{other, "only the network has horse"}},
		{cli.Failed, []string{"--weights", w, "--data", filepath.Join(data, "none")}, []string{"none"}},
		{cli.Failed, []string{"--weights", "none", "--data", data, "--split", "test"}, []string{"none"}},
	} {
		out, errOut := run(t, c.code, append([]string{"evaluate"}, c.args...)...)
		contains(t, errOut, c.want...)
		if out != "" {
			t.Errorf("%q: printed %q", c.args, out)
		}
	}
	broken := writeFile(t, filepath.Join(data, "test", "cow", "x.png"), []byte("no picture"))
	_, errOut := run(t, cli.Failed, "evaluate", "--weights", w, "--data", data, "--split", "test")
	contains(t, errOut, "cow/x.png", "skip")
	out, errOut := run(t, cli.Done, "evaluate", "--weights", w, "--data", data, "--split", "test", "--skip-unreadable")
	contains(t, errOut, "cow/x.png is left out")
	contains(t, out, "3 images, without 1 that cannot be decoded")
	os.Remove(broken)
}

func TestDescribeCrops(t *testing.T) {
	photo := writeFile(t, filepath.Join(t.TempDir(), "photo.png"), pngFile(t, 50, 40))
	sheet := filepath.Join(t.TempDir(), "sheet.png")
	out, _ := run(t, cli.Done, "describe", "--crops", "144", photo, "--out", sheet, "--json")
	var described struct {
		Width, Height int
		Views         []vision.View
	}
	if err := json.Unmarshal([]byte(out), &described); err != nil {
		t.Fatal(err)
	}
	if described.Width != 50 || described.Height != 40 || len(described.Views) != 144 || described.Views[0].Width != 427 {
		t.Errorf("described %+v", described)
	}
	file, err := os.Open(sheet)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	picture, err := png.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	if size := picture.Bounds().Size(); size.X != 12*102+2 || size.Y != 12*102+2 {
		t.Errorf("the sheet is %v", size)
	}
	out, _ = run(t, cli.Done, "describe", "--crops", "12", "--size", "75", photo)
	contains(t, out, "107 x 86", "75 x 75", "yes")
	data, err := os.ReadFile(photo)
	if err != nil {
		t.Fatal(err)
	}
	if piped, _ := runWith(t, data, cli.Done, "describe", "--crops", "12", "--size", "75", "-"); piped != out {
		t.Errorf("from standard input the crops are %s, from the file %s", piped, out)
	}
	_, errOut := run(t, cli.Failed, "describe", "--crops", "12", "--max-pixels", "1999", photo)
	contains(t, errOut, "1999")
	_, errOut = run(t, cli.Usage, "describe", "inception_v4", "--max-pixels", "1999")
	contains(t, errOut, "--max-pixels is for --activations and --crops")
	_, errOut = run(t, cli.Usage, "describe", "--crops", "13", photo)
	contains(t, errOut, "--crops", "13")
	_, errOut = run(t, cli.Usage, "describe", "inception_v4", "--out", sheet)
	contains(t, errOut, "--crops")
	_, errOut = run(t, cli.Failed, "describe", "--crops", "12", filepath.Join(t.TempDir(), "none.png"))
	contains(t, errOut, "none.png")
}
