package server_test

import (
	"context"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/seed-fb2c0fa6/inception/server"
	"github.com/seed-fb2c0fa6/inception/server/inference"
)

// TestModelControl loads and unloads by both protocols, where that is allowed and where not.
func TestModelControl(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		s := newServer(t, server.Options{ModelControl: allowed}, model(t, "m", tiny(t), batcherDefaults))
		connection, _ := overGRPC(t, s, server.Stopping{})
		client := inference.NewGRPCInferenceServiceClient(connection)
		code, want, missing := 200, codes.OK, 404
		if !allowed {
			code, want, missing = 403, codes.PermissionDenied, 403
		}
		ask(t, s, code, "POST", "/v2/repository/models/m/load", nil)
		if _, err := client.RepositoryModelLoad(context.Background(), &inference.RepositoryModelLoadRequest{ModelName: "m"}); status.Code(err) != want {
			t.Errorf("allowed %v: load over gRPC: %v", allowed, err)
		}
		ask(t, s, missing, "POST", "/v2/repository/models/x/unload", nil)
		ask(t, s, 200, "GET", "/v2/models/m/ready", nil)
		if _, err := client.RepositoryModelUnload(context.Background(), &inference.RepositoryModelUnloadRequest{ModelName: "m"}); status.Code(err) != want {
			t.Errorf("allowed %v: unload over gRPC: %v", allowed, err)
		}
		ask(t, s, map[bool]int{true: 503, false: 200}[allowed], "GET", "/v2/models/m/ready", nil)
		ask(t, s, 200, "POST", "/v2/repository/index", nil)
	}
}
