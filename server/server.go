package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/seed-fb2c0fa6/inception/server/oip"
)

// Options say what a Server is. The zero value has the defaults.
type Options struct {
	// Version is that of the program, in the server's metadata.
	Version string
	// MaxBody is the largest body of a request in bytes, before and after it is decompressed;
	// DefaultMaxBody when zero.
	MaxBody int64
	// Bodies is how many bytes the bodies of all requests may hold at a time before others
	// are refused; DefaultBodies when zero.
	Bodies int64
	// Log takes a line for each request; none when nil.
	Log *slog.Logger
	// Access says who may ask; everybody when nil.
	Access *Access
	// Origins are those of web pages elsewhere, such as "https://example.org", that may ask by
	// their visitors' browsers; "*" stands for all.
	Origins []string
	// Connections bounds those of Serve; DefaultConnections at a time when nil.
	Connections *Connections
	// ModelControl lets those who may ask load and unload models, too.
	ModelControl bool
	// TLS, where it is not nil, encrypts the connections of Serve.
	TLS *tls.Config
}

// The defaults of Options.
const (
	DefaultMaxBody = 64 << 20
	DefaultBodies  = 1 << 30

	DefaultConnections = 1024
)

// A Server answers requests. It is an http.Handler.
type Server struct {
	options  Options
	models   *Repository
	mux      *http.ServeMux
	metrics  *metrics
	origins  *origins
	bodies   atomic.Int64 // bytes
	draining atomic.Bool
	times    connectionTimes
}

// An endpoint is what is answered at one method and path, a pattern of http.ServeMux.
type endpoint struct {
	pattern string
	answer  func(*Server, http.ResponseWriter, *http.Request) error
}

func endpoints() []endpoint {
	return []endpoint{
		{"POST /classify", (*Server).classify},
		{"POST /models/{model}/classify", (*Server).classify},
		{"POST /models/{model}/versions/{version}/classify", (*Server).classify},

		{"GET /v2", (*Server).serverMetadata},
		{"GET /v2/health/live", (*Server).live},
		{"GET /v2/health/ready", (*Server).ready},
		{"GET /v2/models/{model}", (*Server).modelMetadata},
		{"GET /v2/models/{model}/versions/{version}", (*Server).modelMetadata},
		{"GET /v2/models/{model}/ready", (*Server).modelReady},
		{"GET /v2/models/{model}/versions/{version}/ready", (*Server).modelReady},
		{"GET /v2/models/{model}/config", (*Server).modelConfig},
		{"GET /v2/models/{model}/versions/{version}/config", (*Server).modelConfig},
		{"POST /v2/models/{model}/infer", (*Server).infer},
		{"POST /v2/models/{model}/versions/{version}/infer", (*Server).infer},

		{"GET /v2/models/stats", (*Server).modelStatistics},
		{"GET /v2/models/{model}/stats", (*Server).modelStatistics},
		{"GET /v2/models/{model}/versions/{version}/stats", (*Server).modelStatistics},
		{"POST /v2/repository/index", (*Server).repositoryIndex},
		{"POST /v2/repository/models/{model}/load", (*Server).load},
		{"POST /v2/repository/models/{model}/unload", (*Server).unload},

		{"/v2/systemsharedmemory/", (*Server).noSharedMemory},
		{"/v2/cudasharedmemory/", (*Server).noSharedMemory},
		{"/v2/models/{model}/versions/{version}/trace/setting", (*Server).noSettings},
		{"/v2/models/{model}/trace/setting", (*Server).noSettings},
		{"/v2/trace/setting", (*Server).noSettings},
		{"/v2/logging", (*Server).noSettings},

		{"GET /v1/models", (*Server).modelNames},
		{"GET /v1/models/{model}", (*Server).modelStatus},
		{"GET /v1/models/{model}/versions/{version}", (*Server).modelStatus},
		{"GET /v1/models/{model}/labels/{label}", (*Server).modelStatus},
		{"GET /v1/models/{model}/metadata", (*Server).modelSignatures},
		{"GET /v1/models/{model}/versions/{version}/metadata", (*Server).modelSignatures},
		{"GET /v1/models/{model}/labels/{label}/metadata", (*Server).modelSignatures},
		{"POST /v1/models/{call}", (*Server).predictV1},
		{"POST /v1/models/{model}/versions/{call}", (*Server).predictV1},
		{"POST /v1/models/{model}/labels/{call}", (*Server).predictV1},

		{"GET /metrics", (*Server).scrape},

		{"GET /{$}", (*Server).index},
		{"POST /{$}", (*Server).index},
		{"POST /results", (*Server).results},
		{"GET /page/{file}", (*Server).asset},
		{"GET /docs", (*Server).docs},
		{"GET /openapi.json", (*Server).openAPI},
	}
}

