package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/internal/version"
	"github.com/seed-fb2c0fa6/inception/server"
)

// serveFlags are the flags of `serve`.
type serveFlags struct {
	http           string
	grpc           string
	maxBody        int64
	maxConnections int
	watch          time.Duration
	drainDelay     time.Duration
	drain          time.Duration
	tls            server.TLSFiles
	keys           string
	cors           []string
	pprof          string
	logFormat      string
	modelControl   string
	models         modelFlags
}

// keysVariable is the environment's keys of clients.
const keysVariable = "INCEPTION_KEYS"

// The values of --model-control-mode, by Triton's names. Its third, poll, is --watch.
const controlNone, controlExplicit = "none", "explicit"

// watchEvery is how often --watch looks at files.
const watchEvery = 2 * time.Second

func serveCommand() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve NAME=WEIGHTS|FOLDER ...",
		Short: "Classify photographs that come over HTTP or gRPC",
		Long: `Answer requests with one network or several, each under a NAME:

  /                                a page to drop pictures on, and /docs, all that follows
  POST /classify                   a picture, or a form of pictures; ?top=5. The first NAME
  POST /models/NAME/classify       the same of another
  /v2                              the Open Inference Protocol, as Triton and KServe have it
  POST /v1/models/NAME:predict     pictures in base64, as KServe's and TensorFlow Serving's
  GET /metrics                     figures for Prometheus
  gRPC, with --grpc                the Open Inference Protocol, health, reflection

WEIGHTS is a file, a folder or a tag, as predict --weights takes it. A FOLDER of models has
NAME/VERSION/ with weights, such as v4/1/model.safetensors, as Triton's has, or
NAME.safetensors; the newest version of each is served, or --versions of them. Flags are for
all models, but --set NAME.FLAG=VALUE for one.

SIGHUP, or --watch by itself, loads what is new or has changed, beside what serves, which it
replaces when it is warm. What cannot be loaded leaves what serves as it is.

Images that wait while the network is busy are the next batch. When too many wait, further
ones get the status 503 at once. An interrupt or SIGTERM makes the server unready; it answers
on for --drain-delay, finishes what is under way, and ends; a second one ends it at once.

Without --keys, ` + keysVariable + ` (keys, one a line) or --tls-client-ca everybody who reaches the
address may ask. Clients load and unload models only with --model-control-mode explicit.`,
		Example: `  inception serve v4=timm/inception_v4.tf_in1k
  inception serve flowers=runs/flowers v4=v4.safetensors --set v4.precision=bfloat16
  inception serve v4=v4.safetensors --http :8000 --grpc :8001
  inception serve models/ --watch --tls-cert cert.pem --tls-key key.pem --keys keys.txt
  curl --data-binary @photo.jpg localhost:8000/classify`,
		Args: takesSeveral("NAME=WEIGHTS or folder of models"),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.http, "http", "localhost:8000", "`address` to answer HTTP at; :8000 is all of the machine's")
	flags.StringVar(&f.grpc, "grpc", "", "`address` to answer gRPC at, such as :8001 (default none)")
	flags.Int64Var(&f.maxBody, "max-body", server.DefaultMaxBody, "largest body of a request in `bytes`, also when it is decompressed")
	flags.IntVar(&f.maxConnections, "max-connections", server.DefaultConnections, "`connections` that may be open before others are closed")
	flags.DurationVar(&f.watch, "watch", 0, "load models that are new or have changed, looking every 2s, or as often as --watch=DURATION says")
	flags.Lookup("watch").NoOptDefVal = watchEvery.String()
	flags.DurationVar(&f.drainDelay, "drain-delay", 0, "how long to answer on after a signal to stop, such as 5s")
	flags.DurationVar(&f.drain, "drain-timeout", server.DefaultTimeout, "how long requests that are under way may take then")
	flags.StringVar(&f.tls.Certificate, "tls-cert", "", "`file` of the certificate in PEM, for TLS; used again when it changes")
	flags.StringVar(&f.tls.Key, "tls-key", "", "`file` of its key")
	flags.StringVar(&f.tls.ClientAuthority, "tls-client-ca", "", "`file` of the authorities of clients' certificates; without one of these clients are refused")
	flags.StringVar(&f.keys, "keys", "", "`file` of the keys that clients may send, one a line, read again when it changes (default those in "+keysVariable+")")
	flags.StringArrayVar(&f.cors, "cors", nil, "`origin` of web pages elsewhere that may ask, such as https://example.org, or * for all; may be given several times")
	flags.StringVar(&f.pprof, "pprof", "", "`address` to answer Go's profiler at, such as localhost:6060 (default none)")
	flags.StringVar(&f.logFormat, "log-format", "text", "how lines of the log are written: text or json")
	flags.StringVar(&f.modelControl, "model-control-mode", controlNone, "whether clients may load and unload models: none, or explicit for all who may ask")
	f.models.add(cmd)
	return cmd
}

