package weights

import (
	"fmt"
	"strings"

	"github.com/seed-fb2c0fa6/inception/arch"
)

// cadeneNames are timm's, whose Inception-ResNet-v2 comes from there, but for the last
// layer. Those of Inception-v4 are timm's altogether.
func cadeneNames(parameters []arch.Parameter) ([]string, error) {
	names, err := timmNames(parameters)
	if err != nil || len(parameters) == 0 {
		return names, err
	}
	if !strings.HasPrefix(parameters[0].Name, "InceptionResnetV2/") {
		return nil, fmt.Errorf("of pretrainedmodels' networks only inception_resnet_v2 has names that are not timm's")
	}
	for i, name := range names {
		if last, ok := strings.CutPrefix(name, "classif."); ok {
			names[i] = "last_linear." + last
		}
	}
	return names, nil
}
