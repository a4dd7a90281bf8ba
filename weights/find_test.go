package weights_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/weights"
)

func TestFind(t *testing.T) {
	empty, folder := t.TempDir(), t.TempDir()
	file := filepath.Join(folder, "model.safetensors")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, path, tag, err string }{
		{name: file, path: file},
		{name: folder, path: file},
		{name: "timm/inception_v3.tv_in1k", tag: "timm/inception_v3.tv_in1k"},
		{name: empty, err: "folder without model.safetensors"},
		{name: "none.safetensors", err: "there is no file none.safetensors"},
	} {
		path, card, err := weights.Find(c.name)
		tag := ""
		if card != nil {
			tag = card.Tag
		}
		if path != c.path || tag != c.tag || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("Find(%q) is %q, %q, %v, want %+v", c.name, path, tag, err, c)
		}
	}
}
