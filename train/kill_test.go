package train

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-fb2c0fa6/inception/engine"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/train/rundir"
)

// The environment of a process that is to be killed: the folder of its run, and the path
// of the recipe that it begins with.
const (
	killedFolder = "INCEPTION_TEST_RUN"
	killedRecipe = "INCEPTION_TEST_RECIPE"
)

// TestMain lets the test's program be the process that is killed.
func TestMain(m *testing.M) {
	folder := os.Getenv(killedFolder)
	if folder == "" {
		os.Exit(m.Run())
	}
	if err := trainToTheEnd(folder, os.Getenv(killedRecipe)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// trainToTheEnd begins a run or resumes it.
func trainToTheEnd(folder, path string) error {
	backend, err := engine.New("")
	if err != nil {
		return err
	}
	defer backend.Finalize()
	if rundir.Dir(folder).Begun() {
		_, err := Resume(context.Background(), backend, folder, Options{})
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	r, err := recipe.ParseTraining(text)
	if err != nil {
		return err
	}
	_, err = Start(context.Background(), backend, folder, r, Options{})
	return err
}

// TestKilled kills a run at random moments, in its steps and while it writes, and lets
// it go on each time.
func TestKilled(t *testing.T) {
	const kills = 20
	r := smallRecipe(writeSet(t, 2, 15, "train", "test"))
	r.Epochs, r.SaveEvery = 16, time.Nanosecond // a checkpoint after every step
	text, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "recipe.yaml")
	if err := os.WriteFile(path, text, 0o666); err != nil {
		t.Fatal(err)
	}
	straight := filepath.Join(t.TempDir(), "straight")
	if err := trainToTheEnd(straight, path); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "killed")
	random := rand.New(rand.NewPCG(3, 4))
	killed := 0
	for ; ; killed++ {
		process := exec.Command(os.Args[0])
		process.Env = append(os.Environ(), killedFolder+"="+folder, killedRecipe+"="+path)
		process.Stderr = os.Stderr
		if err := process.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- process.Wait() }()
		if killed < kills {
			if killed%4 != 0 { // otherwise perhaps before the first step
				comeForward(folder, random.IntN(3))
			}
			time.Sleep(time.Duration(random.Int64N(int64(20 * time.Millisecond))))
			_ = process.Process.Kill()
		}
		err := <-ended
		if err == nil {
			break
		}
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.Exited() {
			t.Fatalf("after %d kills: %v", killed, err)
		}
	}
	t.Logf("killed %d times", killed)
	if killed < kills {
		t.Errorf("the run ended after %d kills, want %d", killed, kills)
	}
	compareOutcomes(t, outcomeOf(t, folder), outcomeOf(t, straight))
}

// comeForward waits until a run has made more checkpoints than it had, or ended.
func comeForward(folder string, more int) {
	last := func() string {
		last, _ := rundir.Dir(folder).LastCheckpoint()
		return last
	}
	deadline := time.Now().Add(20 * time.Second)
	for seen := last(); more >= 0 && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if now := last(); now != seen {
			seen = now
			more--
		}
	}
}
