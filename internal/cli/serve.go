package cli

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gomlx/compute"
	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/version"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/server"
)

// serveFlags are the flags of `serve`.
type serveFlags struct {
	http       string
	batch      int
	queue      int
	maxBody    int64
	drainDelay time.Duration
	drain      time.Duration
	precision  string
	decode     decodeFlags
	backend    backendFlags
}

func serveCommand() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve NAME=WEIGHTS ...",
		Short: "Classify photographs that come over HTTP",
		Long: `Answer HTTP requests with one network or several, each under a NAME:

  POST /classify                   a picture, or a form of pictures; ?top=5. The first NAME
  POST /models/NAME/classify       the same of another
  /v2                              the Open Inference Protocol, as Triton and KServe have it
  POST /v1/models/NAME:predict     pictures in base64, as KServe's and TensorFlow Serving's
  GET /metrics                     figures for Prometheus

Images that wait while the network is busy are the next batch. When too many wait, further
ones get the status 503 at once. An interrupt or SIGTERM makes the server unready; it answers
on for --drain-delay, finishes what is under way, and ends.

WEIGHTS is a file, a folder or a tag, as predict --weights takes it.`,
		Example: `  inception serve v4=timm/inception_v4.tf_in1k
  inception serve flowers=runs/flowers v4=v4.safetensors --http :8000
  curl --data-binary @photo.jpg localhost:8000/classify`,
		Args: takesSeveral("NAME=WEIGHTS"),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	cmd.Flags().StringVar(&f.http, "http", "localhost:8000", "`address` to answer HTTP at; :8000 is all of the machine's")
	addBatch(cmd, &f.batch, predict.DefaultBatch, "images that run through a network at a time, at most")
	cmd.Flags().IntVar(&f.queue, "queue", predict.DefaultImages, "`images` that may wait for a network before others are refused")
	cmd.Flags().Int64Var(&f.maxBody, "max-body", server.DefaultMaxBody, "largest body of a request in `bytes`, also when it is decompressed")
	cmd.Flags().DurationVar(&f.drainDelay, "drain-delay", 0, "how long to answer on after a signal to stop, such as 5s")
	cmd.Flags().DurationVar(&f.drain, "drain-timeout", server.DefaultTimeout, "how long requests that are under way may take then")
	f.decode.add(cmd)
	// Strangers send pictures: what one takes is what all may take at a time.
	maxBytes := cmd.Flags().Lookup("max-bytes")
	maxBytes.DefValue = strconv.Itoa(predict.DefaultDecodeBytes)
	f.decode.maxBytes = predict.DefaultDecodeBytes
	f.decode.addExact(cmd)
	addPrecision(cmd, &f.precision, predict.Precisions(), "")
	cmd.Flags().Lookup("precision").Usage += precisionOfWeights
	f.backend.add(cmd)
	return cmd
}

func (f *serveFlags) check(args []string) error {
	var names []string
	for _, arg := range args {
		name, weights, ok := strings.Cut(arg, "=")
		if !ok || name == "" || weights == "" {
			return usageError{fmt.Errorf("expected NAME=WEIGHTS, such as v4=model.safetensors, found %q", arg)}
		}
		if err := server.CheckName(name); err != nil {
			return usageError{err}
		}
		if slices.Contains(names, name) {
			return usageError{fmt.Errorf("two models have the name %s; give each its own", name)}
		}
		names = append(names, name)
	}
	if f.drainDelay < 0 || f.drain <= 0 {
		return usageError{fmt.Errorf("--drain-delay must be at least 0, and --drain-timeout more, found %v and %v", f.drainDelay, f.drain)}
	}
	return cmp.Or(atLeast(1, "batch", f.batch), atLeast(1, "queue", f.queue), atLeast(1, "max-body", int(f.maxBody)),
		f.decode.check(), checkPrecision(f.precision, predict.Precisions()), f.backend.check())
}

func (f *serveFlags) run(cmd *cobra.Command, args []string) error {
	ctx := cmd.Context()
	if err := f.check(args); err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", f.http)
	if err != nil {
		return fmt.Errorf("--http: %w", err)
	}
	defer listener.Close()
	collectOften()
	backend, err := f.backend.open()
	if err != nil {
		return err
	}
	defer backend.Finalize()
	log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
	var definitions []server.Definition
	turns := predict.NewTurns()
	for _, arg := range args {
		name, weights, _ := strings.Cut(arg, "=")
		definitions = append(definitions, server.Definition{Name: name, Open: func(ctx context.Context) (*predict.Batcher, error) {
			return f.open(ctx, cmd, backend, weights, turns)
		}})
	}
	models := server.NewRepository(server.Fixed(definitions...), server.RepositoryOptions{Log: log})
	defer models.Close(context.WithoutCancel(ctx))
	if err := models.Refresh(ctx); err != nil {
		return err
	}
	s, err := server.New(models, server.Options{Version: version.Read().Version, MaxBody: f.maxBody, Bodies: max(server.DefaultBodies, 4*f.maxBody), Log: log})
	if err != nil {
		return usageError{err}
	}
	log.Info("ready", "http", "http://"+listener.Addr().String())
	if err := s.Serve(ctx, listener, server.Stopping{Delay: f.drainDelay, Timeout: f.drain}); err != nil {
		return err
	}
	log.Info("stopped")
	return nil
}

// open makes a classifier of weights.
func (f *serveFlags) open(ctx context.Context, cmd *cobra.Command, backend compute.Backend, weights string, turns *predict.Turns) (*predict.Batcher, error) {
	file, card, err := findWeights(ctx, cmd.ErrOrStderr(), weights)
	if err != nil {
		return nil, err
	}
	classifier, err := predict.Open(ctx, backend, predict.Config{Weights: file, Card: card, Precision: arch.Precision(f.precision)})
	if err != nil {
		return nil, err
	}
	batcher, err := predict.NewBatcher(classifier, predict.BatcherOptions{Batch: f.batch, Features: true, Images: f.queue, Decode: f.decode.options(), Turns: turns})
	if err != nil {
		classifier.Close()
	}
	return batcher, err
}
