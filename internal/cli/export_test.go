package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/cli"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
	"github.com/seed-fb2c0fa6/inception/weights"
)

func TestExport(t *testing.T) {
	o := arch.Options{Width: 0.125, Classes: 3, Blocks: []int{1, 1, 1}}
	path := golden.WriteWeights(t, "inception_v4", o, weights.Native, weights.Metadata{Network: "inception_v4", Options: o})
	out := filepath.Join(t.TempDir(), "v4.onnx")
	stdout, _ := run(t, cli.Done, "export", "--weights", path, "--onnx", out, "--pixels", "--probabilities", "--external", "--size", "80", "--mean", "0.5", "--std", "0.25")
	if !strings.Contains(stdout, "inception_v4") || !strings.Contains(stdout, out+".data") {
		t.Errorf("printed %q", stdout)
	}
	stdout, _ = run(t, cli.Done, "weights", "inspect", out)
	if !strings.Contains(stdout, "photographs 80 x 80") || !strings.Contains(stdout, "std [0.25 0.25 0.25]") || !strings.Contains(stdout, "3 classes") {
		t.Errorf("inspect prints %q", stdout[max(0, len(stdout)-400):])
	}
	narrow := filepath.Join(t.TempDir(), "narrow.onnx")
	stdout, _ = run(t, cli.Done, "export", "--weights", path, "--onnx", narrow, "--precision", "bfloat16", "--json")
	if !strings.Contains(stdout, `"precision": "bfloat16"`) {
		t.Errorf("printed %q", stdout)
	}
	if stdout, _ = run(t, cli.Done, "weights", "inspect", narrow); !strings.Contains(stdout, "bfloat16") {
		t.Errorf("inspect prints %q", stdout[max(0, len(stdout)-400):])
	}
	for name, c := range map[string]struct {
		code int
		args []string
		want string
	}{
		"ending":  {cli.Usage, []string{"--weights", path, "--onnx", "v4.pb"}, ".onnx"},
		"missing": {cli.Usage, []string{"--weights", path}, "--onnx is missing"},
		"over":    {cli.Usage, []string{"--weights", out, "--onnx", out}, "another name"},
		"unknown": {cli.Usage, []string{"--weights", path, "--onnx", out, "--precision", "int4"}, "int4"},
		"int8":    {cli.Failed, []string{"--weights", path, "--onnx", out, "--precision", "int8"}, "inception quantize --weights"},
		"size":    {cli.Failed, []string{"--weights", path, "--onnx", out, "--size", "20"}, "at least 75x75"},
		"none":    {cli.Failed, []string{"--weights", path, "--onnx", out, "--head", "none", "--probabilities"}, "features"},
	} {
		before, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if _, stderr := run(t, c.code, append([]string{"export"}, c.args...)...); !strings.Contains(stderr, c.want) {
			t.Errorf("%s: printed %q, want %q", name, stderr, c.want)
		}
		if after, err := os.ReadFile(out); err != nil || string(after) != string(before) {
			t.Errorf("%s: the model has changed, %v", name, err)
		}
	}
}
