package server

import (
	"context"
	"net/http"
	"time"

	"google.golang.org/grpc/codes"
	grpchealth "google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/seed-fb2c0fa6/inception/server/inference"
	"github.com/seed-fb2c0fa6/inception/server/oip"
)

func (s *Server) live(w http.ResponseWriter, r *http.Request) error {
	writeJSON(w, http.StatusOK, oip.Live{Live: true})
	return nil
}

// takes reports whether requests should come for a model that serves. Other models, which may
// have failed, are nothing to it.
func (s *Server) takes() bool { return !s.draining.Load() }

// takesAll reports whether requests should come for all models.
func (s *Server) takesAll() bool { return s.takes() && s.models.Ready() }

// statusOfReady is what a probe of HTTP looks at.
func statusOfReady(ready bool) int {
	if ready {
		return http.StatusOK
	}
	return http.StatusServiceUnavailable
}

func (s *Server) ready(w http.ResponseWriter, r *http.Request) error {
	ready := s.takesAll()
	writeJSON(w, statusOfReady(ready), oip.Ready{Ready: ready})
	return nil
}

func (s *Server) modelReady(w http.ResponseWriter, r *http.Request) error {
	m, leave, err := s.modelOf(r)
	if err != nil {
		return err
	}
	defer leave()
	ready := s.takes()
	writeJSON(w, statusOfReady(ready), oip.ModelReady{Name: m.Name(), Ready: ready})
	return nil
}

// health answers grpc.health.v1: of the server, under no name and its service's, and of each
// model under its own.
type health struct {
	*grpchealth.Server // of those who watch
	server             *Server
}

func newHealth(s *Server) *health { return &health{grpchealth.NewServer(), s} }

// watchEvery is how soon who watches learns what has changed.
const watchEvery = 200 * time.Millisecond

// run tells those who watch until the context ends.
func (h *health) run(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	known := map[string]bool{}
	for {
		for _, name := range append(h.server.models.Names(), "", inference.GRPCInferenceService_ServiceDesc.ServiceName) {
			known[name] = true
		}
		for name := range known {
			h.SetServingStatus(name, h.of(name))
		}
		select {
		case <-ctx.Done():
			h.Shutdown()
			return
		case <-tick.C:
		}
	}
}

func (h *health) of(name string) healthpb.HealthCheckResponse_ServingStatus {
	ready := h.server.takesAll()
	if name != "" && name != inference.GRPCInferenceService_ServiceDesc.ServiceName {
		_, leave, err := h.server.models.Find(name, "")
		switch {
		case err == nil:
			leave()
			ready = h.server.takes()
		case codeOf(err) == codes.NotFound:
			return healthpb.HealthCheckResponse_SERVICE_UNKNOWN
		default:
			ready = false
		}
	}
	if ready {
		return healthpb.HealthCheckResponse_SERVING
	}
	return healthpb.HealthCheckResponse_NOT_SERVING
}

// Check tells what is so now.
func (h *health) Check(_ context.Context, in *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	of := h.of(in.Service)
	if of == healthpb.HealthCheckResponse_SERVICE_UNKNOWN {
		return nil, status.Errorf(codes.NotFound, "there is no model or service %q", in.Service)
	}
	return &healthpb.HealthCheckResponse{Status: of}, nil
}
