package server_test

import (
	"context"
	"errors"
	"testing"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/server"
	"github.com/seed-fb2c0fa6/inception/server/inference"
)

// TestReady asks in every way whether models and the server are ready, of which one model
// cannot be loaded: that is nothing to the other, until the server stops.
func TestReady(t *testing.T) {
	broken := server.Definition{Name: "broken", Open: func(context.Context) (*predict.Batcher, error) { return nil, errors.New("no weights") }}
	r := server.NewRepository(server.Fixed(model(t, "m", tiny(t), batcherDefaults), broken), server.RepositoryOptions{})
	if err := r.Refresh(context.Background()); err == nil {
		t.Fatal("the broken model is loaded")
	}
	closed(t, r)
	s, err := server.New(r, server.Options{})
	if err != nil {
		t.Fatal(err)
	}
	connection, _ := overGRPC(t, s, server.Stopping{})
	calls, health := inference.NewGRPCInferenceServiceClient(connection), healthpb.NewHealthClient(connection)
	expect := func(name string, ready bool) {
		t.Helper()
		paths := []string{"/v2/models/" + name + "/ready", "/v1/models/" + name}
		if name == "" {
			paths = []string{"/v2/health/ready"}
		}
		status, serving := 503, healthpb.HealthCheckResponse_NOT_SERVING
		if ready {
			status, serving = 200, healthpb.HealthCheckResponse_SERVING
		}
		for _, path := range paths {
			ask(t, s, status, "GET", path, nil)
		}
		if name == "" {
			if got, err := calls.ServerReady(context.Background(), &inference.ServerReadyRequest{}); err != nil || got.Ready != ready {
				t.Errorf("ServerReady: %v, %v, want %v", got, err, ready)
			}
		} else if got, err := calls.ModelReady(context.Background(), &inference.ModelReadyRequest{Name: name}); err != nil || got.Ready != ready {
			t.Errorf("ModelReady of %s: %v, %v, want %v", name, got, err, ready)
		}
		if got, err := health.Check(context.Background(), &healthpb.HealthCheckRequest{Service: name}); err != nil || got.Status != serving {
			t.Errorf("the health of %q: %v, %v, want %v", name, got, err, serving)
		}
	}
	expect("m", true)
	expect("broken", false)
	expect("", false)
	s.Unready()
	expect("m", false)
}
