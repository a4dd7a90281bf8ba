package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSpreadOf(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   spread
		text   string
	}{
		{[]float64{7}, spread{7, 7, 7}, "7.00 (7.00–7.00)"},
		{[]float64{3, 1, 2}, spread{2, 1, 3}, "2.00 (1.00–3.00)"},
		{[]float64{4, 1, 10, 2}, spread{3, 1, 10}, "3.00 (1.00–10.00)"},
	} {
		first := c.values[0]
		if got := spreadOf(c.values); got != c.want || got.String() != c.text {
			t.Errorf("spread of %v: %v, expected %+v as %q", c.values, got, c.want, c.text)
		}
		if c.values[0] != first {
			t.Errorf("the values were reordered: %v", c.values)
		}
	}
}

// handMade has two loads: two of our backends beside two peers, where the machine
// halves its speed in the second round, and one backend beside one peer.
func handMade() report {
	ours := engine{name: "inception cpu", ours: true, rates: []float64{20, 10, 22}, memory: []float64{300, 310, 290}}
	slow := engine{name: "inception go", ours: true, rates: []float64{5, 2, 8}, memory: []float64{90, 90, 90}}
	onnx := engine{name: "onnxruntime 1", rates: []float64{16, 8, 16}, memory: []float64{400, 400, 400}}
	torch := engine{name: "pytorch 2", rates: []float64{10, 5, 10}, memory: []float64{600, 700, 650}}
	return report{Results: results([]comparison{
		{load{"inception_v4", 1, 299, 2, false}, []engine{ours, slow, onnx, torch}},
		{load{"inception_v3", 8, 299, 2, true}, []engine{ours, onnx}},
	})}
}

func TestRatiosAreOfRounds(t *testing.T) {
	r := handMade()
	// By round 20/16, 10/8 and 22/16.
	if got, want := r.Results[0].Ratios["onnxruntime 1"], (spread{1.25, 1.25, 1.375}); got != want {
		t.Errorf("ratio to onnxruntime: %+v, expected %+v", got, want)
	}
	if got, want := r.Results[1].Ratios["pytorch 2"], (spread{0.5, 0.4, 0.8}); got != want {
		t.Errorf("ratio to pytorch: %+v, expected %+v", got, want)
	}
	for _, row := range r.Results[2:4] {
		if len(row.Ratios) != 0 {
			t.Errorf("%s is a peer and has ratios %v", row.Engine, row.Ratios)
		}
	}
}

func TestTable(t *testing.T) {
	const want = `
| network      | batch | engine        | images/s            | peak MB | ours / onnxruntime 1 | ours / pytorch 2 |
|---           |---    |---            |---                  |---      |---                   |---               |
| inception_v4 | 1     | inception cpu | 20.00 (10.00–22.00) | 310     | 1.25 (1.25–1.38)     | 2.00 (2.00–2.20) |
| inception_v4 | 1     | inception go  | 5.00 (2.00–8.00)    | 90      | 0.31 (0.25–0.50)     | 0.50 (0.40–0.80) |
| inception_v4 | 1     | onnxruntime 1 | 16.00 (8.00–16.00)  | 400     |                      |                  |
| inception_v4 | 1     | pytorch 2     | 10.00 (5.00–10.00)  | 700     |                      |                  |
| inception_v3 | 8     | inception cpu | 20.00 (10.00–22.00) | 310     | 1.25 (1.25–1.38)     |                  |
| inception_v3 | 8     | onnxruntime 1 | 16.00 (8.00–16.00)  | 400     |                      |                  |
`
	if got := table(handMade().Results); "\n"+got != want {
		t.Errorf("table:\n%s\nexpected:%s", got, want)
	}
	alone := table([]result{{Network: "inception_v4", Batch: 1, Engine: "inception cpu", ImagesPerSecond: spread{2, 1, 3}}})
	if header, _, _ := strings.Cut(alone, "\n"); header != "| network      | batch | engine        | images/s         | peak MB |" {
		t.Errorf("header without peers: %q", header)
	}
}

