package evaluate

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/vision"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// A Member is one network of an evaluation: alone, or one of an ensemble. Members may
// differ in network, preprocessing and the order of their classes.
type Member struct {
	// Name is what the report calls the member; no two have the same.
	Name string
	// Preprocessing is what photographs go through. Its Crop is used for single crops.
	Preprocessing vision.Preprocessing
	// Classes is the number of logits.
	Classes int
	// Labels are the classes in the order of the logits; nil where they have no names.
	Labels []recipe.Label
	// Logits returns the logits, [batch, Classes], of preprocessed images, [batch, Size,
	// Size, 3]. One evaluation calls it with one batch size, from as many goroutines at a time
	// as there are Streams; where the images do not suffice, the last are zeros. It must not
	// keep pixels.
	Logits func(ctx context.Context, pixels []float32, batch int) ([]float32, error)
	// Streams is how many batches Logits computes side by side; 1 when zero.
	Streams int
	// Fingerprint tells these weights from others, such as by their file's SHA-256: a
	// file of predictions is not continued with other weights. It may be empty.
	Fingerprint string
}

// FromClassifier returns a classifier as a member.
func FromClassifier(name string, c *predict.Classifier) Member {
	return Member{
		Name:          name,
		Preprocessing: c.Preprocessing(),
		Classes:       c.Network().Options().Classes,
		Labels:        c.Labels(),
		Streams:       c.Streams(),
		Logits: func(ctx context.Context, pixels []float32, _ int) ([]float32, error) {
			return c.Logits(ctx, pixels)
		},
	}
}

// MemberNames names members after their weights, which are paths or tags: without folders
// and the ending, unless two would have the same name.
func MemberNames(files []string) []string {
	short := make([]string, len(files))
	for i, w := range files {
		short[i] = weights.TrimEnding(filepath.Base(w))
	}
	distinct := slices.Compact(slices.Sorted(slices.Values(short)))
	if len(distinct) < len(files) {
		return files
	}
	return short
}

// Fingerprint is that of a Member whose weights are a file: its SHA-256, or that of all
// files that the weights consist of, one behind the other.
func Fingerprint(path string) (string, error) {
	files, err := weights.Files(path)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	for _, name := range files {
		if err := add(sum, name); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%x", sum.Sum(nil)), nil
}

// add writes a file's bytes.
func add(to io.Writer, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := io.Copy(to, file); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
