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

func (s *Server) modelMetadata(w http.ResponseWriter, r *http.Request) error {
	m, leave, err := s.modelOf(r)
	if err != nil {
		return err
	}
	defer leave()
	writeJSON(w, http.StatusOK, m.protocol.Metadata())
	return nil
}