// New returns a Server of the models of a repository, which the caller closes.
func New(models *Repository, o Options) (*Server, error) {
	if o.MaxBody == 0 {
		o.MaxBody = DefaultMaxBody
	}
	if o.Bodies == 0 {
		o.Bodies = DefaultBodies
	}
	if o.MaxBody < 1 || o.Bodies < o.MaxBody {
		return nil, fmt.Errorf("the largest body must be at least 1 byte, and all bodies must be no less, found %d and %d", o.MaxBody, o.Bodies)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Access == nil {
		o.Access = &Access{}
	}
	if o.Connections == nil {
		o.Connections = NewConnections(DefaultConnections)
	}
	origins, err := newOrigins(o.Origins)
	if err != nil {
		return nil, err
	}
	s := &Server{options: o, models: models, mux: http.NewServeMux(), metrics: newMetrics(models, o.Connections), origins: origins, times: connectionTimes{readHeaderTimeout, readTimeout}}
	for _, e := range endpoints() {
		s.mux.HandleFunc(e.pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := e.answer(s, w, r); err != nil {
				s.fail(w, r, err)
			}
		})
	}
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.fail(w, r, s.noEndpoint(r)) })
	return s, nil
}

// noEndpoint says what is wrong with a path or its method.
func (s *Server) noEndpoint(r *http.Request) error {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := s.mux.Handler(other); pattern != "/" {
			return &oip.Error{Status: http.StatusMethodNotAllowed, Message: fmt.Sprintf("%s: expected the method %s, found %s", r.URL.Path, method, r.Method)}
		}
	}
	return &oip.Error{Status: http.StatusNotFound, Message: fmt.Sprintf("there is nothing at %s; pictures go to /classify, the Open Inference Protocol is at /v2, and /docs tells all", r.URL.Path)}
}

// The calls of Triton that are refused.
var (
	errSharedMemory = &oip.Error{Status: http.StatusNotImplemented, Message: "shared memory is not supported; send tensors in the request"}
	errSettings     = &oip.Error{Status: http.StatusNotImplemented, Message: "settings of the log and of traces do not change while the server runs"}
)

func (s *Server) noSharedMemory(http.ResponseWriter, *http.Request) error { return errSharedMemory }

func (s *Server) noSettings(http.ResponseWriter, *http.Request) error { return errSettings }

// modelOf returns the model that a request names, which is in use until release is called.
func (s *Server) modelOf(r *http.Request) (m *Model, release func(), err error) {
	return s.models.Find(r.PathValue("model"), r.PathValue("version"))
}

// Unready makes the server say that it is not ready; it answers on.
func (s *Server) Unready() { s.draining.Store(true) }

// requestKey is the context's key of a request's id.
type requestKey struct{}

// ServeHTTP answers a request, logs it, and turns a panic into the status 500.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	trace, parent := traceOf(r.Header)
	id := idOf(r.Header, trace)
	r = r.WithContext(context.WithValue(r.Context(), requestKey{}, id))
	answer := &recorder{ResponseWriter: w}
	answer.Header().Set("X-Request-Id", id)
	defer func() {
		v := recover()
		begun := answer.status != 0
		if v != nil && v != http.ErrAbortHandler {
			s.fail(answer, r, caught(v))
		}
		s.metrics.responses.WithLabelValues(strconv.Itoa(answer.status)).Inc()
		line := []any{"method", r.Method, "path", r.URL.Path, "status", answer.status, "bytes", answer.bytes,
			"duration", time.Since(began), "remote", r.RemoteAddr, "id", id}
		if trace != "" {
			line = append(line, "trace", trace, "parent", parent)
		}
		s.options.Log.Info("request", line...)
		if v != nil && begun {
			panic(http.ErrAbortHandler) // a client must not take half an answer for the whole
		}
	}()
	done, err := s.origins.check(answer, r)
	if err == nil && !done && !open(r.URL.Path) {
		err = s.options.Access.Check(keyOf(r), r.TLS)
	}
	switch {
	case err != nil:
		s.fail(answer, r, err)
	case !done:
		s.mux.ServeHTTP(answer, r)
	}
}

// A recorder remembers what the log says of an answer.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int
}

func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += n
	return n, err
}
