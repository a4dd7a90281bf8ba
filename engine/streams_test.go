package engine_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/seed-fb2c0fa6/inception/engine"
)

// TestStreams runs more programs at a time than there are streams, and expects of each the bits
// of one stream with all threads, whose number decides which convolutions are computed by
// Winograd's algorithm.
func TestStreams(t *testing.T) {
	for _, c := range []struct{ threads, streams int }{{2, 2}, {4, 2}, {4, 4}, {7, 3}, {8, 4}} {
		one := newBackend(t, fmt.Sprintf("threads=%d", c.threads))
		program := compileNetwork(t, one, "inception_v4", small, 1, smallSide)
		want, err := execute(program, generated(t, one, program, ""))
		if err != nil {
			t.Fatal(err)
		}
		backend := newBackend(t, fmt.Sprintf("threads=%d,streams=%d", c.threads, c.streams))
		if b := backend.(*engine.Backend); b.Streams() != c.streams || b.Threads() != c.threads ||
			b.Arithmetic() != one.(*engine.Backend).Arithmetic() || !strings.Contains(b.Description(), fmt.Sprintf("%d streams of %d threads", c.streams, c.threads/c.streams)) {
			t.Errorf("%+v: %s, %s", c, b.Description(), b.Arithmetic())
		}
		program = compileNetwork(t, backend, "inception_v4", small, 1, smallSide)
		var running sync.WaitGroup
		for range c.streams + 1 {
			inputs := generated(t, backend, program, "")
			running.Go(func() {
				for range 3 {
					got, err := execute(program, inputs)
					if err != nil {
						t.Error(err)
						return
					}
					if !sameBits(got, want) {
						t.Errorf("%+v: other bits than of one stream", c)
					}
				}
			})
		}
		running.Wait()
		program.Finalize()
		if _, err := execute(program, generated(t, backend, program, "")); err == nil {
			t.Errorf("%+v: a program that has been finalized has run", c)
		}
	}
	for config, want := range map[string]string{"threads=2,streams=3": "3 streams and 2 threads", "streams=0": "at least 1", "streams=x": "at least 1"} {
		if err := engine.CheckConfig(config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error is %v", config, err)
		}
	}
}
