package train

import (
	"fmt"
	"image"
	"image/color"
	"math/rand/v2"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/filetree"
	"github.com/seed-fb2c0fa6/inception/internal/pictures"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// writeSet makes a folder of split/class/file: pictures in the class's colour, with noise.
// One class is told from another by its colour alone.
func writeSet(t testing.TB, classes, perClass int, splits ...string) string {
	t.Helper()
	colours := []color.NRGBA{{220, 40, 40, 255}, {40, 200, 40, 255}, {50, 50, 220, 255}}
	files := map[string][]byte{}
	random := rand.New(rand.NewPCG(1, 2))
	for _, split := range splits {
		for class := range classes {
			for i := range perClass {
				picture := image.NewNRGBA(image.Rect(0, 0, 20, 20))
				for at := 0; at < len(picture.Pix); at += 4 {
					c := colours[class]
					for j, v := range []uint8{c.R, c.G, c.B} {
						picture.Pix[at+j] = uint8(min(255, max(0, int(v)+random.IntN(160)-80)))
					}
					picture.Pix[at+3] = 255
				}
				files[fmt.Sprintf("%s/class%d/%03d.png", split, class, i)] = pictures.PNG(t, picture)
			}
		}
	}
	return filetree.Write(t, files)
}

// smallRecipe trains the smallest network that has all kinds of layers.
func smallRecipe(data string) recipe.Training {
	return recipe.Training{
		Network: "inception_resnet_v1", Width: 0.05, Blocks: []int{1, 1, 1}, BatchNormDecay: 0.8,
		Size: 75, Crop: 1, Interpolation: vision.Bilinear, Distortion: recipe.ShiftDistortion,
		Data: data, Split: "train", Validation: recipe.Validation{Split: "test"},
		Seed: 7, Epochs: 2, Batch: 6,
		Optimizer:    recipe.Optimizer{RMSProp: &recipe.RMSProp{Decay: 0.9, Momentum: 0.9, Epsilon: 1}},
		LearningRate: recipe.LearningRate{Initial: 0.05, WarmUp: 0.5, Cosine: true},
		ClipNorm:     2, WeightDecay: 4e-5, LabelSmoothing: 0.1, AverageDecay: 0.9,
		LogEvery: 3, Keep: 2,
	}
}
