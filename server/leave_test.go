package server_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/server"
	"github.com/seed-fb2c0fa6/inception/server/inference"
)

// TestClientsLeave has clients send as many images, stay or leave while these wait, over both
// protocols, and counts by the metrics: what has been left is not computed.
func TestClientsLeave(t *testing.T) {
	const clients, batch = 24, 4
	file := picture(t, 80, 80)
	for _, protocol := range []string{"HTTP", "gRPC"} {
		var computed [2]float64
		for i, leave := range []bool{false, true} {
			turns := make(chan struct{})
			c := tiny(t)
			// What a batch waits for is the test's.
			shared := predict.NewTurns(1)
			s := newServer(t, server.Options{}, server.Definition{Name: "m", Version: "1", Open: func(context.Context) (*predict.Batcher, error) {
				return predict.NewBatcher(c, predict.BatcherOptions{Batch: batch, Turns: shared})
			}})
			holder, err := predict.NewBatcher(c, predict.BatcherOptions{Batch: 1, Turns: shared})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(holder.Close)
			begun := make(chan struct{})
			held := make(chan error, 1)
			go func() {
				_, err := holder.Classify(context.Background(), predict.Input{Write: func(dst []float32) error {
					clear(dst)
					close(begun)
					<-turns
					return nil
				}})
				held <- err
			}()
			<-begun
			ask := client(t, s, protocol, file)
			before := metric(t, s, "nv_inference_exec_count")
			ctx, gone := context.WithCancel(context.Background())
			var all sync.WaitGroup
			for n := range clients {
				of := context.Background()
				if leave && n%2 == 1 {
					of = ctx
				}
				all.Go(func() {
					if err := ask(of); err != nil && of == context.Background() {
						t.Errorf("%s: %v", protocol, err)
					}
				})
			}
			until(t, "all wait", func() bool { return pending(t, s) == clients })
			gone()
			if leave {
				time.Sleep(300 * time.Millisecond) // in which the server learns of it
			}
			close(turns)
			all.Wait()
			if err := <-held; err != nil {
				t.Error(err)
			}
			until(t, "nothing waits", func() bool { return pending(t, s) == 0 })
			computed[i] = metric(t, s, "nv_inference_count")
			t.Logf("%s, clients leave %v: %v images in %v batches", protocol, leave, computed[i], metric(t, s, "nv_inference_exec_count")-before)
		}
		if computed[0] != clients || computed[1] != clients/2 {
			t.Errorf("%s: %v images were computed when none left, want %d; %v when half left, want %d", protocol, computed[0], clients, computed[1], clients/2)
		}
	}
}

// client serves by a protocol, and returns what asks.
func client(t *testing.T, s *server.Server, protocol string, file []byte) func(context.Context) error {
	t.Helper()
	if protocol == "gRPC" {
		connection, _ := overGRPC(t, s, server.Stopping{})
		calls := inference.NewGRPCInferenceServiceClient(connection)
		return func(ctx context.Context) error {
			_, err := calls.ModelInfer(ctx, request("m", files(1), element(file)))
			return err
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, listener, server.Stopping{}) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return func(ctx context.Context) error {
		r, err := http.NewRequestWithContext(ctx, "POST", "http://"+listener.Addr().String()+"/classify", bytes.NewReader(file))
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		return answer.Body.Close()
	}
}
