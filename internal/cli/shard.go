package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/gomlx/compute"
	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/internal/atomicfile"
	"github.com/seed-fb2c0fa6/inception/shard"
)

// shardText is what the help of verbs that have --shard says of it.
const shardText = `With --shard I/N this process has the I-th of N equal parts of the photographs, counted
from 0: 0/7 to 6/7. What it writes to --out, or prints, is for "inception merge", which
joins all parts to what one run would print, byte for byte. All parts take the same
command, but for --shard. In its place may be what has started the processes:
  mpi             mpirun: the rank and the size
  slurm           srun: the task; in a job array (sbatch --array=0-6) that of each of its jobs
  kubernetes/N    an Indexed Job of N completions: JOB_COMPLETION_INDEX
  auto, auto/N    the first of these that is there`

// shardFlags are those of verbs that photographs can be divided for.
type shardFlags struct {
	name string
	out  string
	part shard.Shard
}

func (f *shardFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.name, "shard", "", "do one of several parts of the photographs, for merge: `I/N`, counted from 0, or one of "+strings.Join(shard.Names(), ", "))
	cmd.Flags().StringVar(&f.out, "out", "", "write the results to this `file`, which appears whole; of shard 2/7, NAME.jsonl becomes NAME-00002-of-00007.jsonl (default standard output)")
}

func (f *shardFlags) given() bool { return f.name != "" }

// check finds the shard, and refuses flags that are for all shards together.
func (f *shardFlags) check(cmd *cobra.Command, together ...string) (err error) {
	if !cmd.Flags().Changed("shard") {
		return nil
	}
	for _, flag := range together {
		if cmd.Flags().Changed(flag) {
			return usageError{fmt.Errorf("--%s is for all shards together, found it beside --shard; give it to inception merge", flag)}
		}
	}
	if f.part, err = shard.Parse(f.name, os.Getenv); err != nil {
		return usageError{fmt.Errorf("--shard: %w", err)}
	}
	return nil
}

// mine are the shard's of all files.
func (f *shardFlags) mine(files []string) []string {
	if !f.given() {
		return files
	}
	from, to := f.part.Range(len(files))
	return files[from:to]
}

// path is that of a file which each shard has one of.
func (f *shardFlags) path(path string) string {
	if !f.given() || path == "" {
		return path
	}
	return f.part.Path(path)
}

// write writes the results.
func (f *shardFlags) write(cmd *cobra.Command, write func(io.Writer) error) error {
	return writeResults(cmd, f.path(f.out), write)
}

// writeResults writes to the file of --out, or to standard output.
func writeResults(cmd *cobra.Command, path string, write func(io.Writer) error) error {
	if path == "" {
		return write(cmd.OutOrStdout())
	}
	return atomicfile.Write(path, write)
}

// computedBy is the setting that says what computes a shard.
func computedBy(b compute.Backend) shard.Setting {
	value := b.Description()
	if known, ok := b.(interface{ Arithmetic() string }); ok {
		value = known.Arithmetic()
	}
	return shard.Setting{Name: "backend (instructions and --threads)", Value: b.Name() + ", " + value}
}
