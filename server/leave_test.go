package server_test

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/server"
	"github.com/seed-fb2c0fa6/inception/server/inference"
)

// TestClientsLeave has clients send as many images, stay, leave or be killed while these wait,
// over both protocols, and counts by the metrics: what has been left is not computed.
func TestClientsLeave(t *testing.T) {
	const clients, batch = 24, 4
	file := picture(t, 80, 80)
	for _, protocol := range []string{"HTTP", "gRPC"} {
		staying := 0.0 // batches of clients that stay
		for _, how := range []string{"stay", "leave", "are killed"} {
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
			at := address(t, s, protocol)
			ask := asker(t, protocol, at, file)
			before := metric(t, s, "nv_inference_exec_count")
			ctx, gone := context.WithCancel(context.Background())
			var all sync.WaitGroup
			var processes []*exec.Cmd
			for n := range clients {
				of := context.Background()
				if how == "leave" && n%2 == 1 {
					of = ctx
				}
				if how == "are killed" && n%2 == 1 {
					process := exec.Command(os.Args[0], "-test.run=^TestClientProcess$")
					process.Env = append(os.Environ(), clientProcess+"="+protocol+" "+at)
					if err := process.Start(); err != nil {
						t.Fatal(err)
					}
					processes = append(processes, process)
					continue
				}
				all.Go(func() {
					if err := ask(of); err != nil && of == context.Background() {
						t.Errorf("%s: %v", protocol, err)
					}
				})
			}
			until(t, "all wait", func() bool { return pending(t, s) == clients })
			gone()
			for _, p := range processes {
				if err := p.Process.Kill(); err != nil {
					t.Error(err)
				}
				_ = p.Wait()
			}
			if how != "stay" {
				time.Sleep(time.Second) // in which the server learns of it
			}
			close(turns)
			all.Wait()
			if err := <-held; err != nil {
				t.Error(err)
			}
			until(t, "nothing waits", func() bool { return pending(t, s) == 0 })
			computed, batches := metric(t, s, "nv_inference_count"), metric(t, s, "nv_inference_exec_count")-before
			t.Logf("%s, clients %s: %v images in %v batches", protocol, how, computed, batches)
			want := map[string]float64{"stay": clients}[how]
			if how != "stay" {
				want = clients / 2
			}
			// Batches are smaller while pictures are decoded.
			if computed != want || batches < want/batch || how != "stay" && batches >= staying {
				t.Errorf("%s, clients %s: %v images were computed in %v batches, want %v, and fewer batches than the %v of clients that stay", protocol, how, computed, batches, want, staying)
			}
			if how == "stay" {
				staying = batches
			}
		}
	}
}

// clientProcess is the variable of what TestClientProcess asks.
const clientProcess = "INCEPTION_TEST_CLIENT"

// TestClientProcess is the client of a process of its own, to be killed.
func TestClientProcess(t *testing.T) {
	protocol, at, ok := strings.Cut(os.Getenv(clientProcess), " ")
	if !ok {
		t.Skip("a process of TestClientsLeave")
	}
	if err := asker(t, protocol, at, picture(t, 80, 80))(context.Background()); err != nil {
		t.Error(err)
	}
}

// address serves by a protocol.
func address(t *testing.T, s *server.Server, protocol string) string {
	t.Helper()
	if protocol == "gRPC" {
		connection, _ := overGRPC(t, s, server.Stopping{})
		return connection.Target()
	}
	url, _ := served(t, s, "http")
	return url
}

// asker returns what asks at an address.
func asker(t *testing.T, protocol, at string, file []byte) func(context.Context) error {
	t.Helper()
	if protocol == "gRPC" {
		connection, err := grpc.NewClient(at, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { connection.Close() })
		calls := inference.NewGRPCInferenceServiceClient(connection)
		return func(ctx context.Context) error {
			_, err := calls.ModelInfer(ctx, request("m", files(1), element(file)))
			return err
		}
	}
	return func(ctx context.Context) error {
		r, err := http.NewRequestWithContext(ctx, "POST", at+"/classify", bytes.NewReader(file))
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
