package server_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
	"github.com/seed-fb2c0fa6/inception/server"
	"github.com/seed-fb2c0fa6/inception/server/client"
)

// TestClientLabels replaces a model, under the same version, by one of other classes: a client
// that has asked before names the new ones.
func TestClientLabels(t *testing.T) {
	folder := t.TempDir()
	r := server.NewRepository(folderSource(cpubackend.New(t), folder, 1), server.RepositoryOptions{Settle: -1})
	closed(t, r)
	s, err := server.New(r, server.Options{})
	if err != nil {
		t.Fatal(err)
	}
	connection, _ := overGRPC(t, s, server.Stopping{})
	c, err := client.New(connection.Target(), client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, salt := range []string{"old", "new", "old"} {
		put(t, filepath.Join(folder, "m.safetensors"), network(t, salt))
		if err := r.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			pictures, err := c.Classify(t.Context(), "m", 3, picture(t, 90, 80))
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range pictures[0].Predictions {
				if !strings.HasPrefix(p.Label, salt) {
					t.Errorf("the model of the classes %s answers %q", salt, p.Label)
				}
			}
		}
	}
}
