package cli_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"image/color"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/cli"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
	"github.com/seed-fb2c0fa6/inception/internal/pictures"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// run runs the command line and expects an exit code.
func run(t *testing.T, code int, args ...string) (stdout, stderr string) {
	t.Helper()
	return runWith(t, nil, code, args...)
}

func runWith(t *testing.T, stdin []byte, code int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errOut bytes.Buffer
	if got := cli.Run(context.Background(), args, bytes.NewReader(stdin), &out, &errOut); got != code {
		t.Fatalf("inception %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, &out, &errOut)
	}
	return out.String(), errOut.String()
}

// TestInterruptedInput has a command wait for a picture from standard input that does not come,
// and end when it is interrupted.
func TestInterruptedInput(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	input, writer := io.Pipe()
	defer writer.Close()
	time.AfterFunc(50*time.Millisecond, interrupt)
	var out, errOut bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Run(ctx, []string{"predict", "--server", "http://127.0.0.1:1", "-"}, input, &out, &errOut)
	}()
	select {
	case code := <-ended:
		if code != cli.Failed || !strings.Contains(errOut.String(), "interrupted") {
			t.Errorf("exit code %d: %s", code, &errOut)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it waits for the picture still")
	}
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q should contain %q", text, part)
		}
	}
}

// tiny writes a network that a test runs in milliseconds.
func tiny(t *testing.T) string {
	return tinyOf(t, "inception_v4", arch.Options{})
}

func tinyOf(t *testing.T, network string, o arch.Options) string {
	o.Classes, o.Width, o.Blocks = 3, 0.125, []int{1, 1, 1}
	return golden.WriteWeights(t, network, o, weights.Native, weights.Metadata{Network: network, Options: o})
}

func pngFile(t *testing.T, width, height int) []byte {
	t.Helper()
	return pictures.PNG(t, pictures.Draw(width, height, func(x, y int) color.NRGBA { return color.NRGBA{uint8(x * 7), uint8(y * 5), uint8(x * y), 255} }))
}

