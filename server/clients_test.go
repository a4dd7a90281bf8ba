package server_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/server"
)

// TestClients runs clients of other projects, unchanged, where they are installed.
func TestClients(t *testing.T) {
	if testing.Short() {
		t.Skip("clients of other projects take seconds to start; leave out -short")
	}
	s := newServer(t, server.Options{Version: "1.2", ModelControl: true}, server.Definition{Name: "m", Version: "1", Open: func(context.Context) (*predict.Batcher, error) {
		return predict.NewBatcher(tiny(t), predict.BatcherOptions{Features: true}) // again at each load
	}})
	var at [2]string
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	for i, serve := range []func(context.Context, net.Listener, server.Stopping) error{s.Serve, s.ServeGRPC} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		at[i] = listener.Addr().String()
		go func() { ended <- serve(ctx, listener, server.Stopping{Timeout: 10 * time.Second}) }()
	}
	defer func() {
		stop()
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}()
	folder := t.TempDir()
	photo := filepath.Join(folder, "photo.png")
	if err := os.WriteFile(photo, picture(t, 90, 80), 0o600); err != nil {
		t.Fatal(err)
	}
	python := os.Getenv("PYTHON")
	if python == "" {
		python = "python3"
	}
	kserve := os.Getenv("PYTHON_KSERVE")
	if kserve == "" {
		kserve = python
	}
	grpcurl := os.Getenv("GRPCURL")
	if grpcurl == "" {
		grpcurl = "grpcurl"
	}
	for _, c := range []struct {
		script string
		run    []string
		needs  []string // a command that fails where the client is missing
	}{
		{"triton_http.py", []string{python}, []string{python, "-c", "import tritonclient.http"}},
		{"triton_grpc.py", []string{python}, []string{python, "-c", "import tritonclient.grpc"}},
		{"image_client.py", []string{python}, []string{python, "-c", "import tritonclient.http, tritonclient.grpc, PIL"}},
		{"kserve_client.py", []string{kserve}, []string{kserve, "-c", "import kserve"}},
		{"curl.sh", []string{"sh"}, []string{"curl", "--version"}},
		{"grpcurl.sh", []string{"sh"}, []string{grpcurl, "-version"}},
	} {
		t.Run(c.script, func(t *testing.T) {
			if out, err := exec.Command(c.needs[0], c.needs[1:]...).CombinedOutput(); err != nil {
				lines := strings.Split(strings.TrimSpace(string(out)), "\n")
				t.Skipf("%s is not installed: %v: %s", c.needs[0], err, lines[len(lines)-1])
			}
			bounded, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(bounded, c.run[0], filepath.Join("testdata", "clients", c.script))
			cmd.Env = append(os.Environ(), "HTTP="+at[0], "GRPC="+at[1], "MODEL=m", "SIZE=75", "PHOTO="+photo, "TMP="+folder, "GRPCURL="+grpcurl)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v:\n%s", err, out)
			}
			t.Logf("%s", out)
		})
	}
}
