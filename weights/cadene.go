package weights

import (
	"fmt"
	"strings"

	"github.com/seed-fb2c0fa6/inception/arch"
)

// cadeneNames are timm's, whose Inception-v4 and Inception-ResNet-v2 come from there, but
// for the last layer.
func cadeneNames(parameters []arch.Parameter) ([]string, error) {
	names, err := timmNames(parameters)
	if err != nil || len(parameters) == 0 {
		return names, err
	}
	if strings.HasPrefix(parameters[0].Name, "InceptionV3/") {
		return nil, fmt.Errorf("pretrainedmodels has inception_v4 and inception_resnet_v2")
	}
	for i, name := range names {
		if last, ok := strings.CutPrefix(name, "classif."); ok {
			names[i] = "last_linear." + last
		}
	}
	return names, nil
}
