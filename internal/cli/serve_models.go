package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gomlx/compute"
	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/engine"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/server"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// modelSettings are how a model is served.
type modelSettings struct {
	batch, queue, versions int
	threads                int // 0 for all, as for models without --set
	precision              string
}

// A modelSetting is one of them, by the name of its flag.
type modelSetting struct {
	flag string
	set  func(*modelSettings, string) error
}

func ownSettings() []modelSetting {
	return []modelSetting{
		{"batch", whole(1, maxBatch, func(s *modelSettings) *int { return &s.batch })},
		{"precision", func(s *modelSettings, text string) error {
			s.precision = text
			return checkPrecision(text, predict.Precisions())
		}},
		{"queue", whole(1, math.MaxInt32, func(s *modelSettings) *int { return &s.queue })},
		{"threads", whole(1, engine.MaxThreads(), func(s *modelSettings) *int { return &s.threads })},
		{"versions", whole(0, math.MaxInt32, func(s *modelSettings) *int { return &s.versions })},
	}
}

// whole reads a number from the least to the most.
func whole(least, most int, of func(*modelSettings) *int) func(*modelSettings, string) error {
	return func(s *modelSettings, text string) error {
		n, err := strconv.Atoi(text)
		if err != nil || n < least || n > most {
			return fmt.Errorf("expected a whole number from %d to %d, found %q", least, most, text)
		}
		*of(s) = n
		return nil
	}
}

// modelFlags say which models are served, and how.
type modelFlags struct {
	common  modelSettings
	set     []string
	of      map[string]modelSettings // what set says
	decode  decodeFlags
	backend backendFlags
}

func (f *modelFlags) add(cmd *cobra.Command) {
	addBatch(cmd, &f.common.batch, predict.DefaultBatch, "images that run through a network at a time, at most")
	cmd.Flags().IntVar(&f.common.queue, "queue", predict.DefaultImages, "`images` that may wait for a network before others are refused")
	cmd.Flags().IntVar(&f.common.versions, "versions", 1, "`number` of a model's versions in a folder that are served, the newest; 0 is all")
	cmd.Flags().StringArrayVar(&f.set, "set", nil, "one model's `NAME.FLAG=VALUE` for the flags batch, precision, queue, threads and versions; may be given several times")
	f.decode.add(cmd)
	// Strangers send pictures: what one takes is what all may take at a time.
	maxBytes := cmd.Flags().Lookup("max-bytes")
	maxBytes.DefValue = strconv.Itoa(predict.DefaultDecodeBytes)
	f.decode.maxBytes = predict.DefaultDecodeBytes
	f.decode.addExact(cmd)
	addPrecision(cmd, &f.common.precision, predict.Precisions(), "")
	cmd.Flags().Lookup("precision").Usage += precisionOfWeights
	f.backend.add(cmd)
}

func (f *modelFlags) check() error {
	s := f.common
	err := cmp.Or(within(1, maxBatch, "batch", s.batch), atLeast(1, "queue", s.queue), atLeast(0, "versions", s.versions),
		checkPrecision(s.precision, predict.Precisions()), f.decode.check(), f.backend.check())
	if err != nil {
		return err
	}
	f.of = map[string]modelSettings{}
	for _, text := range f.set {
		if err := f.setOne(text); err != nil {
			return usageError{fmt.Errorf("--set %s: %w", text, err)}
		}
	}
	return nil
}

// setOne reads one --set.
func (f *modelFlags) setOne(text string) error {
	key, value, ok := strings.Cut(text, "=")
	dot := strings.LastIndexByte(key, '.')
	if !ok || dot < 0 {
		return errors.New("expected NAME.FLAG=VALUE, such as v4.precision=bfloat16")
	}
	name, flag := key[:dot], key[dot+1:]
	if err := server.CheckName(name); err != nil {
		return err
	}
	var flags []string
	for _, setting := range ownSettings() {
		flags = append(flags, setting.flag)
		if setting.flag == flag {
			of := f.settings(name)
			if err := setting.set(&of, value); err != nil {
				return err
			}
			f.of[name] = of
			return nil
		}
	}
	return fmt.Errorf("a model has no setting %q of its own, expected one of %s", flag, strings.Join(flags, ", "))
}

// settings are those of a model.
func (f *modelFlags) settings(name string) modelSettings {
	if s, ok := f.of[name]; ok {
		return s
	}
	return f.common
}

// checkModels refuses what are no models, and settings of models that are not there. What is
// in folders may come later.
func (f *modelFlags) checkModels(args []string) error {
	var names []string
	folders := false
	for _, arg := range args {
		name, file, ok := strings.Cut(arg, "=")
		if !ok {
			info, err := os.Stat(arg)
			if err != nil || !info.IsDir() {
				return usageError{fmt.Errorf("expected NAME=WEIGHTS, such as v4=model.safetensors, or a folder of models, found %q", arg)}
			}
			folders = true
			continue
		}
		if name == "" || file == "" {
			return usageError{fmt.Errorf("expected NAME=WEIGHTS, such as v4=model.safetensors, found %q", arg)}
		}
		if err := server.CheckName(name); err != nil {
			return usageError{err}
		}
		if slices.Contains(names, name) {
			return usageError{fmt.Errorf("two models have the name %s; give each its own", name)}
		}
		names = append(names, name)
	}
	if folders {
		return nil
	}
	for name := range f.of {
		if !slices.Contains(names, name) {
			return usageError{fmt.Errorf("--set: there is no model %s, expected one of %s", name, strings.Join(names, ", "))}
		}
	}
	return nil
}

