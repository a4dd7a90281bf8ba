package predict

import (
	"context"
	"testing"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
)

// A panicking backend panics with what is no error when a program is begun.
type panicking struct {
	compute.Backend
	begun   chan struct{}
	release chan struct{}
}

func (p panicking) Builder(string) compute.Builder {
	close(p.begun)
	<-p.release
	panic("no error")
}

// TestCompilePanics has one goroutine panic in compiling what another waits for.
func TestCompilePanics(t *testing.T) {
	network, err := arch.New("inception_resnet_v1", arch.Options{})
	if err != nil {
		t.Fatal(err)
	}
	backend := panicking{cpubackend.New(t), make(chan struct{}), make(chan struct{})}
	p := newPrograms(backend, network, model.NewStore(), 75)
	key := programKey{output: toLogits{}, batch: 1}
	recovered := make(chan any)
	go func() {
		defer func() { recovered <- recover() }()
		_, _ = p.find(context.Background(), key)
	}()
	<-backend.begun
	found := p.all[key]
	waited := make(chan error)
	go func() {
		<-found.done
		waited <- found.err
	}()
	close(backend.release)
	if r := <-recovered; r != "no error" {
		t.Errorf("recovered %v, want the backend's panic", r)
	}
	select {
	case err := <-waited:
		if err == nil {
			t.Error("a program that was not compiled has no error")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("who waits for the program hangs")
	}
	if len(p.all) != 0 {
		t.Error("the program that was not compiled is kept")
	}
	p.close()
}