func writeFile(t *testing.T, path string, data []byte) string {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDescribe(t *testing.T) {
	for name, parameters := range map[string]int64{
		"inception_v3": 23_834_568, "inception_v4": 42_679_816, "inception_resnet_v1": 22_756_328,
		"inception_resnet_v2": 55_843_464, "inception_resnet_v2_paper": 32_433_928,
	} {
		out, _ := run(t, cli.Done, "describe", name, "--json")
		var d arch.Description
		if err := json.Unmarshal([]byte(out), &d); err != nil {
			t.Fatal(err)
		}
		if d.Network != name || d.Parameters != parameters {
			t.Errorf("%s: %s has %d parameters, want %d", name, d.Network, d.Parameters, parameters)
		}
	}
	out, _ := run(t, cli.Done, "describe", "inception_v4")
	contains(t, out, "Mixed_6a/Branch_0/Conv2d_1a_3x3", "3x3 convolution / 2 V", "17 x 17 x 384", "42,679,816", "12,25")
	out, _ = run(t, cli.Done, "describe", "inception_v4", "--size", "75", "--csv")
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if got := rows[1]; got[0] != "InceptionV4/Conv2d_1a_3x3" || got[7] != "37 x 37 x 32" || got[8] != "928" {
		t.Errorf("first layer is %q", got)
	}
	out, _ = run(t, cli.Done, "describe", "inception_resnet_v1", "--dot")
	contains(t, out, "digraph", "cluster_Repeat/block35_1", "images -> n0;")
	if strings.Count(out, "{") != strings.Count(out, "}") {
		t.Error("the graph's braces do not match")
	}
}

func TestUsageErrors(t *testing.T) {
	for _, c := range []struct {
		args string
		want []string
	}{
		{"describe", []string{"inception: describe expects a NETWORK, or with --crops or --activations a PHOTO, found nothing"}},
		{"describe inception_v5", []string{`"inception_v5"`, "did you mean"}},
		{"describe inception_v4 --size 60", []string{"at least 75x75", "60x60"}},
		{"describe inception_v4 --json --csv", []string{"--json and --csv exclude each other"}},
		{"describe --crops 12 x.jpg --dot", []string{"--dot is for a NETWORK alone"}},
		{"describe inception_v4 --layer Mixed_5b", []string{"--layer is for --filters and --activations"}},
		{"describe inception_v4 --out x.png", []string{"--out is for --filters, --activations and --crops"}},
		{"describe foo --filters=false", []string{`unknown network "foo"`}},
		{"describe --filters --orient", []string{"--orient is for --activations and --crops"}},
		{"describe --filters --activations x.jpg", []string{"--filters and --activations exclude each other"}},
		{"describe --filters x y", []string{`takes no arguments, found "x" "y"`}},
		{"describe --filters inception_v5", []string{"did you mean"}},
		{"describe --filters inception_v4 --model inception_v3", []string{"--model names another network"}},
		{"describe --filters --count -1", []string{"--count must be at least 0"}},
		{"describe --filters --scale own", []string{`--scale must be common or each, found "own"`}},
		{"describe --filters --out x.jpg", []string{".png", `"x.jpg"`}},
		{"describe --activations", []string{"expects a PHOTO, found nothing"}},
		{"describe --activations x.jpg --order size", []string{`--order must be one of ["index" "mean"], found "size"`}},
		{"describe --activations x.jpg --batch 3", []string{"--batch"}},
		{"bench inception_v4 --json --layers", []string{"--json and --layers exclude each other"}},
		{"reproduce", []string{"--data is missing"}},
		{"evaluate", []string{"--weights and --data are missing"}},
		{"help nope", []string{`unknown command "nope"`}},
		{"help weights inpsect", []string{`"inpsect"`}},
		{"predict x.jpg --backend gpu", []string{"unknown backend \"gpu\"", "cpu"}},
		{"predict x.jpg --threads -1", []string{"--threads"}},
		{"describe inception_v4 --sise 60", []string{"--sise"}},
		{"pedict x.jpg", []string{`"pedict"`, `"predict"`}},
		{"predict", []string{"expects at least one IMAGE, FOLDER or -, found nothing"}},
		{"predict x.jpg --top 0", []string{"--top", "at least 1"}},
		{"predict x.jpg --batch 0", []string{"--batch", "from 1 to 4096"}},
		{"predict x.jpg --crop 2", []string{"--crop", "(0,1]"}},
		{"predict x.jpg --model inception_v5", []string{"did you mean"}},
		{"predict x.jpg --model inception_resnet_v1", []string{"no public weights", "--weights"}},
		{"weights convert a b --to mxnet", []string{`"mxnet"`, "native", "timm"}},
		{"weights convert timm/inception_v3.tv_in1k b.safetensors --tag timm/inception_v4.tf_in1k", []string{"found timm/inception_v3.tv_in1k and --tag timm/inception_v4.tf_in1k, expected one of them"}},
		{"weights convert a b --tag timm/x", []string{"timm/x", "timm/inception_v4.tf_in1k"}},
		{"weights convert a", []string{`expects IN and OUT, found "a"`}},
		{"weights inspect", []string{"expects WEIGHTS, found nothing"}},
		{"weights inpsect", []string{`unknown command "inpsect", did you mean "inspect"?`}},
		{"bench a b", []string{`expects a NETWORK, found "a" "b"`}},
		{"reproduce foo", []string{`inception: reproduce takes no arguments, found "foo"`}},
		{"demo x", []string{`takes no arguments, found "x"`}},
		{"predict x.jpg --threads 0", []string{"--threads must be from 1 to ", "found 0"}},
		{"predict x.jpg --threads 99999999", []string{"--threads must be from 1 to ", "found 99999999"}},
		{"predict x.jpg --backend cpu:threads=99999999", []string{"from 1 to ", `"99999999"`}},
		{"predict x.jpg --batch 99999999", []string{"--batch must be from 1 to 4096, found 99999999"}},
		{"bench inception_v3 --batch 1,99999999", []string{"--batch must be from 1 to 4096, found 99999999"}},
		{"predict x.jpg --crop 0", []string{"--crop must be in (0,1], found 0"}},
		{"predict x.jpg --crop NaN", []string{"--crop must be in (0,1], found NaN"}},
		{"predict x.jpg --size 0", []string{"--size must be a number of pixels, found 0"}},
		{"predict x.jpg --streams 0", []string{"--streams must be at least 1"}},
		{"predict x.jpg --batch x", []string{`--batch expects a whole number, found "x"`}},
		{"bench inception_v4 --batch 1,x", []string{`--batch expects whole numbers separated by commas, found "1,x"`}},
		{"train --epochs many", []string{`--epochs expects a number, found "many"`}},
		{"train --seed -1", []string{`--seed expects a whole number of at least 0, found "-1"`}},
		{"predict x.jpg --top 99999999999999999999", []string{`found "99999999999999999999", which is out of range`}},
		{"reproduce --budget soon", []string{"--budget expects a duration such as 30m"}},
		{"predict x.jpg --json=perhaps", []string{"--json expects true or false"}},
		{"predict x.jpg --backend cpu:bogus", []string{`backend "cpu:bogus"`, `unknown option "bogus"`}},
		{"predict x.jpg --backend cpu:isa=none", []string{`instruction set "none"`}},
		{"describe foo", []string{`unknown network "foo"; networks are`}},
	} {
		out, errOut := run(t, cli.Usage, strings.Fields(c.args)...)
		contains(t, errOut, append(c.want, "--help")...)
		if out != "" {
			t.Errorf("%s: printed %q", c.args, out)
		}
	}
	out, _ := run(t, cli.Done)
	contains(t, out, "predict", "describe", "weights")
	about, _ := run(t, cli.Done, "help", "predict")
	if help, _ := run(t, cli.Done, "predict", "--help"); about != help {
		t.Errorf("help predict prints %q, predict --help %q", about, help)
	}
}

// TestPredict classifies good and bad files together: the bad ones are reported
// in their place, the rest go on.
func TestPredict(t *testing.T) {
	w, folder := tiny(t), t.TempDir()
	photos := filepath.Join(folder, "photos")
	if err := os.MkdirAll(filepath.Join(photos, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(photos, "a.png"), pngFile(t, 120, 90))
	writeFile(t, filepath.Join(photos, "b.jpg"), []byte("this is text"))
	writeFile(t, filepath.Join(photos, "notes.txt"), []byte("not an image"))
	writeFile(t, filepath.Join(photos, "sub", "c.PNG"), pngFile(t, 80, 100))
	writeFile(t, filepath.Join(photos, "sub", "._c.PNG"), []byte("what a Mac leaves behind"))
	labels := writeFile(t, filepath.Join(folder, "labels.txt"), []byte("n01\tfirst\nsecond thing\r\nn03\tthird\n"))
	missing := filepath.Join(folder, "missing.jpg")

	type record struct {
		File        string
		Width       int
		Height      int
		Error       string
		Predictions []struct {
			Index       int
			Synset      string
			Label       string
			Logit       float64
			Probability float64
		}
	}
	for _, batch := range []string{"1", "2", "8"} {
		out, errOut := run(t, cli.Failed, "predict", "--weights", w, "--size", "75", "--labels", labels, "--top", "2", "--json", "--batch", batch, photos, missing)
		var records []record
		if err := json.Unmarshal([]byte(out), &records); err != nil {
			t.Fatalf("%v in\n%s", err, out)
		}
		if len(records) != 4 {
			t.Fatalf("%d records, want 4: %s", len(records), out)
		}
		contains(t, errOut, "2 of 4 images failed")
		a, b, c, d := records[0], records[1], records[2], records[3]
		if a.File != filepath.Join(photos, "a.png") || a.Width != 120 || a.Height != 90 || len(a.Predictions) != 2 || a.Error != "" {
			t.Errorf("first record is %+v", a)
		}
		if p := a.Predictions[0]; p.Label != []string{"first", "second thing", "third"}[p.Index] || p.Probability < 1.0/3 || p.Probability > 1 {
			t.Errorf("first prediction is %+v", p)
		}
		contains(t, b.Error, filepath.Join(photos, "b.jpg"))
		if c.Width != 80 || len(c.Predictions) != 2 {
			t.Errorf("third record is %+v", c)
		}
		contains(t, d.Error, missing)
	}
	out, _ := run(t, cli.Failed, "predict", "--weights", w, "--size", "75", photos)
	contains(t, out, "a.png  120 x 90\n", "class ", "%", "b.jpg\n  error: expected JPEG, ")

	out, _ = runWith(t, pngFile(t, 99, 88), cli.Done, "predict", "--weights", w, "--size", "75", "--json", "-")
	contains(t, out, `"file": "-"`, `"width": 99`, `"height": 88`)
	out, _ = runWith(t, nil, cli.Failed, "predict", "--weights", w, "--size", "75", "-")
	contains(t, out, "standard input")
}

func TestPredictErrors(t *testing.T) {
	w, empty := tiny(t), t.TempDir()
	photo := writeFile(t, filepath.Join(t.TempDir(), "a.png"), pngFile(t, 80, 80))
	cache := t.TempDir()
	t.Setenv("HF_HUB_CACHE", cache)
	t.Setenv("HF_HUB_OFFLINE", "1")
	badLabels := writeFile(t, filepath.Join(t.TempDir(), "labels.txt"), []byte("one\n\nthree\n"))
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"--weights", w, empty}, []string{empty, "no images", ".jpg"}},
		{[]string{"nope.jpg", "none.jpg"}, []string{"found no nope.jpg and no none.jpg", "check the path"}},
		{[]string{"--weights", w, filepath.Join(empty, "nope.jpg")}, []string{filepath.Join(empty, "nope.jpg")}},
		{[]string{"--weights", "none.safetensors", photo}, []string{"none.safetensors", "timm/inception_v4.tf_in1k"}},
		{[]string{"--weights", empty, photo}, []string{empty, "folder"}},
		{[]string{"--weights", w, "--model", "inception_v3", photo}, []string{w, "inception_v4", "inception_v3"}},
		{[]string{"--weights", w, "--labels", badLabels, photo}, []string{badLabels, "line 2"}},
		{[]string{photo}, []string{"timm/inception_v4.tf_in1k", "model.safetensors", filepath.Join(cache, "models--timm--inception_v4.tf_in1k", "snapshots"), "--weights"}},
	} {
		_, errOut := run(t, cli.Failed, append([]string{"predict"}, c.args...)...)
		contains(t, errOut, c.want...)
	}
}

