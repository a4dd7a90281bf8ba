package hub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"

	"github.com/seed-fb2c0fa6/inception/recipe"
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
	// goroutine of Fetch, done never decreases, and after a successful download the
	// last call has done == total. It is not called for a file that needs no
	// download or that another Fetch is downloading.
	Progress func(done, total int64)
}

// ErrNoSuchFile is wrapped where a repository has not the file that is asked for.
var ErrNoSuchFile = errors.New("the repository has no such file")

// Names that weights have in repositories, and what says how they are used, which lies
// beside them then.
var (
	weightsFiles = []string{"model.safetensors", "pytorch_model.bin", "model.keras", "model.onnx"}
	configFile   = "config.json"
)

// FetchRepository returns the path of the weights of any repository, owner/name: of the
// first file of those that are usual that it has. Its config.json is fetched too, where it
// has one, and lies beside them. Errors are those of Fetch.
func FetchRepository(ctx context.Context, name string, o Options) (string, error) {
	var first error
	absent := func(err error) bool { return errors.Is(err, ErrNoSuchFile) || errors.Is(err, fs.ErrNotExist) }
	for _, file := range weightsFiles {
		path, err := Fetch(ctx, recipe.Checkpoint{Tag: name, File: file}, o)
		if err == nil {
			quiet := o
			quiet.Progress = nil
			if _, err := Fetch(ctx, recipe.Checkpoint{Tag: name, File: configFile}, quiet); err != nil && !absent(err) {
				return "", err
			}
			return path, nil
		}
		if first == nil {
			first = err
		}
		if !absent(err) {
			break
		}
	}
	return "", first
}

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
