package cli

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/compute/gobackend" // registers "go"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-fb2c0fa6/inception/engine"
)

// defaultBackend is what runs the networks when --backend is not given.
const defaultBackend = engine.Name

// backendFlags are those of every verb that runs a network.
type backendFlags struct {
	name       string
	threads    int
	threadFlag *pflag.Flag
	streams    int // of the verbs that have the flag
	streamFlag *pflag.Flag
}

func (f *backendFlags) add(cmd *cobra.Command) {
	f.addName(cmd)
	cmd.Flags().IntVar(&f.threads, "threads", 0, "threads to compute with (default all cores)")
	f.threadFlag = cmd.Flags().Lookup("threads")
}

// addName adds the backend alone.
func (f *backendFlags) addName(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.name, "backend", defaultBackend, "what computes, with options after a colon: "+strings.Join(backends(), ", "))
}

// addStreams adds the flag of verbs that run many batches.
func (f *backendFlags) addStreams(cmd *cobra.Command) {
	cmd.Flags().IntVar(&f.streams, "streams", 1, "batches that are computed side by side, each by as many of the threads: for many images on many cores; the results are the same")
	f.streamFlag = cmd.Flags().Lookup("streams")
}

// check refuses what open would, as far as that can be told before other work.
func (f *backendFlags) check() error {
	if f.threadFlag != nil && f.threadFlag.Changed {
		if err := within(1, engine.MaxThreads(), "threads", f.threads); err != nil {
			return err
		}
	}
	name, options, _ := strings.Cut(f.name, ":")
	if !slices.Contains(backends(), name) {
		err := fmt.Errorf("unknown backend %q, expected one of %s", name, strings.Join(backends(), ", "))
		if name == "xla" {
			err = fmt.Errorf("%w; xla is part of what CGO_ENABLED=1 go build -tags xla ./cmd/inception makes", err)
		}
		return usageError{err}
	}
	if f.streamFlag != nil && f.streams < 1 || f.streams > 1 && name != engine.Name {
		return usageError{fmt.Errorf("--streams must be at least 1, and is for the backend %s, found %d and %s", engine.Name, f.streams, name)}
	}
	if f.streams > 1 {
		if strings.Contains(options, "streams=") {
			return usageError{fmt.Errorf("found --streams and the backend %q, expected one of them", f.name)}
		}
		if threads := cmp.Or(f.threads, runtime.GOMAXPROCS(0)); f.streams > threads {
			return usageError{fmt.Errorf("--streams must be at most the number of threads, found %d streams and %d threads", f.streams, threads)}
		}
	}
	if name == engine.Name {
		if err := engine.CheckConfig(options); err != nil {
			return usageError{fmt.Errorf("backend %q: %w", f.name, err)}
		}
	}
	return nil
}

// open makes the backend that the flags ask for.
func (f *backendFlags) open() (compute.Backend, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	if f.threads > 0 {
		runtime.GOMAXPROCS(f.threads)
	}
	name, options, _ := strings.Cut(f.name, ":")
	if name == engine.Name && !strings.Contains(options, "release=") {
		// The process is this program's own, so it may pause for less memory.
		options = strings.TrimPrefix(options+",release=on", ",")
	}
	if f.streams > 1 {
		options = fmt.Sprintf("%s,streams=%d", options, f.streams)
	}
	if name == "go" && options == "" {
		// When it runs operations side by side, each keeps a worker while it waits for
		// more of them, and with few cores all end up waiting.
		options = "ops_sequential"
	}
	backend, err := compute.NewWithConfig(name + ":" + options)
	if err != nil {
		return nil, fmt.Errorf("backend %q: %w", f.name, err)
	}
	return backend, nil
}

func backends() []string {
	names := compute.List()
	slices.Sort(names)
	return names
}
