package rundir

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/recipe"
)

// TestBegin begins a run, reads it back, and finds what lies there before.
func TestBegin(t *testing.T) {
	dir := Dir(filepath.Join(t.TempDir(), "run"))
	unlock, err := dir.Lock()
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(string(dir))
	if err != nil || len(entries) != 2 {
		t.Errorf("a locked folder has %d entries, %v, want 2", len(entries), err)
	}
	for _, e := range entries {
		if !Before(e.Name()) {
			t.Errorf("%s lies in a locked folder, but is not of what lies there before a run begins", e.Name())
		}
	}
	if Before(filepath.Base(dir.Recipe())) || dir.Begun() {
		t.Error("a run was begun before it was")
	}
	if _, err := dir.ReadRecipe(); err == nil || !strings.Contains(err.Error(), "has no run to resume") {
		t.Errorf("the recipe before the run: %v", err)
	}
	want, err := recipe.FindTraining("cifar10-narrow")
	if err != nil {
		t.Fatal(err)
	}
	if err := dir.Begin(want); err != nil || !dir.Begun() {
		t.Errorf("begin: %v", err)
	}
	if got, err := dir.ReadRecipe(); err != nil || got.Network != want.Network || got.Seed != want.Seed {
		t.Errorf("the recipe is read as %+v, %v", got, err)
	}
	if err := dir.Begin(want); err == nil || !strings.Contains(err.Error(), "has a run already") {
		t.Errorf("begun again: %v", err)
	}
	if err := unlock(); err != nil {
		t.Error(err)
	}
}

// TestUnlock has folders in which no run begins, and expects what was there before.
func TestUnlock(t *testing.T) {
	for name, before := range map[string][]string{
		"no folder":     nil,
		"empty folder":  {"a/"},
		"full folder":   {"a/", "a/b/", "a/b/run/", "a/b/run/notes"},
		"killed before": {"a/", "a/b/", "a/b/run/", "a/b/run/checkpoints/", "a/b/run/lock"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			for _, path := range before {
				var err error
				if full := filepath.Join(root, filepath.FromSlash(path)); strings.HasSuffix(path, "/") {
					err = os.Mkdir(full, 0o777)
				} else {
					err = os.WriteFile(full, nil, 0o666)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			unlock, err := Dir(filepath.Join(root, "a", "b", "run")).Lock()
			if err != nil {
				t.Fatal(err)
			}
			if err := unlock(); err != nil {
				t.Error(err)
			}
			var after []string
			err = fs.WalkDir(os.DirFS(root), ".", func(path string, e fs.DirEntry, err error) error {
				if e.IsDir() {
					path += "/"
				}
				if path != "./" {
					after = append(after, path)
				}
				return err
			})
			if slices.Sort(after); err != nil || !slices.Equal(after, before) {
				t.Errorf("%q is left, %v, want %q", after, err, before)
			}
		})
	}
}

// TestCheckpoints lists them by their steps, and removes the old ones.
func TestCheckpoints(t *testing.T) {
	dir := Dir(t.TempDir())
	if last, err := dir.LastCheckpoint(); last != "" || err != nil {
		t.Errorf("without checkpoints the last is %q, %v", last, err)
	}
	unlock, err := dir.Lock()
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	steps := []int{1200, 7, 30}
	for _, step := range steps {
		if err := os.WriteFile(dir.Checkpoint(step), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(dir.Checkpoint(7)), "notes.txt"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if got, err := dir.Checkpoints(); err != nil || !slices.Equal(got, []string{dir.Checkpoint(7), dir.Checkpoint(30), dir.Checkpoint(1200)}) {
		t.Errorf("the checkpoints are %q, %v", got, err)
	}
	if err := dir.KeepLast(2); err != nil {
		t.Fatal(err)
	}
	if got, err := dir.Checkpoints(); err != nil || !slices.Equal(got, []string{dir.Checkpoint(30), dir.Checkpoint(1200)}) {
		t.Errorf("two are kept: %q, %v", got, err)
	}
	if last, err := dir.LastCheckpoint(); last != dir.Checkpoint(1200) || err != nil {
		t.Errorf("the last is %q, %v", last, err)
	}
}
