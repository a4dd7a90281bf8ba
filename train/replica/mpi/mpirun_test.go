//go:build mpi

package mpi_test

import (
	"context"
	"errors"
	"fmt"
	"image/color"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-fb2c0fa6/inception/engine"
	"github.com/seed-fb2c0fa6/inception/internal/filetree"
	"github.com/seed-fb2c0fa6/inception/internal/pictures"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/train"
	"github.com/seed-fb2c0fa6/inception/train/replica"
)

// program builds the command line with MPI.
func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "inception")
	build := exec.Command("go", "build", "-tags", "mpi", "-o", path, "github.com/seed-fb2c0fa6/inception/cmd/inception")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// launcher is a way to start programs of MPI.
type launcher struct{ name, path string }

// launchers finds those of the machine: MPICH's and Open MPI's have names of their own on
// Debian.
func launchers(t *testing.T) []launcher {
	t.Helper()
	var all []launcher
	for _, name := range []string{"mpirun.mpich", "mpirun.openmpi"} {
		if path, err := exec.LookPath(name); err == nil {
			all = append(all, launcher{name, path})
		}
	}
	if path, err := exec.LookPath("mpirun"); err == nil && len(all) == 0 {
		all = append(all, launcher{"mpirun", path})
	}
	if len(all) == 0 {
		t.Skip("there is no mpirun on this machine; install MPICH or Open MPI")
	}
	return all
}

// command runs the program on n processes, or on one without MPI where there are none.
func (l launcher) command(ctx context.Context, program string, n int, args ...string) *exec.Cmd {
	args = append([]string{"train", "--threads", "1"}, args...)
	name := program
	if n > 0 {
		if !slices.Contains(args, "--replicas") {
			args = append(args, "--replicas", "mpi")
		}
		name, args = l.path, append([]string{"-n", strconv.Itoa(n), program}, args...)
	}
	c := exec.CommandContext(ctx, name, args...)
	c.WaitDelay = 10 * time.Second
	// Open MPI: in containers, and on machines with fewer cores than processes.
	c.Env = append(os.Environ(), "OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1", "OMPI_MCA_rmaps_base_oversubscribe=1", "OMPI_MCA_hwloc_base_binding_policy=none")
	return c
}

func (l launcher) run(t *testing.T, program string, n int, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out, err := l.command(ctx, program, n, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%d processes of %s: %v: %s", n, l.name, err, out)
	}
	return string(out)
}

const small = `network: inception_resnet_v1
width: 0.05
blocks: [1, 1, 1]
batch_norm_decay: 0.8
size: 75
crop: 1
distortion: shift
validation: {share: 0.2}
seed: 1
epochs: %d
batch: 8
micro_batches: 2
optimizer: {rmsprop: {decay: 0.9, momentum: 0.9, epsilon: 1}}
learning_rate: {initial: 0.02}
clip_norm: 2
weight_decay: 4.0e-5
label_smoothing: 0.1
average_decay: 0.8
save_every: 1ms
`

// files are a recipe and a set of two classes.
func files(t *testing.T, epochs int) (recipeFile, set string) {
	t.Helper()
	images := map[string][]byte{}
	for class, c := range []color.NRGBA{{200, 30, 30, 255}, {30, 30, 200, 255}} {
		for i := range 20 {
			images[fmt.Sprintf("class%d/%02d.png", class, i)] = pictures.PNG(t, pictures.Draw(16, 16, func(x, y int) color.NRGBA {
				return color.NRGBA{c.R + uint8(i), c.G + uint8(5*x), c.B + uint8(3*y), 255}
			}))
		}
	}
	recipeFile = filepath.Join(t.TempDir(), "small.yaml")
	if err := os.WriteFile(recipeFile, fmt.Appendf(nil, small, epochs), 0o666); err != nil {
		t.Fatal(err)
	}
	return recipeFile, filetree.Write(t, images)
}

