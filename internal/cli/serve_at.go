package cli

import (
	"context"
	"errors"
	"net"
	"sync"

	"github.com/seed-fb2c0fa6/inception/server"
)

// serveAt answers HTTP, and gRPC where there is a listener for it, until the context ends or
// one of them fails.
func serveAt(ctx context.Context, s *server.Server, http, grpc net.Listener, stopping server.Stopping) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var both sync.WaitGroup
	var errs [2]error
	both.Go(func() {
		defer stop()
		errs[0] = s.Serve(ctx, http, stopping)
	})
	if grpc != nil {
		both.Go(func() {
			defer stop()
			errs[1] = s.ServeGRPC(ctx, grpc, stopping)
		})
	}
	both.Wait()
	return errors.Join(errs[:]...)
}
