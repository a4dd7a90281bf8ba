package classify_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/local"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/memfs"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/beam/classify"
	"github.com/seed-fb2c0fa6/inception/internal/cli"
	"github.com/seed-fb2c0fa6/inception/internal/filetree"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
	"github.com/seed-fb2c0fa6/inception/internal/pictures"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/weights"
)

func TestMain(m *testing.M) {
	beam.Init()
	os.Exit(m.Run())
}

const photographs = 70 // more than are classified one after the other

// files are photographs of several folders, one of which is none.
func files(t *testing.T) map[string][]byte {
	all := map[string][]byte{"b/broken.png": []byte("\x89PNG no more")}
	for i := range photographs - 1 {
		all[fmt.Sprintf("%c/%02d é&.png", 'a'+i%3, i)] = pictures.PNG(t, pictures.Draw(80+i, 90, func(x, y int) color.NRGBA {
			return color.NRGBA{uint8(i * x), uint8(y * 5), uint8(x * y), 255}
		}))
	}
	return all
}

// network is the file of a small network.
func network(t *testing.T) string {
	o := arch.Options{Classes: 10, Width: 0.125, Blocks: []int{1, 1, 1}}
	return golden.WriteWeights(t, "inception_resnet_v1", o, weights.Native, weights.Metadata{Network: "inception_resnet_v1", Options: o})
}

// predicted is what inception predict --json says, a line for each photograph.
func predicted(t *testing.T, args ...string) []string {
	t.Helper()
	var out, stderr bytes.Buffer
	if code := cli.Run(t.Context(), append([]string{"predict", "--json", "--size", "75", "--top", "3"}, args...), nil, &out, &stderr); code != cli.Failed {
		t.Fatalf("predict has the exit code %d: %s", code, &stderr)
	}
	var records []json.RawMessage
	if err := json.Unmarshal(out.Bytes(), &records); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, r := range records {
		var line bytes.Buffer
		if err := json.Compact(&line, r); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line.String())
	}
	slices.Sort(lines)
	return lines
}

func options(weights string, batch int) classify.Options {
	return classify.Options{Top: 3, Classifier: predict.Config{Weights: weights, Size: 75, Batch: batch}}
}

// classified runs a pipeline on prism and returns what it counts.
func classified(t *testing.T, o classify.Options, out string, files int, patterns ...string) (counts map[string]int64, err error) {
	t.Helper()
	p, s := beam.NewPipelineWithRoot()
	lines, err := classify.Photographs(s, o, classify.List(s, patterns...))
	if err == nil {
		err = classify.Write(s, out, files, lines)
	}
	if err != nil {
		t.Fatal(err)
	}
	result, err := prism.Execute(t.Context(), p)
	if err != nil {
		return nil, err
	}
	counts = map[string]int64{}
	for _, c := range result.Metrics().Query(func(beam.MetricResult) bool { return true }).Counters() {
		if c.Namespace() == classify.Metrics {
			counts[c.Name()] = c.Committed
		}
	}
	return counts, nil
}

func linesOf(t *testing.T, paths ...string) []string {
	t.Helper()
	var all []string
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
		if len(data) == 0 {
			lines = nil
		}
		if !slices.IsSorted(lines) {
			t.Errorf("the lines of %s are in no order", path)
		}
		all = append(all, lines...)
	}
	slices.Sort(all)
	return all
}

