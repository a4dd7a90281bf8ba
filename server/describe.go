package server

import (
	"net/http"

	"github.com/seed-fb2c0fa6/inception/server/oip"
)

func (s *Server) serverMetadata(w http.ResponseWriter, r *http.Request) error {
	writeJSON(w, http.StatusOK, s.metadata())
	return nil
}

func (s *Server) metadata() oip.ServerMetadata {
	return oip.ServerMetadata{Name: "inception", Version: s.options.Version, Extensions: oip.Extensions()}
}

func (s *Server) live(w http.ResponseWriter, r *http.Request) error {
	writeJSON(w, http.StatusOK, oip.Live{Live: true})
	return nil
}

// readiness is the status of whether requests should come.
func (s *Server) readiness() (ready bool, status int) {
	if s.draining.Load() || !s.models.Ready() {
		return false, http.StatusServiceUnavailable
	}
	return true, http.StatusOK
}

func (s *Server) ready(w http.ResponseWriter, r *http.Request) error {
	ready, status := s.readiness()
	writeJSON(w, status, oip.Ready{Ready: ready})
	return nil
}

func (s *Server) modelReady(w http.ResponseWriter, r *http.Request) error {
	m, leave, err := s.modelOf(r)
	if err != nil {
		return err
	}
	defer leave()
	ready, status := s.readiness()
	writeJSON(w, status, oip.ModelReady{Name: m.Name(), Ready: ready})
	return nil
}

func (s *Server) modelMetadata(w http.ResponseWriter, r *http.Request) error {
	m, leave, err := s.modelOf(r)
	if err != nil {
		return err
	}
	defer leave()
	writeJSON(w, http.StatusOK, m.protocol.Metadata())
	return nil
}
