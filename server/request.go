package server

import (
	"encoding/json"
	"fmt"
	"net/http"
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

// optionalJSON reads a body of JSON, if there is one.
func (s *Server) optionalJSON(r *http.Request, to any) error {
	body, release, err := s.body(r)
	if err != nil {
		return err
	}
	defer release()
	if len(body) == 0 {
		return nil
	}
	if err := oip.CheckJSON(body); err != nil {
		return err
	}
	if err := json.Unmarshal(body, to); err != nil {
		return badRequest("the body: expected an object: %v", err)
	}
	return nil
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
