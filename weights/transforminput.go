package weights

import (
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// transformInput adds to a preprocessing what torchvision's transform_input makes of its
// images: values in [-1,1], if they were normalised with ImageNet's mean and deviation.
func transformInput(p *vision.Preprocessing) {
	for i := range p.Mean {
		scale, offset := recipe.ImageNetStd[i]/0.5, (recipe.ImageNetMean[i]-0.5)/0.5
		std := p.Std[i] / scale
		p.Mean[i], p.Std[i] = p.Mean[i]-offset*std, std
	}
}
