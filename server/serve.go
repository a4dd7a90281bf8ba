package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
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
	readTimeout       = time.Minute
	writeTimeout      = 5 * time.Minute
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
)

// Serve answers at a listener until the context ends, and then stops: it is unready at once,
// answers on for a delay, and finishes what is under way. Requests that are not answered in
// time are an error.
func (s *Server) Serve(ctx context.Context, at net.Listener, stopping Stopping) error {
	if stopping.Timeout == 0 {
		stopping.Timeout = DefaultTimeout
	}
	h := &http.Server{
		Handler: s, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(s.options.Log.Handler(), slog.LevelDebug),
	}
	at = s.options.Connections.Listener(at)
	if s.options.TLS != nil {
		at = tls.NewListener(at, s.options.TLS)
	}
	ended := make(chan error, 1)
	go func() { ended <- h.Serve(at) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve at %s: %w", at.Addr(), err)
	case <-ctx.Done():
	}
	s.Unready()
	s.options.Log.Info("stopping", "delay", stopping.Delay, "timeout", stopping.Timeout)
	select {
	case err := <-ended:
		return fmt.Errorf("serve at %s: %w", at.Addr(), err)
	case <-time.After(stopping.Delay):
	}
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopping.Timeout)
	defer cancel()
	if err := h.Shutdown(bound); err != nil {
		return errors.Join(fmt.Errorf("requests were under way for longer than %v, and were ended: %w", stopping.Timeout, err), h.Close())
	}
	return nil
}