// TestWeights looks into a file, converts it to timm's layout and back, and
// expects the file it began with.
func TestWeights(t *testing.T) {
	w, folder := tiny(t), t.TempDir()
	out, _ := run(t, cli.Done, "weights", "inspect", w)
	contains(t, out, "InceptionV4/Mixed_5b/Branch_1/Conv2d_0b_3x3/weights", "F32", "3 x 3 x 8 x 16", "layout native")
	out, _ = run(t, cli.Done, "weights", "inspect", "--json", w)
	contains(t, out, `"network": "inception_v4"`, `"layout": "native"`)

	timm, native, again := filepath.Join(folder, "timm"), filepath.Join(folder, "native"), filepath.Join(folder, "again")
	run(t, cli.Done, "weights", "convert", "--to", "timm", w, timm)
	run(t, cli.Done, "weights", "convert", timm, native)
	run(t, cli.Done, "weights", "convert", "--to", "timm", native, again)
	a, _ := os.ReadFile(timm)
	b, _ := os.ReadFile(again)
	if len(a) == 0 || !bytes.Equal(a, b) {
		t.Errorf("%d bytes came back as %d others", len(a), len(b))
	}
	out, _ = run(t, cli.Done, "weights", "inspect", timm)
	contains(t, out, "features.6.branch1.1.conv.weight", "16 x 8 x 3 x 3", "layout timm")

	before := writeFile(t, filepath.Join(folder, "kept"), []byte("what was there"))
	_, errOut := run(t, cli.Failed, "weights", "convert", writeFile(t, filepath.Join(folder, "text"), []byte("no weights at all")), before)
	contains(t, errOut, filepath.Join(folder, "text"))
	if kept, _ := os.ReadFile(before); string(kept) != "what was there" {
		t.Errorf("a failed conversion left %q", kept)
	}
}

