// Command bench measures this project beside its peers, ONNX Runtime and PyTorch:
// the same network, images and threads, one engine after the other, in rounds. Run
// it in the root of the repository.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-fb2c0fa6/inception/arch"
)

// options are what the flags say.
type options struct {
	networks, batches, backends, peers *string
	models, python                     *string
	size, threads, rounds              *int
	train                              *bool
}

func main() {
	o := options{
		networks: flag.String("network", "inception_v4", "`names` separated by commas, as inception describe lists them"),
		batches:  flag.String("batch", "1,8", "images at a time, `sizes` separated by commas"),
		backends: flag.String("backend", "cpu", "`backends` of inception bench separated by spaces, each a row"),
		peers:    flag.String("peers", "", "`names` separated by commas (default onnxruntime,pytorch, as far as they are found)"),
		models:   flag.String("models", filepath.Join("bench", "models"), "`folder` of the peers' networks: NETWORK.onnx, NETWORK.pt, NETWORK.train.pt"),
		python:   flag.String("python", "python3", "the Python `program` that has PyTorch"),
		size:     flag.Int("size", 299, "side of the images in pixels"),
		threads:  flag.Int("threads", runtime.NumCPU(), "threads of each engine"),
		rounds:   flag.Int("rounds", 5, "times to run each engine"),
		train:    flag.Bool("train", false, "measure training steps, ours also with activations computed again"),
	}
	asJSON := flag.Bool("json", false, "print JSON")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "bench: expected flags alone, found %q\n", flag.Args())
		os.Exit(2)
	}
	r, err := o.run(ctx, os.Stderr)
	if err == nil {
		err = r.print(os.Stdout, *asJSON)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures. Each round runs every engine on every load, one at a time; the
// engine that begins changes from round to round.
func (o *options) run(ctx context.Context, progress io.Writer) (report, error) {
	temporary, err := os.MkdirTemp("", "inception-bench-")
	if err != nil {
		return report{}, err
	}
	defer os.RemoveAll(temporary)
	binary := filepath.Join(temporary, "inception.exe") // Windows needs the suffix
	comparisons, err := o.comparisons(ctx, binary, progress)
	if err != nil {
		return report{}, err
	}
	if _, err := output(ctx, "go", "build", "-o", binary, "./cmd/inception"); err != nil {
		return report{}, err
	}
	for round := range *o.rounds {
		for _, c := range comparisons {
			for i := range c.engines {
				e := &c.engines[(i+round)%len(c.engines)]
				rate, memory, err := e.measure(ctx, c.load)
				if err != nil {
					return report{}, err
				}
				e.rates, e.memory = append(e.rates, rate), append(e.memory, memory)
				fmt.Fprintf(progress, "round %d: %s, batch %d, %s: %.2f images/s, %.0f MB\n", round+1, c.load.network, c.load.batch, e.name, rate, memory)
			}
		}
	}
	return report{machine(ctx), time.Now().Format(time.DateOnly), results(comparisons)}, nil
}

// comparisons finds the engines of each load. A peer that is missing is an error
// when it was asked for by name; otherwise it is left out, with a line that says so.
func (o *options) comparisons(ctx context.Context, binary string, progress io.Writer) ([]comparison, error) {
	missing := func(err error) error {
		if *o.peers == "" && ctx.Err() == nil {
			_, err = fmt.Fprintln(progress, "left out:", err)
		}
		return err
	}
	var peers []peer
	all := onnxRuntime + "," + pyTorch
	if *o.train { // ONNX Runtime's package does not train
		all = pyTorch
	}
	for name := range strings.SplitSeq(cmp.Or(*o.peers, all), ",") {
		if p, err := findPeer(ctx, name, *o.python); err == nil {
			peers = append(peers, p)
		} else if err := missing(err); err != nil {
			return nil, err
		}
	}
	var comparisons []comparison
	for name := range strings.SplitSeq(*o.networks, ",") {
		network, err := arch.New(name, arch.Options{})
		if err == nil {
			err = network.CheckSize(*o.size, *o.size)
		}
		if err != nil {
			return nil, err
		}
		var engines []engine
		for backend := range strings.FieldsSeq(*o.backends) {
			engines = append(engines, ours(binary, backend))
			if *o.train {
				engines = append(engines, ours(binary, backend, "--recompute"))
			}
		}
		for _, p := range peers {
			if e, err := p.engine(*o.models, name, *o.train); err == nil {
				engines = append(engines, e)
			} else if err := missing(err); err != nil {
				return nil, err
			}
		}
		for text := range strings.SplitSeq(*o.batches, ",") {
			batch, err := strconv.Atoi(text)
			if err != nil || min(batch, *o.threads, *o.rounds, len(engines)) < 1 {
				return nil, fmt.Errorf("expected --batch, --threads and --rounds of at least 1 and a --backend, found %q, %d, %d and %q", text, *o.threads, *o.rounds, *o.backends)
			}
			comparisons = append(comparisons, comparison{load{name, batch, *o.size, *o.threads, *o.train}, slices.Clone(engines)})
		}
	}
	return comparisons, nil
}

// output runs a program and returns what it prints.
func output(ctx context.Context, command ...string) ([]byte, error) {
	out, err := exec.CommandContext(ctx, command[0], command[1:]...).Output()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	} else if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("%w: %s", err, strings.TrimSpace(string(exit.Stderr)))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(command, " "), err)
	}
	return out, nil
}
