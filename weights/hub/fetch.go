package hub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// Options says where weights are kept and how missing ones are downloaded. The
// zero value follows the same environment as Python's huggingface_hub.
type Options struct {
	// CacheDir is the cache folder. When empty it is HF_HUB_CACHE, else
	// HUGGINGFACE_HUB_CACHE, else HF_HOME/hub, else XDG_CACHE_HOME/huggingface/hub, else
	// ~/.cache/huggingface/hub. A leading ~ is the home folder, and $NAME or ${NAME} an
	// environment variable.
	CacheDir string
	// Endpoint is the hub's address. When empty it is HF_ENDPOINT, else
	// https://huggingface.co.
	Endpoint string
	// Revision is the branch, the tag or the commit that is fetched; main when empty.
	Revision string
	// Offline forbids all network access, as HF_HUB_OFFLINE or else TRANSFORMERS_OFFLINE
	// does with 1, true, yes or on in either case.
	Offline bool
	// Progress, when not nil, is told how many bytes of the file have arrived and
	// how many it has; total is 0 where the hub does not say. It is called on the
	// goroutine of Fetch, done never decreases but where FetchRepository goes on to the
	// next file, and after a successful download the last call has done == total. It is not called for a file that needs no
	// download or that another Fetch is downloading.
	Progress func(done, total int64)
}

// ErrNoSuchFile is wrapped where a repository has not the file that is asked for.
var ErrNoSuchFile = errors.New("the repository has no such file")

// indexEnding is that of the names of indices, whose weights are in the files that they name.
const indexEnding = ".index.json"

// Names that weights have in repositories, and what says how they are used, which lies
// beside them then.
var (
	weightsFiles = []string{
		"model.safetensors", "model.safetensors" + indexEnding, "pytorch_model.bin", "pytorch_model.bin" + indexEnding,
		"model.keras", "model.onnx",
	}
	configFile = "config.json"
)

// FetchRepository returns the path of the weights of any repository, owner/name: of the
// first file of those that are usual that is in the cache folder, else that the repository
// has. The files that an index names are fetched too, and its config.json, where it has one:
// of the same commit, so that they lie beside them. Errors are those of Fetch; an index that
// names files outside its folder is one.
func FetchRepository(ctx context.Context, name string, o Options) (string, error) {
	path, file, err := fetchFirst(ctx, name, o)
	if err != nil {
		return "", err
	}
	if commit := filepath.Base(filepath.Dir(path)); isCommit(commit) {
		o.Revision = commit
	}
	if strings.HasSuffix(file, indexEnding) {
		shards, err := tensorfile.ShardsOf(path)
		if err != nil {
			return "", fmt.Errorf("hub: %s of %s: %w", file, name, err)
		}
		for _, shard := range shards {
			beside := filepath.Join(filepath.Dir(path), filepath.FromSlash(shard))
			if _, ok, err := modified(beside); ok {
				continue
			} else if err != nil {
				return "", fmt.Errorf("hub: %s of %s: %w", shard, name, err)
			}
			at, err := Fetch(ctx, recipe.Checkpoint{Tag: name, File: shard}, o)
			if err != nil {
				return "", fmt.Errorf("%w; %s names it among %d files of weights", err, file, len(shards))
			}
			if at != beside {
				return "", fmt.Errorf("hub: %s of %s is at %s, expected it beside %s; put all files of the weights into one folder", shard, name, at, path)
			}
		}
	}
	o.Progress = nil
	if _, err := Fetch(ctx, recipe.Checkpoint{Tag: name, File: configFile}, o); err != nil && !absent(err) {
		return "", err
	}
	return path, nil
}

// fetchFirst returns the first of the usual files that is in the cache folder, else that
// the repository has.
func fetchFirst(ctx context.Context, name string, o Options) (path, file string, err error) {
	cached := o
	cached.Offline = true
	var first error
	for _, from := range []Options{cached, o} {
		first = nil
		for _, file := range weightsFiles {
			path, err := Fetch(ctx, recipe.Checkpoint{Tag: name, File: file}, from)
			if err == nil {
				return path, file, nil
			}
			if first == nil {
				first = err
			}
			if !absent(err) {
				return "", "", first
			}
		}
	}
	return "", "", first
}

// absent tells of an error that there is no such file.
func absent(err error) bool { return errors.Is(err, ErrNoSuchFile) || errors.Is(err, fs.ErrNotExist) }

var commitName = regexp.MustCompile(`^[0-9a-f]{40}$`)

// isCommit reports whether the name of a snapshot is that of a commit, which says what is in
// it, unlike that of a folder made by hand.
func isCommit(name string) bool { return commitName.MatchString(name) }

// Fetch returns the path of the card's weights, and downloads them first if they
// are not in the cache folder. A file that is there, also one placed by hand in
// any snapshots/<name>/, is found without network access: refs/main names the
// preferred snapshot, else the file modified last is taken. HF_TOKEN, when set,
// authorises the download.
//
// A downloaded file has the size and the SHA-256 that the hub states; until it has
// been compared it is not in a place where it could be found. Any number of
// goroutines and processes may fetch the same file: one downloads, the others
// wait for it.
//
// When ctx ends, Fetch returns within a second with an error that wraps
// ctx.Err(). Any other error wraps its cause (fs.ErrNotExist when Offline) and
// says which file to put where.
func Fetch(ctx context.Context, card recipe.Checkpoint, o Options) (string, error) {
	w, err := locate(card, o.CacheDir)
	if err != nil {
		return "", fmt.Errorf("hub: %w", err)
	}
	if o.Revision != "" {
		if !isName(o.Revision) {
			return "", fmt.Errorf("hub: %s: expected a branch, a tag or a commit as revision, without slashes, found %q", card.Tag, o.Revision)
		}
		w.revision = o.Revision
	}
	path, err := w.find()
	if errors.Is(err, fs.ErrNotExist) {
		if o.Offline || offline() {
			err = fmt.Errorf("%w, and downloads are off", err)
		} else {
			path, err = w.fetch(ctx, o)
		}
	}
	if err == nil {
		return path, nil
	}
	if ctx.Err() != nil {
		return "", fmt.Errorf("hub: fetching %s of %s: %w", w.file, w.tag, ctx.Err())
	}
	// go-huggingface wraps the network's error in names of temporary files.
	var request *url.Error
	if errors.As(err, &request) {
		err = request
	}
	return "", fmt.Errorf("hub: no file %s of %s: %w; put the file at %s, or give the path of a file instead",
		w.file, w.tag, err, w.snapshot("manual"))
}
