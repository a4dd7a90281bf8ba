package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDemoErrors(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "photo.jpg"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if stdout, stderr := run(t, 1, "demo", "--out", folder); stdout != "" || !strings.Contains(stderr, "photo.jpg") || !strings.Contains(stderr, "choose a folder") {
		t.Errorf("a folder with other files: stdout %q, stderr %q", stdout, stderr)
	}
	if _, stderr := run(t, 2, "demo", "folder"); !strings.Contains(stderr, "folder") {
		t.Errorf("an argument: %s", stderr)
	}
}