func TestBench(t *testing.T) {
	out, _ := run(t, cli.Done, "bench", "inception_v3", "--size", "75", "--batch", "1,2", "--runs", "3", "--json")
	var results []map[string]any
	if err := json.Unmarshal([]byte(out), &results); err != nil {
		t.Fatal(err)
	}
	if len(results) != 2 {
		t.Fatalf("%d results, want 2: %s", len(results), out)
	}
	for i, r := range results {
		for _, key := range []string{"images_per_second", "images_per_second_min", "images_per_second_max", "gflops", "peak_rss_mb", "compile_ms", "threads"} {
			if v, ok := r[key].(float64); !ok || v <= 0 {
				t.Errorf("%s is %v", key, r[key])
			}
		}
		if r["network"] != "inception_v3" || r["batch"] != float64(i+1) || r["size"] != 75.0 || r["train"] != false {
			t.Errorf("result is %v", r)
		}
	}
	out, _ = run(t, cli.Done, "bench", "inception_v3", "--size", "75", "--runs", "1", "--layers")
	contains(t, out, "peaks of one thread", "1x7 convolution", "direct Gemm", "max pool", "total: ")
	if strings.Contains(out, "go backend") {
		t.Errorf("a part of the network is not computed by the engine:\n%s", out)
	}
	run(t, cli.Usage, "bench", "inception_v3", "--batch", "0")
	run(t, cli.Usage, "bench", "inception_v3", "--backend", "go", "--layers")
}

