package cli_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/cli"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
	"github.com/seed-fb2c0fa6/inception/weights"
)

func TestWeightsDiff(t *testing.T) {
	o := arch.Options{Width: 0.125, Classes: 3, Blocks: []int{1, 1, 1}}
	metadata := weights.Metadata{Network: "inception_v4", Options: o}
	first := golden.WriteWeights(t, "inception_v4", o, weights.Native, metadata)
	second := filepath.Join(t.TempDir(), "other.npz")
	run(t, cli.Done, "weights", "convert", first, second, "--to", "timm")
	if out, _ := run(t, cli.Done, "weights", "diff", first, second); !strings.Contains(out, "bit for bit") {
		t.Errorf("printed %q", out)
	}
	network, err := arch.New("inception_v4", o)
	if err != nil {
		t.Fatal(err)
	}
	parameters, err := network.Parameters()
	if err != nil {
		t.Fatal(err)
	}
	sources := golden.Sources("", parameters)
	changed := sources[3]
	sources[3].Values = func(dst []float32) error {
		err := changed.Values(dst)
		dst[1] += 0.5
		return err
	}
	if err := weights.Write(second, weights.Native, metadata, sources); err != nil {
		t.Fatal(err)
	}
	out, _ := run(t, cli.Failed, "weights", "diff", first, second)
	if !strings.Contains(out, changed.Name) || !strings.Contains(out, "1 values, by 0.5") || !strings.Contains(out, "1 parameters differ") {
		t.Errorf("printed %q", out)
	}
	o.Classes = 4
	more := golden.WriteWeights(t, "inception_v4", o, weights.Native, weights.Metadata{Network: "inception_v4", Options: o})
	if out, _ := run(t, cli.Failed, "weights", "diff", first, more); !strings.Contains(out, "shapes ") || !strings.Contains(out, "Logits/Logits/weights") {
		t.Errorf("printed %q", out)
	}
}
