package cli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/cli"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/vision"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// writeConverted writes generated weights with all that a file says of itself. Gamma is one
// where that is asked for, as TF-slim's networks have it.
func writeConverted(t *testing.T, name string, o arch.Options, ones bool, labels []recipe.Label) string {
	t.Helper()
	network, err := arch.New(name, o)
	if err != nil {
		t.Fatal(err)
	}
	parameters, err := network.Parameters()
	if err != nil {
		t.Fatal(err)
	}
	sources := golden.Sources("", parameters)
	for i, s := range sources {
		if ones && strings.HasSuffix(s.Name, "/gamma") {
			sources[i].Values = func(dst []float32) error {
				for k := range dst {
					dst[k] = 1
				}
				return nil
			}
		}
	}
	p := vision.Preprocessing{Size: 107, Crop: 0.9, Interpolation: vision.Bilinear, Fit: vision.FitSquash, Mean: [3]float32{0.1, 0.2, 0.3}, Std: [3]float32{0.5, 0.6, 0.7}}
	m := weights.Metadata{Network: name, Options: network.Options(), Tag: "somebody/network", Preprocessing: &p, Labels: labels}
	path := filepath.Join(t.TempDir(), "first.safetensors")
	if err := weights.Write(path, weights.Native, m, sources); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestConvertPairs converts to every format in every layout and back: the file is the one
// that it was, byte for byte, with its classes, labels, head and preprocessing.
func TestConvertPairs(t *testing.T) {
	imageNet := append([]recipe.Label{{Name: "background"}}, recipe.ImageNet()...)
	pets := []recipe.Label{{Name: "cat"}, {Name: "dog"}, {Synset: "n7", Name: "Kuh, \"braun\""}}
	small := arch.Options{Width: 0.125, Classes: 1001}
	auxiliary := small
	auxiliary.AuxiliaryHead = true
	head := arch.Options{Width: 0.125, Classes: 3, DropoutKeep: 0.7, Head: &arch.Head{
		Pooling: arch.PoolMax, Output: arch.OutputSigmoid,
		Hidden: []arch.HeadLayer{{Units: 9, BatchNorm: true, Activation: "relu"}, {DropoutKeep: 0.5, Units: 4, Activation: "tanh"}},
	}}
	face := arch.Facenet()
	face.Width, face.Blocks = 0.125, []int{1, 2, 1}
	layouts := []string{"native", "tf-slim", "timm", "cadene", "facenet-pytorch", "keras"}
	all := map[string][]string{"safetensors": layouts, "npz": layouts, "ckpt": {"tf-slim", "native"}, "index": {""}, "onnx": {""}}
	for _, c := range []struct {
		title, network string
		o              arch.Options
		ones           bool
		labels         []recipe.Label
		without        []string // layouts that the network does not exist in
	}{
		{"v3", "inception_v3", auxiliary, true, imageNet, []string{"cadene", "facenet-pytorch"}},
		{"v4", "inception_v4", auxiliary, true, imageNet, []string{"cadene", "facenet-pytorch", "keras"}},
		{"resnet_v2", "inception_resnet_v2", auxiliary, true, imageNet, []string{"facenet-pytorch"}},
		{"resnet_v1", "inception_resnet_v1", small, true, imageNet, []string{"timm", "cadene", "keras"}},
		{"paper", "inception_resnet_v2_paper", small, true, imageNet, []string{"timm", "cadene", "keras", "facenet-pytorch"}},
		{"facenet", "inception_resnet_v1", face, true, nil, []string{"timm", "cadene", "keras"}},
		{"head", "inception_v3", head, false, pets, []string{"timm", "cadene", "facenet-pytorch", "tf-slim"}},
	} {
		t.Run(c.title, func(t *testing.T) {
			first := writeConverted(t, c.network, c.o, c.ones, c.labels)
			bare := c.o
			bare.AuxiliaryHead = false
			withoutAuxiliary := writeConverted(t, c.network, bare, c.ones, c.labels)
			for ending, layouts := range all {
				for _, layout := range layouts {
					folder := t.TempDir()
					there, back := filepath.Join(folder, "there."+ending), filepath.Join(folder, "back.safetensors")
					args := []string{"weights", "convert", first, there, "--json"}
					if layout != "" {
						args = append(args, "--to", layout)
					}
					name := ending + " " + layout
					if slices.Contains(c.without, layout) || ending == "index" && slices.Contains(c.without, "tf-slim") {
						_, errOut := run(t, cli.Failed, args...)
						if !strings.Contains(errOut, "native") {
							t.Errorf("%s: %q names no layout that is possible", name, errOut)
						}
						if names := namesOf(t, folder); len(names) > 0 {
							t.Errorf("%s: a failed conversion left %q", name, names)
						}
						continue
					}
					out, _ := run(t, cli.Done, args...)
					var printed struct {
						Layout string
						Left   []string
					}
					if err := json.Unmarshal([]byte(out), &printed); err != nil {
						t.Fatal(err)
					}
					if layout != "" && printed.Layout != layout {
						t.Errorf("%s: printed the layout %q", name, printed.Layout)
					}
					want := first
					if len(printed.Left) > 0 {
						if want = withoutAuxiliary; len(printed.Left) != 1 || !strings.Contains(printed.Left[0], "auxiliary head is left out") || !c.o.AuxiliaryHead {
							t.Errorf("%s: left %q", name, printed.Left)
						}
					}
					run(t, cli.Done, "weights", "convert", there, back)
					if !bytes.Equal(contentOf(t, back), contentOf(t, want)) {
						t.Errorf("%s: the file of %d bytes came back as another of %d", name, len(contentOf(t, want)), len(contentOf(t, back)))
						out, _ := run(t, cli.Failed, "weights", "diff", back, want)
						t.Log(out)
					}
					if out, _ := run(t, cli.Done, "weights", "diff", there, want); !strings.Contains(out, "bit for bit") {
						t.Errorf("%s: %s", name, out)
					}
				}
			}
		})
	}
}

func contentOf(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func namesOf(t *testing.T, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
