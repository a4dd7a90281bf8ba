package train

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/engine"
	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/train/replica"
	"github.com/seed-fb2c0fa6/inception/train/rundir"
	"github.com/seed-fb2c0fa6/inception/weights/safetensors"
)

// trainTogether runs a training on replicas of this process, and ends all with the first
// error.
func trainTogether(size int, do func(rank int, o Options) (*Result, error)) ([]*Result, error) {
	var running sync.WaitGroup
	results, failures := make([]*Result, size), make([]error, size)
	for rank, transport := range replica.Local(size) {
		running.Go(func() {
			var err error
			if results[rank], err = do(rank, Options{Replicas: replica.New(transport, replica.Float32)}); err != nil {
				failures[rank] = err
				transport.Abort(1)
			}
		})
	}
	running.Wait()
	return results, errors.Join(failures...)
}

func startTogether(t *testing.T, backend compute.Backend, folder string, r recipe.Training, size int) []*Result {
	t.Helper()
	results, err := trainTogether(size, func(_ int, o Options) (*Result, error) {
		return Start(t.Context(), backend, folder, r, o)
	})
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// stateOf returns the last checkpoint's values, and its state.
func stateOf(t *testing.T, folder string) (map[string][]float32, state) {
	t.Helper()
	last, err := rundir.Dir(folder).LastCheckpoint()
	if err != nil {
		t.Fatal(err)
	}
	file, err := safetensors.Open(last)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	values := map[string][]float32{}
	for _, tensor := range file.Tensors() {
		size := 1
		for _, n := range tensor.Shape {
			size *= n
		}
		values[tensor.Name] = make([]float32, size)
		if err := tensor.Float32s(values[tensor.Name]); err != nil {
			t.Fatal(err)
		}
	}
	var st state
	if err := json.Unmarshal([]byte(file.Metadata()[stateKey]), &st); err != nil {
		t.Fatal(err)
	}
	return values, st
}

// compareRuns expects two runs to be the same bit for bit, but for what their checkpoints say
// of replicas.
func compareRuns(t *testing.T, got, want string) {
	t.Helper()
	theirs, ours := outcomeOf(t, want), outcomeOf(t, got)
	for _, o := range []map[string]string{theirs, ours} {
		for name := range o {
			if strings.HasPrefix(name, "step-") {
				delete(o, name)
			}
		}
	}
	compareOutcomes(t, ours, theirs)
	values, st := stateOf(t, got)
	wantValues, wantState := stateOf(t, want)
	for name, v := range wantValues {
		if !slices.Equal(values[name], v) {
			t.Fatalf("%s differs from that of the other run", name)
		}
	}
	if st.Step != wantState.Step || st.Position != wantState.Position || len(values) != len(wantValues) {
		t.Errorf("the state is %+v, want %+v", st, wantState)
	}
}

// TestReplicasAreMicroBatches compares a training of replicas, with one of them interrupted
// and resumed, with one of a process with as many micro-batches.
func TestReplicasAreMicroBatches(t *testing.T) {
	backend := cpubackend.New(t)
	r := smallRecipe(writeSet(t, 2, 15, "train", "test")) // 5 steps an epoch
	r.MicroBatches, r.DropoutKeep = 3, 0.7
	one := filepath.Join(t.TempDir(), "one")
	if _, err := Start(t.Context(), backend, one, r, Options{}); err != nil {
		t.Fatal(err)
	}
	three := filepath.Join(t.TempDir(), "three")
	for rank, result := range startTogether(t, backend, three, r, 3) {
		if !result.Finished || result.Step != 10 || (rank == 0) != (result.Best != nil) || result.Images != 60 || result.Reduction.Time <= 0 {
			t.Errorf("replica %d ended as %+v", rank, result)
		}
	}
	compareRuns(t, three, one)
	if _, st := stateOf(t, three); !slices.Equal(st.Partitions, []partition{{0, 3, 3}}) {
		t.Errorf("recorded %v, want 3 replicas", st.Partitions)
	}

	// Another than the first is interrupted, during step 4.
	folder := filepath.Join(t.TempDir(), "interrupted")
	results, err := trainTogether(3, func(rank int, o Options) (*Result, error) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		o.Progress = func(p Progress) {
			if rank == 2 && p.Step == 4 {
				cancel()
			}
		}
		return Start(ctx, backend, folder, r, o)
	})
	if err != nil {
		t.Fatal(err)
	}
	for rank, result := range results {
		if result.Finished || result.Step != 4 {
			t.Errorf("replica %d ended as %+v, want an interruption after step 4", rank, result)
		}
	}
	if _, err := trainTogether(3, func(_ int, o Options) (*Result, error) {
		return Resume(t.Context(), backend, folder, o)
	}); err != nil {
		t.Fatal(err)
	}
	compareRuns(t, folder, one)
}

