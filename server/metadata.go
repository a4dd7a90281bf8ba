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

func (s *Server) modelMetadata(w http.ResponseWriter, r *http.Request) error {
	m, leave, err := s.modelOf(r)
	if err != nil {
		return err
	}
	defer leave()
	writeJSON(w, http.StatusOK, m.protocol.Metadata())
	return nil
}
