package cli

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/train/replica"
)

// A connection is a way in which processes train together.
type connection struct {
	name string
	// open connects this process; the option library names a file where that is needed.
	open func(library string) (replica.Transport, error)
}

// replicaFlags are those of the processes of one training.
type replicaFlags struct {
	name string
}

func (f *replicaFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.name, "replicas", "", "train together with the other processes of `mpi`, started as mpirun -n N inception train ...; options may follow after a colon, separated by commas: wire=bfloat16, library=PATH")
}

// options are what follows the name.
func (f *replicaFlags) options() (c connection, wire replica.Wire, library string, err error) {
	name, options, _ := strings.Cut(f.name, ":")
	var names []string
	for _, known := range connections() {
		names = append(names, known.name)
	}
	i := slices.Index(names, name)
	switch {
	case i < 0 && name == "mpi":
		return c, 0, "", errors.New("mpi is part of what go build -tags mpi ./cmd/inception makes; this binary is without it")
	case i < 0:
		return c, 0, "", fmt.Errorf("unknown way to connect replicas %q, expected mpi", name)
	}
	for option := range strings.SplitSeq(options, ",") {
		key, value, _ := strings.Cut(option, "=")
		switch key {
		case "":
		case "wire":
			if wire, err = replica.ParseWire(value); err != nil {
				return c, 0, "", err
			}
		case "library":
			library = value
		default:
			return c, 0, "", fmt.Errorf("unknown option %q of %s, expected wire=float32, wire=bfloat16 or library=PATH", option, name)
		}
	}
	return connections()[i], wire, library, nil
}

// check refuses what open would, as far as that can be told before other work.
func (f *replicaFlags) check() error {
	if f.name == "" {
		return nil
	}
	if _, _, _, err := f.options(); err != nil {
		return usageError{fmt.Errorf("--replicas: %w", err)}
	}
	return nil
}

// together are the processes of one training, or one alone.
type together struct {
	transport replica.Transport
	group     *replica.Group // nil for one alone
}

// open connects this process with the others.
func (f *replicaFlags) open() (*together, error) {
	if f.name == "" {
		return &together{}, nil
	}
	c, wire, library, err := f.options()
	if err != nil {
		return nil, usageError{err}
	}
	transport, err := c.open(library)
	if err != nil {
		return nil, fmt.Errorf("--replicas: %w", err)
	}
	return &together{transport, replica.New(transport, wire)}, nil
}

// first reports whether this process is the one that prints.
func (t *together) first() bool { return t.group == nil || t.group.First() }

// threads is how many this process should compute with where nothing else is said; 0 for all.
func (t *together) threads() (int, error) {
	if t.group == nil {
		return 0, nil
	}
	return t.group.Threads()
}

// logger says of which replica it is.
func (t *together) logger(l *slog.Logger) *slog.Logger {
	if t.group == nil || t.group.Size() == 1 {
		return l
	}
	return l.With("replica", t.group.Rank())
}

// introduce lets the first say which process each replica is: those that end a training with
// a signal are named by their process alone.
func (t *together) introduce(l *slog.Logger) error {
	if t.group == nil {
		return nil
	}
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	all, err := t.group.Texts(fmt.Sprintf("%s:%d", host, os.Getpid()))
	if err != nil || !t.first() {
		return err
	}
	for r := range all {
		all[r] = fmt.Sprintf("%d=%s", r, all[r])
	}
	l.Info("training together", "replicas", len(all), "processes", strings.Join(all, " "))
	return nil
}

// end closes the connection after a training. After an error it ends all processes: the
// others may wait for this one.
func (t *together) end(stderr io.Writer, err error) error {
	if t.group == nil {
		return err
	}
	if err == nil {
		return t.transport.Close()
	}
	if t.group.Size() > 1 {
		fmt.Fprintf(stderr, "inception: replica %d of %d ends the training: %v\n", t.group.Rank(), t.group.Size(), err)
	} else {
		fmt.Fprintf(stderr, "inception: %v\n", err)
	}
	t.transport.Abort(Failed)
	return errReported
}