// TestSynchronised trains replicas with synchronised batch norm, first two and then three: their
// losses are those of one process, whose batch norm is that of the whole batch, and those of
// replicas whose batch norm is each one's own are not. Of two micro-batches each replica has a
// part of both.
func TestSynchronised(t *testing.T) {
	backend, err := engine.New("winograd=off") // of little rounding, which steps magnify
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Finalize()
	r := smallRecipe(writeSet(t, 2, 15, "train", "test"))
	r.Batch, r.LogEvery, r.DropoutKeep, r.LearningRate.Initial = 12, 1, 1, 1e-3
	r.BatchNorm, r.Epochs = recipe.BatchNormSynchronised, 2
	for _, r.MicroBatches = range []int{1, 2} {
		one, several := filepath.Join(t.TempDir(), "one"), filepath.Join(t.TempDir(), "several")
		if _, err := Start(t.Context(), backend, one, r, Options{}); err != nil {
			t.Fatal(err)
		}
		if _, err := trainTogether(2, func(rank int, o Options) (*Result, error) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			o.Progress = func(p Progress) {
				if p.Step == 2 {
					cancel()
				}
			}
			return Start(ctx, backend, several, r, o)
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := trainTogether(3, func(_ int, o Options) (*Result, error) {
			return Resume(t.Context(), backend, several, o)
		}); err != nil {
			t.Fatal(err)
		}
		if _, st := stateOf(t, several); !slices.Equal(st.Partitions, []partition{{0, 2, 2 * r.MicroBatches}, {2, 3, 3 * r.MicroBatches}}) {
			t.Errorf("recorded %v", st.Partitions)
		}
		want, got := losses(t, one), losses(t, several)
		if len(want) < 5 || len(got) != len(want) {
			t.Fatalf("there are %d losses, and %d of one process", len(got), len(want))
		}
		most := 0.0
		for i := range want {
			most = max(most, math.Abs(got[i]-want[i])/want[i])
		}
		if t.Logf("with %d micro-batches, losses differ by at most %.2g", r.MicroBatches, most); most > 2e-3 {
			t.Errorf("losses of replicas %v, of one process %v", got, want)
		}
	}
	r.MicroBatches, r.BatchNorm = 0, recipe.BatchNormParts
	parts := filepath.Join(t.TempDir(), "parts")
	startTogether(t, backend, parts, r, 2)
	r.BatchNorm = recipe.BatchNormSynchronised
	whole := filepath.Join(t.TempDir(), "whole")
	startTogether(t, backend, whole, r, 2)
	if a, b := losses(t, parts), losses(t, whole); math.Abs(a[0]-b[0]) < 2e-3*b[0] {
		t.Errorf("the losses without synchronisation are %v, those with it %v", a, b)
	}
}

// losses are those of metrics.csv, of training and validation.
func losses(t *testing.T, folder string) (all []float64) {
	t.Helper()
	f, err := os.Open(filepath.Join(folder, "metrics.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for column, name := range rows[0] {
		for _, row := range rows[1:] {
			if name != "loss" && name != "validation_loss" || row[column] == "" {
				continue
			}
			v, err := strconv.ParseFloat(row[column], 64)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, v)
		}
	}
	return all
}

// TestValidationIsDivided has every image measured by one replica, also where there are more
// replicas than images.
func TestValidationIsDivided(t *testing.T) {
	r := smallRecipe(writeSet(t, 2, 3, "train", "test")).Resolved()
	d, err := openData(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	network, err := arch.New(r.Network, arch.Options{Classes: 2, Width: 0.125, Blocks: []int{1, 1, 1}})
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1, 2, 4, 7} {
		var names []string
		for _, transport := range replica.Local(size) {
			e, err := replicas{replica.New(transport, replica.Float32)}.newEvaluator(cpubackend.New(t), network, d.validation, dataset.LoaderOptions{Batch: 4, Preparation: r.Preprocessing()})
			if err != nil {
				t.Fatal(err)
			}
			defer e.close()
			if most := (d.validation.Len() + size - 1) / size; e.set.Len() > most || e.batch != 4 {
				t.Errorf("one of %d replicas measures %d images in batches of %d, of %d", size, e.set.Len(), e.batch, d.validation.Len())
			}
			for i := range e.set.Len() {
				names = append(names, e.set.Name(i))
			}
		}
		for i := range d.validation.Len() {
			if len(names) != d.validation.Len() || names[i] != d.validation.Name(i) {
				t.Fatalf("%d replicas measure %q", size, names)
			}
		}
	}
}

// TestOtherReplicas resumes with another number of replicas: it is said, and recorded.
func TestOtherReplicas(t *testing.T) {
	backend := cpubackend.New(t)
	r := smallRecipe(writeSet(t, 2, 15, "train", "test"))
	folder := filepath.Join(t.TempDir(), "run")
	for _, c := range []struct {
		size, until int
		said        string
		want        []partition
	}{
		{2, 3, "", []partition{{0, 2, 2}}},
		{3, 6, "step=3 replicas=3 before=2", []partition{{0, 2, 2}, {3, 3, 3}}},
		{1, 10, "step=6 replicas=1 before=3", []partition{{0, 2, 2}, {3, 3, 3}, {6, 1, 1}}},
	} {
		var log bytes.Buffer
		_, err := trainTogether(c.size, func(rank int, o Options) (*Result, error) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if rank == 0 {
				o.Log = slog.New(slog.NewTextHandler(&log, nil))
			}
			o.Progress = func(p Progress) {
				if p.Step == c.until {
					cancel()
				}
			}
			if rundir.Dir(folder).Begun() && c.until != 3 {
				return Resume(ctx, backend, folder, o)
			}
			return Start(ctx, backend, folder, r, o)
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, st := stateOf(t, folder); st.Step != c.until || !slices.Equal(st.Partitions, c.want) {
			t.Errorf("after step %d, %v is recorded, want %v", st.Step, st.Partitions, c.want)
		}
		if !strings.Contains(log.String(), c.said) || strings.Contains(log.String(), "another number") != (c.said != "") {
			t.Errorf("with %d replicas the log is %s", c.size, log.String())
		}
	}
}

// TestReplicasRefuse expects errors of what replicas cannot share, from all of them or from
// one that ends the others.
func TestReplicasRefuse(t *testing.T) {
	backend := cpubackend.New(t)
	r := smallRecipe(writeSet(t, 2, 15, "train", "test"))
	other := writeSet(t, 2, 16, "train", "test")
	taken := filepath.Join(t.TempDir(), "taken")
	if err := os.MkdirAll(taken, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := rundir.Dir(taken).Begin(r); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(rank int, r *recipe.Training)
		folder string
		want   string
	}{
		"micro-batches": {func(_ int, r *recipe.Training) { r.MicroBatches = 3 }, "", "2 replicas cannot share equally"},
		"batch":         {func(_ int, r *recipe.Training) { r.Batch = 3 }, "", "at least 2 images, for 2 replicas"},
		"synchronised":  {func(_ int, r *recipe.Training) { r.Batch, r.BatchNorm = 3, recipe.BatchNormSynchronised }, "", "micro-batch of 3 images cannot be divided among 2 replicas"},
		"a run there":   {func(int, *recipe.Training) {}, taken, "has a run already"},
		"other images":  {nil, "", "replica 1 has other images than the first"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := c.folder
			if folder == "" {
				folder = filepath.Join(t.TempDir(), "run")
			}
			_, err := trainTogether(2, func(rank int, o Options) (*Result, error) {
				r := r
				if c.change != nil {
					c.change(rank, &r)
					return Start(t.Context(), backend, folder, r, o)
				}
				set := r.Data // the same path, with other images on another machine
				if rank == 1 {
					set = other
				}
				return nil, replicas{o.Replicas}.sameImages(fingerprint{Names: set})
			})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want %q", err, c.want)
			}
		})
	}
}