func model(t *testing.T, folder string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestMPIRun trains with two processes of every MPI that the machine has: the parameters are
// those of one process with two micro-batches, bit for bit.
func TestMPIRun(t *testing.T) {
	all, program := launchers(t), program(t)
	file, set := files(t, 2)
	one := filepath.Join(t.TempDir(), "one")
	all[0].run(t, program, 0, "--recipe", file, "--data", set, "--run", one)
	for _, l := range all {
		two := filepath.Join(t.TempDir(), "two")
		out := l.run(t, program, 2, "--recipe", file, "--data", set, "--run", two)
		if !strings.Contains(out, "replicas=2") || strings.Count(out, ": trained at step 8") != 1 || !strings.Contains(out, "adding gradients") {
			t.Errorf("%s: the output is %s", l.name, out)
		}
		if model(t, two) != model(t, one) {
			t.Errorf("%s: two processes and two micro-batches have other parameters", l.name)
		}
		rounded := filepath.Join(t.TempDir(), "rounded")
		l.run(t, program, 2, "--recipe", file, "--data", set, "--run", rounded, "--replicas", "mpi:wire=bfloat16")
		if model(t, rounded) == model(t, one) {
			t.Errorf("%s: gradients sent as bfloat16 are not rounded", l.name)
		}
	}
}

// TestMPISynchronised trains with synchronised batch norm, whose values travel beside the
// gradients: with every MPI that the machine has the parameters are those of two replicas in one
// process, bit for bit.
func TestMPISynchronised(t *testing.T) {
	all, program := launchers(t), program(t)
	file, set := files(t, 2)
	r, _, err := recipe.OpenTraining(file)
	if err != nil {
		t.Fatal(err)
	}
	r.Data, r.BatchNorm = set, recipe.BatchNormSynchronised
	one := filepath.Join(t.TempDir(), "one")
	var running sync.WaitGroup
	for _, transport := range replica.Local(2) {
		running.Go(func() {
			backend, err := engine.New("threads=1")
			if err != nil {
				t.Error(err)
				return
			}
			defer backend.Finalize()
			if _, err := train.Start(t.Context(), backend, one, r, train.Options{Replicas: replica.New(transport, replica.Float32)}); err != nil {
				t.Error(err)
				transport.Abort(1)
			}
		})
	}
	running.Wait()
	if t.Failed() {
		return
	}
	for _, l := range all {
		two := filepath.Join(t.TempDir(), "two")
		l.run(t, program, 2, "--recipe", file, "--data", set, "--run", two, "--batch-norm", "synchronised")
		if model(t, two) != model(t, one) {
			t.Errorf("%s: two processes and two replicas of one process have other parameters", l.name)
		}
		parts := filepath.Join(t.TempDir(), "parts")
		l.run(t, program, 2, "--recipe", file, "--data", set, "--run", parts)
		if model(t, parts) == model(t, one) {
			t.Errorf("%s: batch norm is not synchronised", l.name)
		}
	}
}

// TestMPIKilled kills one of two processes: all end within seconds, and both the same number
// and another go on.
func TestMPIKilled(t *testing.T) {
	all, program := launchers(t), program(t)
	long, set := files(t, 1000)
	for _, l := range all {
		folder := filepath.Join(t.TempDir(), "run")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		c := l.command(ctx, program, 2, "--recipe", long, "--data", set, "--run", folder)
		output, err := os.Create(filepath.Join(t.TempDir(), "output"))
		if err != nil {
			t.Fatal(err)
		}
		defer output.Close()
		c.Stdout, c.Stderr = output, output
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		second := regexp.MustCompile(`1=[^ "]*:(\d+)`)
		for {
			text, err := os.ReadFile(output.Name())
			if err != nil {
				t.Fatal(err)
			}
			saved, _ := filepath.Glob(filepath.Join(folder, "checkpoints", "step-*"))
			if found := second.FindSubmatch(text); found != nil && len(saved) > 0 {
				pid, err := strconv.Atoi(string(found[1]))
				if err != nil {
					t.Fatal(err)
				}
				if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
				break
			}
			if ctx.Err() != nil {
				t.Fatalf("%s: no step was saved: %s", l.name, text)
			}
			time.Sleep(20 * time.Millisecond)
		}
		killed := time.Now()
		failed := c.Wait()
		var exit *exec.ExitError
		if took := time.Since(killed); !errors.As(failed, &exit) || took > 20*time.Second {
			t.Errorf("%s: after %s all ended with %v", l.name, took, failed)
		} else {
			t.Logf("%s: all ended %s after one was killed", l.name, took.Round(time.Millisecond))
		}
		text, err := os.ReadFile(filepath.Join(folder, "recipe.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		saved, err := filepath.Glob(filepath.Join(folder, "checkpoints", "step-*"))
		if err != nil || len(saved) == 0 {
			t.Fatalf("%s: %v, %v", l.name, saved, err)
		}
		var step int
		if _, err := fmt.Sscanf(filepath.Base(saved[len(saved)-1]), "step-%d", &step); err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{2, 1} {
			epochs := step/4 + 4 - n // 4 steps each
			changed := strings.Replace(string(text), "epochs: 1000", fmt.Sprint("epochs: ", epochs), 1)
			if err := os.WriteFile(filepath.Join(folder, "recipe.yaml"), []byte(changed), 0o666); err != nil {
				t.Fatal(err)
			}
			said := l.run(t, program, n, "--resume", "--run", folder)
			if !strings.Contains(said, fmt.Sprint("trained at step ", 4*epochs)) || strings.Contains(said, "another number of replicas") != (n == 1) {
				t.Errorf("%s: %d processes go on: %s", l.name, n, said)
			}
		}
	}
}
