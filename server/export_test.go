package server

import "time"

// SetTimes shortens the limits on a connection, before it serves.
func (s *Server) SetTimes(header, read time.Duration) { s.times = connectionTimes{header, read} }
