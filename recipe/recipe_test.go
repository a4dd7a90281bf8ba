package recipe

import (
	"strings"
	"testing"
)

func TestImageNet(t *testing.T) {
	labels := ImageNet()
	if len(labels) != 1000 {
		t.Fatalf("%d classes, want 1000", len(labels))
	}
	for index, want := range map[int]Label{0: {"n01440764", "tench"}, 281: {"n02123045", "tabby"}, 999: {"n15075141", "toilet_tissue"}} {
		if labels[index] != want {
			t.Errorf("class %d is %v, want %v", index, labels[index], want)
		}
	}
	seen := map[string]bool{}
	for i, l := range labels {
		if len(l.Synset) != 9 || l.Name == "" || seen[l.Synset] {
			t.Errorf("class %d is %v", i, l)
		}
		seen[l.Synset] = true
	}
}

func TestCheckpoints(t *testing.T) {
	for _, c := range Checkpoints() {
		found, err := FindCheckpoint(strings.TrimPrefix(c.Tag, "timm/"))
		if err != nil || found != c {
			t.Errorf("%s is found as %v, %v", c.Tag, found, err)
		}
		// A tag begins with its network's name.
		if !strings.HasPrefix(c.Tag, "timm/"+c.Network+".") {
			t.Errorf("%s is said to be of %s", c.Tag, c.Network)
		}
		if counts := c.Network == "inception_v3"; c.AveragePoolCountsPadding != counts {
			t.Errorf("%s: average pooling counts padding: %v, want %v", c.Tag, c.AveragePoolCountsPadding, counts)
		}
	}
	for network, tag := range map[string]string{
		"inception_v3": "timm/inception_v3.tf_in1k", "inception_v4": "timm/inception_v4.tf_in1k", "inception_resnet_v2": "timm/inception_resnet_v2.tf_in1k",
	} {
		if c, ok := DefaultCheckpoint(network); !ok || c.Tag != tag {
			t.Errorf("the default of %s is %s, want %s", network, c.Tag, tag)
		}
	}
	if _, ok := DefaultCheckpoint("inception_resnet_v1"); ok {
		t.Error("inception_resnet_v1 has no public weights")
	}
	if _, err := FindCheckpoint("timm/inception_v9"); err == nil || !strings.Contains(err.Error(), "timm/inception_v4.tf_in1k") {
		t.Errorf("error %v should list the known tags", err)
	}
}
