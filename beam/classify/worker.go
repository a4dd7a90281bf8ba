package classify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"sync"

	"github.com/seed-fb2c0fa6/inception/engine"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/vision"
	"github.com/seed-fb2c0fa6/inception/weights"
	"github.com/seed-fb2c0fa6/inception/weights/hub"
)

// A worker is a classifier of this process.
type worker struct {
	options    Options
	classifier *predict.Classifier
	turn       sync.Mutex
}

// workers are the classifiers of this process, by their options in JSON. A runner makes many
// copies of a function in one worker, and ends none of them when another takes its place, so
// that what they share belongs to the process.
var workers struct {
	sync.Mutex
	all map[string]*worker
}

// find returns the classifier of options, which is loaded where it is not there.
func find(ctx context.Context, o Options, loaded func()) (*worker, error) {
	key, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	workers.Lock()
	defer workers.Unlock()
	if w, ok := workers.all[string(key)]; ok {
		return w, nil
	}
	w, err := load(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("load the network: %w", err)
	}
	if workers.all == nil {
		workers.all = map[string]*worker{}
	}
	workers.all[string(key)] = w
	loaded()
	return w, nil
}

func load(ctx context.Context, o Options) (*worker, error) {
	config := o.Classifier
	config.OnlyProgram = true // Each alone is called
	local, err := locate(ctx, &config)
	if err != nil {
		return nil, err
	}
	defer local.remove()
	backend, err := engine.New(o.Engine)
	if err != nil {
		return nil, err
	}
	classifier, err := predict.Open(ctx, backend, config)
	if err != nil {
		backend.Finalize()
		return nil, err
	}
	return &worker{options: o, classifier: classifier}, nil
}

// A temporary is a folder for as long as weights are read, or none.
type temporary string

func (t temporary) remove() {
	if t != "" {
		_ = os.RemoveAll(string(t))
	}
}

// locate makes the weights of a configuration those of a file of this machine.
func locate(ctx context.Context, config *predict.Config) (t temporary, err error) {
	if remote(config.Weights) {
		return fetch(ctx, config)
	}
	found, card, err := weights.Find(config.Weights)
	if err == nil && card != nil {
		config.Card = card
		found, err = hub.Fetch(ctx, *card, hub.Options{})
	}
	config.Weights = found
	return "", err
}

// fetch copies an object to a folder of its own.
func fetch(ctx context.Context, config *predict.Config) (t temporary, err error) {
	folder, err := os.MkdirTemp("", "inception-weights-")
	if err != nil {
		return "", err
	}
	t = temporary(folder)
	defer func() {
		if err != nil {
			t.remove()
		}
	}()
	from, err := openObject(ctx, config.Weights)
	if err != nil {
		return t, err
	}
	defer from.Close()
	copied := filepath.Join(folder, path.Base(config.Weights))
	to, err := os.Create(copied)
	if err != nil {
		return t, err
	}
	if _, err = io.Copy(to, from); err != nil {
		err = &storageError{config.Weights, err}
	}
	config.Weights = copied
	return t, errors.Join(err, to.Close())
}

// open decodes a photograph.
func (w *worker) open(ctx context.Context, path string, reserve func(int64)) (*vision.Image, error) {
	o := w.options.decode(w.classifier.Preprocessing(), reserve)
	if !remote(path) {
		return vision.Open(path, o)
	}
	limit := o.MaxBytes
	if limit == 0 {
		limit = vision.DefaultMaxBytes
	}
	from, err := openObject(ctx, path)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	data, err := io.ReadAll(io.LimitReader(from, limit+1))
	if err != nil {
		return nil, &storageError{path, err}
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s: the file has more bytes than the limit of %d; raise Decode.MaxBytes (--max-bytes) if the image is to be trusted", path, limit)
	}
	image, err := vision.Decode(data, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return image, nil
}

// An object is a file of object storage that is read.
type object struct {
	io.ReadCloser
	files io.Closer
}

func (o *object) Close() error { return errors.Join(o.ReadCloser.Close(), o.files.Close()) }

func openObject(ctx context.Context, path string) (io.ReadCloser, error) {
	files, err := openFiles(ctx, path)
	if err != nil {
		return nil, &storageError{path, err}
	}
	from, err := files.OpenRead(ctx, path)
	if err != nil {
		return nil, &storageError{path, errors.Join(err, files.Close())}
	}
	return &object{from, files}, nil
}

// A storageError is why object storage does not give a file. It may, another time.
type storageError struct {
	path string
	err  error
}

func (e *storageError) Error() string { return fmt.Sprintf("read %s: %v", e.path, e.err) }

func (e *storageError) Unwrap() error { return e.err }