func (f *serveFlags) check(args []string) error {
	if err := cmp.Or(atLeast(1, "max-body", int(f.maxBody)), atLeast(1, "max-connections", f.maxConnections), f.models.check(), f.models.checkModels(args)); err != nil {
		return err
	}
	switch {
	case f.drainDelay < 0 || f.drain <= 0:
		return usageError{fmt.Errorf("--drain-delay must be at least 0, and --drain-timeout more, found %v and %v", f.drainDelay, f.drain)}
	case f.watch < 0:
		return usageError{fmt.Errorf("--watch must be more than 0, found %v", f.watch)}
	case (f.tls.Certificate == "") != (f.tls.Key == ""):
		return usageError{errors.New("--tls-cert and --tls-key go together")}
	case f.tls.ClientAuthority != "" && f.tls.Certificate == "":
		return usageError{errors.New("--tls-client-ca needs --tls-cert and --tls-key")}
	case f.modelControl == "poll":
		return usageError{errors.New("--model-control-mode must be none or explicit, found poll; what changes in files is loaded with --watch")}
	case f.modelControl != controlNone && f.modelControl != controlExplicit:
		return usageError{fmt.Errorf("--model-control-mode must be none or explicit, found %q", f.modelControl)}
	case f.logFormat != "text" && f.logFormat != "json":
		return usageError{fmt.Errorf("--log-format must be text or json, found %q", f.logFormat)}
	}
	return nil
}

func (f *serveFlags) run(cmd *cobra.Command, args []string) error {
	ctx, cancel := context.WithCancelCause(cmd.Context())
	defer cancel(nil)
	if err := f.check(args); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
	if f.logFormat == "json" {
		log = slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), nil))
	}
	// One that comes while models are loaded waits, as else it would end the process.
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	options, err := f.options(log)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", f.http)
	if err != nil {
		return fmt.Errorf("--http: %w", err)
	}
	defer listener.Close()
	var calls net.Listener // of gRPC
	if f.grpc != "" {
		if calls, err = (&net.ListenConfig{}).Listen(ctx, "tcp", f.grpc); err != nil {
			return fmt.Errorf("--grpc: %w", err)
		}
		defer calls.Close()
	}
	if f.pprof != "" {
		stop, err := servePprof(ctx, f.pprof, log)
		if err != nil {
			return err
		}
		defer stop()
	}
	collectOften()
	all := newModels(&f.models, args, cmd.ErrOrStderr())
	models := server.NewRepository(all.source, server.RepositoryOptions{Log: log})
	defer func() {
		// What still computes after --drain-timeout needs its backend until the process ends.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
		defer cancel()
		if models.Close(ctx) == nil {
			all.close()
		}
	}()
	s, err := server.New(models, options)
	if err != nil {
		return usageError{err}
	}
	// It is alive, but not ready, while it loads.
	served := make(chan error, 1)
	go func() {
		served <- serveAt(ctx, s, listener, calls, server.Stopping{Delay: f.drainDelay, Timeout: f.drain})
	}()
	if err := models.Refresh(ctx); err != nil {
		if cmd.Context().Err() != nil {
			return <-served
		}
		listener.Close()
		if calls != nil {
			calls.Close()
		}
		<-served // what it says is of its listener
		return err
	}
	scheme := "http"
	if options.TLS != nil {
		scheme = "https"
	}
	ready := []any{"http", scheme + "://" + listener.Addr().String()}
	if calls != nil {
		ready = append(ready, "grpc", strings.Replace(scheme, "http", "grpc", 1)+"://"+calls.Addr().String())
	}
	log.Info("ready", ready...)
	var reloading sync.WaitGroup
	defer reloading.Wait()
	defer cancel(nil)
	reloading.Go(func() { refreshOnSignal(ctx, hangup, models) })
	if f.watch > 0 {
		reloading.Go(func() { models.Watch(ctx, f.watch) })
	}
	if err := <-served; err != nil {
		return err
	}
	log.Info("stopped")
	return nil
}

// closing is how long models that nobody uses, or a batch that somebody does, may take to end.
const closing = 10 * time.Second

// options are those of the server.
func (f *serveFlags) options(log *slog.Logger) (server.Options, error) {
	o := server.Options{
		Version: version.Read().Version, MaxBody: f.maxBody, Bodies: max(server.DefaultBodies, 4*f.maxBody), Log: log,
		Access: &server.Access{}, Origins: f.cors, ModelControl: f.modelControl == controlExplicit, Connections: server.NewConnections(f.maxConnections),
	}
	var err error
	if f.tls.Certificate != "" {
		if o.TLS, err = server.TLS(f.tls, log); err != nil {
			return o, fmt.Errorf("--tls-cert: %w", err)
		}
	}
	if f.tls.ClientAuthority != "" {
		o.Access.AllowCertificates()
	}
	switch keys, given := os.LookupEnv(keysVariable); {
	case f.keys != "":
		if err := o.Access.AllowKeysIn(f.keys, log); err != nil {
			return o, fmt.Errorf("--keys: %w", err)
		}
	case given:
		if err := o.Access.AllowKeys(keys); err != nil {
			return o, fmt.Errorf("the variable %s: %w", keysVariable, err)
		}
	}
	return o, nil
}

// refreshOnSignal loads what has changed at each signal. The log tells how that went.
func refreshOnSignal(ctx context.Context, hangup <-chan os.Signal, models *server.Repository) {
	for {
		select {
		case <-hangup:
			_ = models.Refresh(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// servePprof answers Go's profiler until stop is called.
func servePprof(ctx context.Context, address string, log *slog.Logger) (stop func(), err error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--pprof: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	h := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = h.Serve(listener) }()
	log.Info("profiling", "http", "http://"+listener.Addr().String()+"/debug/pprof/")
	return func() { _ = h.Close() }, nil
}
