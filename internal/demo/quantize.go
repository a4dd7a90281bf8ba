package demo

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/internal/rendered"
	"github.com/seed-fb2c0fa6/inception/quantize"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// calibrating is how many of the pictures that were trained on the ranges of activations are
// found on.
const calibrating = 200

// quantize turns a file of weights into one of 8-bit integers beside it, and returns its path.
func (r *Result) quantize(ctx context.Context, backend compute.Backend, path string) (string, error) {
	model, err := quantize.Open(ctx, path, weights.Hint{})
	if err != nil {
		return "", err
	}
	set, err := dataset.Open(ctx, filepath.Join(r.Folder, DataFolder), dataset.Options{Split: rendered.Train, Classes: r.Classes})
	if err != nil {
		return "", err
	}
	defer set.Close()
	pictures := &quantize.Photographs{Set: set, Preprocessing: *model.Metadata.Preprocessing}
	observed, _ := pictures.Divide(calibrating, 0)
	statistics, err := model.Observe(ctx, backend, pictures.Preprocessing.Size, quantize.Pixels(pictures.Each(ctx, observed)))
	if err != nil {
		return "", err
	}
	quantized, err := model.Quantize(statistics, quantize.Options{})
	if err != nil {
		return "", err
	}
	out := strings.TrimSuffix(path, filepath.Ext(path)) + "-int8" + filepath.Ext(path)
	return out, quantized.Write(out)
}