func TestVersion(t *testing.T) {
	line, _ := run(t, cli.Done, "version")
	contains(t, line, "inception ", runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH, "generic")
	if again, _ := run(t, cli.Done, "--version"); again != line {
		t.Errorf("--version prints %q, version %q", again, line)
	}
	out, _ := run(t, cli.Done, "version", "--json")
	var info struct {
		Version, Go, OS, Arch string
		Cores                 int
		Instructions          []string
	}
	if err := json.Unmarshal([]byte(out), &info); err != nil {
		t.Fatal(err)
	}
	if info.Version == "" || info.Go != runtime.Version() || info.OS != runtime.GOOS || info.Cores < 1 || !slices.Contains(info.Instructions, "generic") {
		t.Errorf("JSON says %+v", info)
	}
	run(t, cli.Usage, "version", "x")
}

// TestInspectDamaged has arrays of which one fails its checksum, beside some of integers,
// which are not looked into.
func TestInspectDamaged(t *testing.T) {
	data, err := os.ReadFile("../../weights/npz/testdata/stored.npz")
	if err != nil {
		t.Fatal(err)
	}
	whole := writeFile(t, filepath.Join(t.TempDir(), "whole.npz"), data)
	run(t, cli.Done, "weights", "inspect", whole)

	data[bytes.Index(data, []byte("'<f4'"))+200] ^= 1
	damaged := writeFile(t, filepath.Join(t.TempDir(), "damaged.npz"), data)
	out, stderr := run(t, cli.Failed, "weights", "inspect", damaged)
	contains(t, out, "unreadable")
	contains(t, stderr, damaged, "checksum")
	out, _ = run(t, cli.Failed, "weights", "inspect", "--json", damaged)
	contains(t, out, `"unreadable": true`)
}
