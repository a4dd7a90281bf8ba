package server

import (
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"

	"github.com/seed-fb2c0fa6/inception/server/oip"
)

// infer answers an inference request of the Open Inference Protocol.
func (s *Server) infer(w http.ResponseWriter, r *http.Request) error {
	return s.useWithBody(r, s.modelOf, func(m *Model, body []byte) error {
		text, tensors, raw, err := oip.Split(r.Header, body)
		if err != nil {
			return err
		}
		var request *oip.Request
		if raw {
			request, err = m.protocol.ParseRaw(tensors)
		} else {
			request, err = m.protocol.Parse(text, tensors)
		}
		if err != nil {
			return err
		}
		response, err := m.infer(r.Context(), request)
		if err != nil {
			return err
		}
		answer, headerLength, err := response.Encode()
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", "application/json")
		if headerLength > 0 {
			w.Header().Set("Content-Type", "application/octet-stream")
			w.Header().Set(oip.HeaderLength, strconv.Itoa(headerLength))
		}
		w.Header().Add("Vary", "Accept-Encoding")
		if acceptsGzip(r) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write(answer)
			_ = z.Close()
			return nil
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
		_, _ = w.Write(answer)
		return nil
	})
}

// acceptsGzip reports whether a client asks for gzip by name.
func acceptsGzip(r *http.Request) bool {
	for _, part := range strings.Split(r.Header.Get("Accept-Encoding"), ",") {
		name, quality, _ := strings.Cut(strings.TrimSpace(part), ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		_, weight, given := strings.Cut(strings.ReplaceAll(strings.ToLower(quality), " ", ""), "q=")
		q, err := strconv.ParseFloat(weight, 64)
		if !given || err == nil && q > 0 {
			return true
		}
	}
	return false
}