// models are what a server's repository is made of.
type models struct {
	flags  *modelFlags
	args   []string
	stderr io.Writer
	turns  *predict.Turns

	mu       sync.Mutex
	backends map[int]compute.Backend // by threads
	parts    map[string]parts        // by the file of weights
}

// parts are the files that weights consist of, as their first one says.
type parts struct {
	of    server.Stamp
	files []string
}

func newModels(f *modelFlags, args []string, stderr io.Writer) *models {
	if f.backend.threads > 0 {
		runtime.GOMAXPROCS(f.backend.threads)
	}
	return &models{
		flags: f, args: args, stderr: stderr, turns: predict.NewTurns(runtime.GOMAXPROCS(0)),
		backends: map[int]compute.Backend{}, parts: map[string]parts{},
	}
}

// close ends the backends.
func (m *models) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range m.backends {
		b.Finalize()
	}
}

// source is a server.Source.
func (m *models) source(context.Context) ([]server.Definition, error) {
	var all []server.Definition
	for _, arg := range m.args {
		places := []server.Place{}
		if name, file, ok := strings.Cut(arg, "="); ok {
			places = append(places, server.Place{Name: name, Version: "1", Path: file})
		} else {
			found, err := server.Places(arg, func(name string) int { return m.flags.settings(name).versions })
			if err != nil {
				return nil, err
			}
			if len(found) == 0 {
				return nil, fmt.Errorf("the folder %s has no models: expected NAME/VERSION/ with weights, such as v4/1/model.safetensors, or NAME.safetensors", arg)
			}
			places = found
		}
		for _, p := range places {
			all = append(all, server.Definition{
				Name: p.Name, Version: p.Version,
				Stamp: func() (server.Stamp, error) { return m.stamp(p.Path) },
				Open:  func(ctx context.Context) (*predict.Batcher, error) { return m.open(ctx, p.Name, p.Path) },
			})
		}
	}
	return all, nil
}

// stamp is the state of all files that weights consist of; public ones do not change.
func (m *models) stamp(name string) (server.Stamp, error) {
	if strings.HasPrefix(name, hubPrefix) {
		return server.Stamp{}, nil
	}
	file, card, err := weights.Find(name)
	if err != nil || card != nil {
		return server.Stamp{}, err
	}
	first, err := server.StampOf(file)
	if err != nil {
		return server.Stamp{}, err
	}
	m.mu.Lock()
	known, ok := m.parts[file]
	m.mu.Unlock()
	if !ok || !known.of.Same(first) {
		// What is wrong with the file is told when it is loaded.
		known = parts{first, []string{file}}
		if files, err := weights.Files(file); err == nil {
			known.files = files
		}
		m.mu.Lock()
		m.parts[file] = known
		m.mu.Unlock()
	}
	return server.StampOf(known.files...)
}

// open makes a batcher of weights.
func (m *models) open(ctx context.Context, name, from string) (*predict.Batcher, error) {
	file, card, err := findWeights(ctx, m.stderr, from)
	if err != nil {
		return nil, err
	}
	set := m.flags.settings(name)
	backend, err := m.backend(set.threads)
	if err != nil {
		return nil, err
	}
	classifier, err := predict.Open(ctx, backend, predict.Config{Weights: file, Card: card, Precision: arch.Precision(set.precision)})
	if err != nil {
		return nil, err
	}
	batcher, err := predict.NewBatcher(classifier, predict.BatcherOptions{
		Batch: set.batch, Features: true, Images: set.queue, Decode: m.flags.decode.options(),
		Turns: m.turns, Threads: set.threads,
	})
	if err != nil {
		classifier.Close()
	}
	return batcher, err
}

// backend is that of a number of threads, 0 for all; one for all its models.
func (m *models) backend(threads int) (compute.Backend, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b, ok := m.backends[threads]; ok {
		return b, nil
	}
	flags := m.flags.backend
	if threads > 0 {
		if name, _, _ := strings.Cut(flags.name, ":"); name != engine.Name {
			return nil, errors.New("threads of one model alone are for the backend " + engine.Name)
		}
		flags.name = strings.TrimSuffix(flags.name, ":")
		separator := ":"
		if strings.Contains(flags.name, ":") {
			separator = ","
		}
		flags.name += separator + "threads=" + strconv.Itoa(threads)
	}
	b, err := flags.open()
	if err == nil {
		m.backends[threads] = b
	}
	return b, err
}
