package main

import (
	"errors"
	"flag"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/filetree"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
	"github.com/seed-fb2c0fa6/inception/internal/pictures"
	"github.com/seed-fb2c0fa6/inception/weights"
)

var given flags

func TestMain(m *testing.M) {
	given.add(flag.CommandLine) // beside those of all runners
	flag.Parse()
	beam.Init()
	os.Exit(m.Run())
}

// TestRun classifies with the flags of a command line.
func TestRun(t *testing.T) {
	o := arch.Options{Classes: 4, Width: 0.125, Blocks: []int{1, 1, 1}}
	network := golden.WriteWeights(t, "inception_resnet_v1", o, weights.Native, weights.Metadata{Network: "inception_resnet_v1", Options: o})
	photos := filetree.Write(t, map[string][]byte{
		"a.png": pictures.PNG(t, pictures.Draw(90, 80, func(x, y int) color.NRGBA { return color.NRGBA{uint8(x), uint8(y), 9, 255} })),
		"b.png": []byte("none"),
	})
	labels := filetree.File(t, "labels.txt", []byte("ant\nbee\ncow\ndog\n"))
	out := filepath.Join(t.TempDir(), "predictions.jsonl")
	set := func(values map[string]string) {
		t.Helper()
		for name, value := range values {
			if err := flag.Set(name, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	set(map[string]string{"weights": network, "class-labels": labels, "size": "75", "top": "1", "interpolation": "bilinear", "orient": "false", "out": out})
	var code exitCode
	if err := given.run(t.Context(), []string{photos}); !errors.As(err, &code) || code != failed {
		t.Fatalf("a photograph that cannot be decoded: %v", err)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Split(string(data), "\n"); len(lines) != 3 || !strings.Contains(lines[0], `"label":"`) || !strings.Contains(lines[1], `"error":`) || strings.Contains(lines[0], "class ") {
		t.Errorf("the predictions are %s", data)
	}
	for _, wrongly := range []map[string]string{{"files": "0"}, {"top": "0"}, {"crop": "2"}, {"resize": "x"}, {"out": ""}, {"weights": ""}, {"class-labels": photos}} {
		before := map[string]string{}
		for name := range wrongly {
			before[name] = flag.Lookup(name).Value.String()
		}
		set(wrongly)
		if err := given.run(t.Context(), []string{photos}); !errors.As(err, &code) || code != wrong {
			t.Errorf("%v: %v", wrongly, err)
		}
		set(before)
	}
	for _, patterns := range [][]string{nil, {photos, "--top=3"}} {
		if err := given.run(t.Context(), patterns); !errors.As(err, &code) || code != wrong {
			t.Errorf("%q: %v", patterns, err)
		}
	}
	if flag.Set("precision", "float8") == nil {
		t.Error("the precision float8 is taken")
	}
}