func TestPrintsJSON(t *testing.T) {
	var b strings.Builder
	if err := handMade().print(&b, true); err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal([]byte(b.String()), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Results) != 6 || len(r.Results[0].Rounds) != 3 || r.Results[0].Ratios["pytorch 2"].Median != 2 {
		t.Errorf("JSON read back: %+v", r)
	}
}

// printedText is the environment variable of what the test's program prints when it is the
// engine that is measured, and its argument then.
const printedText = "INCEPTION_TEST_PRINTED"

// TestMain lets the test's program be an engine.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == printedText {
		fmt.Print(os.Getenv(printedText))
		return
	}
	os.Exit(m.Run())
}

func TestMeasureChecksWhatAnEngineSays(t *testing.T) {
	for _, c := range []struct{ printed, want string }{
		{`[{"batch": 8, "threads": 2, "images_per_second": 12.5}]`, ""},
		{"Segmentation fault", "expected a measurement as JSON, found \"Segmentation fault\""},
		{``, "unexpected end"},
		{`[]`, "expected one measurement, found 0"},
		{`[{}, {}]`, "expected one measurement, found 2"},
		{`[{"batch": 1, "threads": 2, "images_per_second": 12.5}]`, "batch 8 and 2 threads"},
		{`[{"batch": 8, "threads": 1, "images_per_second": 12.5}]`, "batch 8 and 2 threads"},
		{`[{"batch": 8, "threads": 2}]`, "expected images/s"},
	} {
		t.Setenv(printedText, c.printed)
		e := engine{name: "peer", command: func(load) []string { return []string{os.Args[0], printedText} }}
		rate, _, err := e.measure(t.Context(), load{"inception_v4", 8, 299, 2, false})
		switch {
		case c.want == "" && (err != nil || rate != 12.5):
			t.Errorf("%s: found %v, %v", c.printed, rate, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "peer: ")):
			t.Errorf("%s: error %v, expected %q", c.printed, err, c.want)
		}
	}
}

func TestMissingPeersSayWhatToDo(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("NODE_PATH", "elsewhere")
	_, err := findPeer(t.Context(), onnxRuntime, "")
	expect(t, err, "node in PATH", "onnxruntime-node", `NODE_PATH="elsewhere"`, "npm install --prefix bench")
	_, err = findPeer(t.Context(), pyTorch, "python3.99")
	expect(t, err, "looked for python3.99", "torch", "--python", "apt-get install python3-torch")
	_, err = findPeer(t.Context(), "tflite", "")
	expect(t, err, `unknown peer "tflite"`, onnxRuntime, pyTorch)
	p := peer{name: onnxRuntime, extension: ".onnx"}
	_, err = p.engine("folder", "inception_v4", false)
	expect(t, err, filepath.Join("folder", "inception_v4.onnx"), "bench/export.py inception_v4 folder")
	p = peer{name: pyTorch, extension: ".pt"}
	_, err = p.engine("folder", "inception_v4", true)
	expect(t, err, filepath.Join("folder", "inception_v4.train.pt"), "bench/export.py inception_v4 folder")
}

func TestMissingPeersAreLeftOutUnlessNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	text := func(s string) *string { return &s }
	one, size, train := 1, 299, false
	o := options{networks: text("inception_v4,inception_v3"), batches: text("1,8"), backends: text("cpu go"), models: text("folder"), python: text("python3"), size: &size, threads: &one, rounds: &one, train: &train}
	var progress strings.Builder
	o.peers = text("")
	comparisons, err := o.comparisons(t.Context(), "inception", &progress)
	if err != nil {
		t.Fatal(err)
	}
	if len(comparisons) != 4 || len(comparisons[3].engines) != 2 || comparisons[3].load != (load{"inception_v3", 8, 299, 1, false}) {
		t.Errorf("comparisons: %+v", comparisons)
	}
	if got := strings.Count(progress.String(), "left out: "); got != 2 {
		t.Errorf("expected a line for each of two peers, found:\n%s", progress.String())
	}
	o.peers = text(pyTorch)
	_, err = o.comparisons(t.Context(), "inception", &progress)
	expect(t, err, "looked for python3")
}

func expect(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v, expected %q in it", err, part)
		}
	}
}
