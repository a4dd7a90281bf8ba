package server

import (
	"compress/gzip"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/server/oip"
)

// body reads the body of a request. The function that it returns gives its memory back.
func (s *Server) body(r *http.Request) (data []byte, release func(), err error) {
	var held int64
	release = func() { s.bodies.Add(-held) }
	grow := func(bytes int64) error {
		if err := s.take(bytes); err != nil {
			return err
		}
		held += bytes
		return nil
	}
	// What is compressed, or tells no length, takes memory as it comes.
	reading := grow
	if r.ContentLength >= 0 && r.ContentLength <= s.options.MaxBody && r.Header.Get("Content-Encoding") == "" {
		if err := grow(r.ContentLength); err != nil {
			return nil, nil, err
		}
		reading = nil
	}
	if data, err = oip.ReadBody(r, s.options.MaxBody, reading); err != nil {
		release()
		return nil, nil, err
	}
	return data, release, nil
}

// take takes memory of that for all requests at a time.
func (s *Server) take(bytes int64) error {
	if s.bodies.Add(bytes) > s.options.Bodies {
		s.bodies.Add(-bytes)
		return fmt.Errorf("the bodies of other requests take all memory that there is for them: %w", predict.ErrBusy)
	}
	return nil
}

// reserve is take until release is called.
func (s *Server) reserve(bytes int64) (release func(), err error) {
	if err := s.take(bytes); err != nil {
		return nil, err
	}
	return func() { s.bodies.Add(-bytes) }, nil
}

// use runs what answers a request of a model, counts it, and releases the model.
func (s *Server) use(m *Model, leave func(), answer func() error) (err error) {
	defer leave()
	began := time.Now()
	defer func() { s.metrics.observe(m.Name(), m.Version(), time.Since(began), err) }()
	return answer()
}

// useWithBody is use of the model that a request names, with the request's body.
func (s *Server) useWithBody(r *http.Request, find func(*http.Request) (*Model, func(), error), answer func(m *Model, body []byte) error) error {
	m, leave, err := find(r)
	if err != nil {
		return err
	}
	return s.use(m, leave, func() error {
		body, release, err := s.body(r)
		if err != nil {
			return err
		}
		defer release()
		return answer(m, body)
	})
}

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
		if strings.EqualFold(strings.TrimSpace(name), "gzip") && strings.ReplaceAll(quality, " ", "") != "q=0" {
			return true
		}
	}
	return false
}
