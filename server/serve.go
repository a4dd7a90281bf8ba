package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Stopping says how a Server stops.
type Stopping struct {
	// Delay is how long it answers on after it has become unready, so that balancers take
	// note.
	Delay time.Duration
	// Timeout is how long requests that are under way may take then; DefaultTimeout when zero.
	Timeout time.Duration
}

// DefaultTimeout bounds stopping.
const DefaultTimeout = 30 * time.Second

// The limits on a connection.
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = time.Minute // of a whole request, or a message of gRPC
	writeTimeout      = 5 * time.Minute
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
)

// connectionTimes are limits on a connection.
type connectionTimes struct{ header, read time.Duration }

// Serve answers HTTP at a listener until the context ends, and then stops: it is unready at
// once, answers on for a delay, and finishes what is under way. Requests that are not answered
// in time are an error.
func (s *Server) Serve(ctx context.Context, at net.Listener, stopping Stopping) error {
	h := &http.Server{
		Handler: s, ReadHeaderTimeout: s.times.header, ReadTimeout: s.times.read, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(s.options.Log.Handler(), slog.LevelDebug),
	}
	bounded := s.options.Connections.Listener(at)
	if s.options.TLS != nil {
		bounded = tls.NewListener(bounded, s.options.TLS)
	}
	return s.until(ctx, at.Addr(), stopping, func() error { return h.Serve(bounded) }, func(bound context.Context) error {
		if err := h.Shutdown(bound); err != nil {
			return errors.Join(err, h.Close())
		}
		return nil
	})
}

// ServeGRPC answers gRPC as Serve does HTTP; both may serve at a time, with one context.
func (s *Server) ServeGRPC(ctx context.Context, at net.Listener, stopping Stopping) error {
	streams := make(chan struct{})
	g, health, arriving := s.newGRPC(streams)
	watching, end := context.WithCancel(context.WithoutCancel(ctx))
	var watches sync.WaitGroup
	watches.Go(func() { health.run(watching) })
	watches.Go(func() { arriving.run(watching, s.times.read) })
	defer func() {
		end()
		watches.Wait()
	}()
	bounded := s.options.Connections.Listener(at)
	return s.until(ctx, at.Addr(), stopping, func() error { return g.Serve(bounded) }, func(bound context.Context) error {
		close(streams)
		finished := make(chan struct{})
		go func() {
			g.GracefulStop()
			close(finished)
		}()
		select {
		case <-finished:
			return nil
		case <-bound.Done():
			g.Stop()
			<-finished
			return bound.Err()
		}
	})
}

// until serves until the context ends, and then stops.
func (s *Server) until(ctx context.Context, at net.Addr, stopping Stopping, serve func() error, stop func(bound context.Context) error) error {
	timeout := cmp.Or(stopping.Timeout, DefaultTimeout)
	ended := make(chan error, 1)
	go func() { ended <- serve() }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve at %s: %w", at, err)
	case <-ctx.Done():
	}
	s.Unready()
	s.options.Log.Info("stopping", "at", at.String(), "delay", stopping.Delay, "timeout", timeout)
	select {
	case err := <-ended:
		return fmt.Errorf("serve at %s: %w", at, err)
	case <-time.After(stopping.Delay):
	}
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	if err := stop(bound); err != nil {
		return fmt.Errorf("requests were under way for longer than %v, and were ended: %w", timeout, err)
	}
	return nil
}