// TestPhotographs classifies by folders and patterns, and expects what predict says, byte for
// byte, whatever the number of files, and a network that is loaded once.
func TestPhotographs(t *testing.T) {
	root, weights := filetree.Write(t, files(t)), network(t)
	for _, batch := range []int{1, 5} {
		want := predicted(t, "--weights", weights, "--batch", fmt.Sprint(batch), root)
		if len(want) != photographs || !strings.Contains(strings.Join(want, ""), `"error":`) {
			t.Fatalf("predict has classified %d photographs", len(want))
		}
		out := filepath.Join(t.TempDir(), "predictions.jsonl")
		counts, err := classified(t, options(weights, batch), out, 1, root)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(linesOf(t, out), want) {
			t.Errorf("batches of %d: the pipeline says something else than predict", batch)
		}
		if counts[classify.Loaded] != 1 || counts[classify.Classified] != photographs-1 || counts[classify.Failed] != 1 {
			t.Errorf("batches of %d: counted %v", batch, counts)
		}
		counts, err = classified(t, options(weights, batch), out, 3, filepath.Join(root, "a", "*.png"), filepath.Join(root, "[bc]", "*"))
		if err != nil {
			t.Fatal(err)
		}
		var parts []string
		for i := range 3 {
			parts = append(parts, strings.Replace(out, ".jsonl", fmt.Sprintf("-%05d-of-00003.jsonl", i), 1))
		}
		if !slices.Equal(linesOf(t, parts...), want) {
			t.Errorf("batches of %d: by patterns, the pipeline says something else than predict", batch)
		}
		if counts[classify.Loaded] != 0 {
			t.Errorf("batches of %d: a worker that has a network has loaded it %d times", batch, counts[classify.Loaded])
		}
	}
}

// TestObjects reads photographs and weights from what stands for object storage.
func TestObjects(t *testing.T) {
	all, weights := files(t), network(t)
	root := filetree.Write(t, all)
	for name, data := range all {
		memfs.Write("memfs://photos/"+name, data)
	}
	data, err := os.ReadFile(weights)
	if err != nil {
		t.Fatal(err)
	}
	memfs.Write("memfs://networks/small.safetensors", data)
	want := predicted(t, "--weights", weights, root)
	for i := range want {
		want[i] = strings.ReplaceAll(want[i], root, "memfs://photos")
	}
	slices.Sort(want)
	out := filepath.Join(t.TempDir(), "predictions.jsonl")
	if _, err := classified(t, options("memfs://networks/small.safetensors", 1), out, 1, "memfs://photos/a/*", "memfs://photos/b/*", "memfs://photos/c/*"); err != nil {
		t.Fatal(err)
	}
	if got := linesOf(t, out); !slices.Equal(got, want) {
		t.Errorf("the pipeline says something else than predict:\n%s\n%s", got[0], want[0])
	}
	// What is written appears there.
	if _, err := classified(t, options(weights, 1), "memfs://out/predictions.jsonl", 1, "memfs://photos/a/*"); err != nil {
		t.Fatal(err)
	}
}

// TestErrors end the pipeline, and leave no file.
func TestErrors(t *testing.T) {
	root, small := filetree.Write(t, map[string][]byte{"text": []byte("no image")}), network(t)
	memfs.Write("memfs://some/object", nil)
	for _, c := range []struct{ weights, pattern, want string }{
		{small, filepath.Join(root, "*.jpg"), "none that match"},
		{small, root, "has no images"},
		{small, "memfs://nothing/*", "none that match"},
		{small, "unknown://x/*", "expected a path of the file system, gs:// or s3://"},
		{filepath.Join(root, "no.safetensors"), filepath.Join(root, "text"), "no.safetensors"},
		{"memfs://networks/none", filepath.Join(root, "text"), "read memfs://networks/none"},
		{filepath.Join(root, "text"), filepath.Join(root, "text"), "load the network"},
	} {
		out := filepath.Join(t.TempDir(), "predictions.jsonl")
		_, err := classified(t, options(c.weights, 1), out, 1, c.pattern)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, %s: the error is %v, expected one with %q", c.weights, c.pattern, err, c.want)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s, %s: there are predictions", c.weights, c.pattern)
		}
	}
	p, s := beam.NewPipelineWithRoot()
	for _, o := range []classify.Options{{Top: 5}, options(small, -1), {Classifier: predict.Config{Weights: small}}, {Top: 1, Classifier: predict.Config{Weights: small}, Engine: "fast"}} {
		if _, err := classify.Photographs(s, o, beam.CreateList(s, []string{"x"})); err == nil {
			t.Errorf("taken: %+v", o)
		}
	}
	_ = p
}
