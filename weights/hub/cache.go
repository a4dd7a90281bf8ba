package hub

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	huggingface "github.com/gomlx/go-huggingface/hub"

	"github.com/seed-fb2c0fa6/inception/recipe"
)

// mainRevision is the branch whose files are fetched where no other is asked for.
const mainRevision = "main"

// weightsFile is one file of one repository and its place in the cache.
type weightsFile struct {
	tag   string // repository, owner/name
	file  string // path inside the repository, with slashes
	cache string // absolute path of the cache folder
	// revision is a branch, a tag or a commit.
	revision string
}

// locate returns the place of a card's file in the given cache folder, or in the
// default one when dir is empty.
func locate(card recipe.Checkpoint, dir string) (weightsFile, error) {
	if card.Tag == "" || !filepath.IsLocal(filepath.FromSlash(card.File)) {
		return weightsFile{}, fmt.Errorf("a card needs a repository and a file inside it, found tag %q and file %q", card.Tag, card.File)
	}
	if dir == "" {
		dir = defaultCacheDir()
	}
	dir, err := expanded(dir)
	if err != nil {
		return weightsFile{}, fmt.Errorf("resolving the cache folder %s: %w", dir, err)
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return weightsFile{}, fmt.Errorf("resolving the cache folder %s: %w", dir, err)
	}
	return weightsFile{tag: card.Tag, file: card.File, cache: dir, revision: mainRevision}, nil
}

func defaultCacheDir() string {
	for _, name := range []string{"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"} {
		if dir := os.Getenv(name); dir != "" {
			return dir
		}
	}
	if home := os.Getenv("HF_HOME"); home != "" {
		return filepath.Join(home, "hub")
	}
	return huggingface.DefaultCacheDir()
}

// expanded replaces a leading ~ and environment variables, as Python's expanduser and
// expandvars do: variables that are not set stay.
func expanded(path string) (string, error) {
	if path == "~" || strings.HasPrefix(path, "~/") || strings.HasPrefix(path, "~"+string(filepath.Separator)) {
		home, err := os.UserHomeDir()
		if err != nil {
			return path, err
		}
		path = home + path[1:]
	}
	return variable.ReplaceAllStringFunc(path, func(reference string) string {
		if value, ok := os.LookupEnv(strings.Trim(reference, "${}")); ok {
			return value
		}
		return reference
	}), nil
}

var variable = regexp.MustCompile(`\$(?:\w+|\{\w+\})`)

// offline tells whether the environment forbids downloads, by the words that
// huggingface_hub takes for true.
func offline() bool {
	switch strings.ToUpper(cmp.Or(os.Getenv("HF_HUB_OFFLINE"), os.Getenv("TRANSFORMERS_OFFLINE"))) {
	case "1", "ON", "YES", "TRUE":
		return true
	}
	return false
}

// folder is the repository's name in the cache.
func (w weightsFile) folder() string {
	return "models--" + strings.ReplaceAll(w.tag, "/", "--")
}

// in joins a path to the repository's folder.
func (w weightsFile) in(elem ...string) string {
	return filepath.Join(append([]string{w.cache, w.folder()}, elem...)...)
}

// snapshot is the path of the file in the snapshot of that name.
func (w weightsFile) snapshot(name string) string {
	return w.in("snapshots", name, filepath.FromSlash(w.file))
}

// find returns the file's path in the cache, or an error that wraps
// fs.ErrNotExist.
func (w weightsFile) find() (string, error) {
	main, err := os.ReadFile(w.in("refs", w.revision))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if name := strings.TrimSpace(string(main)); isName(name) {
		if _, ok, err := modified(w.snapshot(name)); ok || err != nil {
			return w.snapshot(name), err
		}
	}

	if w.revision != mainRevision {
		if _, ok, err := modified(w.snapshot(w.revision)); ok || err != nil { // a commit
			return w.snapshot(w.revision), err
		}
		return "", fmt.Errorf("searching the cache folder %s for the revision %s: %w", w.cache, w.revision, fs.ErrNotExist)
	}
	entries, err := os.ReadDir(w.in("snapshots"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	var newest string
	var newestTime time.Time
	for _, e := range entries {
		path := w.snapshot(e.Name())
		t, ok, err := modified(path)
		if err != nil {
			return "", err
		}
		if ok && (newest == "" || t.After(newestTime)) {
			newest, newestTime = path, t
		}
	}
	if newest == "" {
		return "", fmt.Errorf("searching the cache folder %s: %w", w.cache, fs.ErrNotExist)
	}
	return newest, nil
}

// modified returns when the file at path, or the file that a link there leads
// to, was last modified. The second result is false when there is no such file.
func modified(path string) (time.Time, bool, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR): // a stray file among the snapshots
		return time.Time{}, false, nil
	case err == nil && !info.Mode().IsRegular():
		return time.Time{}, false, nil
	case err != nil:
		return time.Time{}, false, err
	}
	return info.ModTime(), true, nil
}

// isName reports whether s, which a file or the hub gave, names an entry of a
// folder and leads nowhere else.
func isName(s string) bool {
	return s != "." && filepath.IsLocal(s) && filepath.Base(s) == s
}
