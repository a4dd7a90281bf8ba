package weights

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// ConfigFile is the file beside weights in which timm, and the Hugging Face Hub, say what
// they are for.
const ConfigFile = "config.json"

// configLimit bounds its bytes.
const configLimit = 16 << 20

// A folderConfig is what a ConfigFile says.
type folderConfig struct {
	Architecture string            `json:"architecture"`
	NumClasses   int               `json:"num_classes"`
	LabelNames   []string          `json:"label_names"`
	Descriptions map[string]string `json:"label_descriptions"`
	ID2Label     map[string]string `json:"id2label"`
	Pretrained   *pretrainedConfig `json:"pretrained_cfg"`
	pretrainedConfig
}

// A pretrainedConfig is timm's preprocessing.
type pretrainedConfig struct {
	InputSize     []int     `json:"input_size"`
	Mean          []float32 `json:"mean"`
	Std           []float32 `json:"std"`
	CropPct       float64   `json:"crop_pct"`
	CropMode      string    `json:"crop_mode"`
	Interpolation string    `json:"interpolation"`
}

// readConfig reads the ConfigFile beside a file of weights; nil where there is none, or one
// of another kind.
func readConfig(path string) (*folderConfig, error) {
	name := filepath.Join(filepath.Dir(path), ConfigFile)
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if info.Size() > configLimit {
		return nil, fmt.Errorf("%s has %d bytes, expected at most %d", name, info.Size(), configLimit)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if !bytes.Contains(data, []byte(`"architecture"`)) && !bytes.Contains(data, []byte(`"pretrained_cfg"`)) {
		return nil, nil
	}
	var c folderConfig
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("%s: expected what timm says of weights, as JSON: %w; mend it, or take it out of the folder", name, err)
	}
	if _, err := arch.New(c.Architecture, arch.Options{}); c.Architecture != "" && err != nil {
		return nil, fmt.Errorf("%s says that the weights are of the architecture %q: %w", name, c.Architecture, err)
	}
	return &c, nil
}

// apply fills in what the file of weights does not say of itself.
func (c *folderConfig) apply(m *Metadata, path string) error {
	name := filepath.Join(filepath.Dir(path), ConfigFile)
	if m.Labels == nil {
		m.Labels = c.labels()
		if n := c.NumClasses; m.Labels != nil && n > 0 && n != len(m.Labels) {
			return fmt.Errorf("%s has %d classes, but %d labels", name, n, len(m.Labels))
		}
	}
	if m.Preprocessing != nil {
		return nil
	}
	from := c.pretrainedConfig
	if c.Pretrained != nil {
		from = *c.Pretrained
	}
	p := recipe.Inception()
	said := false
	wrong := func(key string, expected string, found any) error {
		return fmt.Errorf("%s: %s: expected %s, found %v; mend it, or take it out of the folder", name, key, expected, found)
	}
	if s := from.InputSize; s != nil {
		if len(s) != 3 || s[0] != 3 || s[1] != s[2] {
			return wrong("input_size", "3 channels of a square", s)
		}
		p.Size, said = s[1], true
	}
	for _, v := range []struct {
		key  string
		from []float32
		to   *[3]float32
	}{{"mean", from.Mean, &p.Mean}, {"std", from.Std, &p.Std}} {
		if v.from == nil {
			continue
		}
		if len(v.from) != 3 {
			return wrong(v.key, "one number for each of three channels", v.from)
		}
		*v.to, said = [3]float32(v.from), true
	}
	if from.CropPct != 0 {
		p.Crop, said = from.CropPct, true
	}
	if from.CropMode != "" {
		fit, err := vision.ParseFit(from.CropMode)
		if err != nil {
			return fmt.Errorf("%s: crop_mode: %w", name, err)
		}
		if p.Fit, said = fit, true; fit == vision.FitCenter {
			p.Fit = "" // as files without the field say it
		}
	}
	if from.Interpolation != "" {
		if err := p.Interpolation.UnmarshalText([]byte(from.Interpolation)); err != nil {
			return fmt.Errorf("%s: interpolation: %w", name, err)
		}
		said = true
	}
	if !said {
		return nil
	}
	if err := p.Check(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	m.Preprocessing = &p
	return nil
}

// labels are those of the config, nil where it has none.
func (c *folderConfig) labels() []recipe.Label {
	names := c.LabelNames
	if names == nil && len(c.ID2Label) > 0 {
		for i := range len(c.ID2Label) {
			name, ok := c.ID2Label[fmt.Sprint(i)]
			if !ok {
				return nil
			}
			names = append(names, name)
		}
	}
	var labels []recipe.Label
	for _, name := range names {
		l := recipe.Label{Name: name}
		if description := c.Descriptions[name]; description != "" {
			l = recipe.Label{Synset: name, Name: description}
		}
		labels = append(labels, l)
	}
	return labels
}
