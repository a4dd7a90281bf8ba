package server

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are those of Triton, by its names, and those of Go and the process.
type metrics struct {
	success, failure, duration *prometheus.CounterVec
	responses, calls           *prometheus.CounterVec
	handler                    http.Handler
	requests                   requestCounts
}

// ofModel are the labels of a model's figures.
func ofModel(more ...string) []string { return append([]string{"model", "version"}, more...) }

func newMetrics(models *Repository, connections *Connections) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, ofModel(labels...))
	}
	m := &metrics{
		success:  counter("nv_inference_request_success", "Requests that were answered."),
		failure:  counter("nv_inference_request_failure", "Requests that were not answered, by reason.", "reason"),
		duration: counter("nv_inference_request_duration_us", "Time of requests from their head to their answer, in microseconds."),
	}
	m.responses = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "inception_http_responses_total", Help: "Answers over HTTP, by status; 499 where the client did not wait."}, []string{"status"})
	m.calls = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "inception_grpc_calls_total", Help: "Calls over gRPC, by code."}, []string{"code"})
	open := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "inception_connections", Help: "Connections that are open."}, func() float64 { return float64(connections.open.Load()) })
	refused := prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "inception_connections_refused_total", Help: "Connections that were closed as too many were open."}, func() float64 { return float64(connections.refused.Load()) })
	registry := prometheus.NewRegistry()
	registry.MustRegister(m.success, m.failure, m.duration, m.responses, m.calls, open, refused, newModelCollector(models), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.handler = promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	return m
}

// A modelCollector tells the figures of the models that are there when it is asked.
type modelCollector struct {
	models       *Repository
	figures      []figure
	descriptions []*prometheus.Desc
}

func newModelCollector(models *Repository) *modelCollector {
	c := &modelCollector{models: models, figures: modelFigures()}
	for _, f := range c.figures {
		c.descriptions = append(c.descriptions, prometheus.NewDesc(f.name, f.help, ofModel(), nil))
	}
	return c
}

// Describe is prometheus.Collector's.
func (c *modelCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range c.descriptions {
		to <- d
	}
}

// Collect is prometheus.Collector's.
func (c *modelCollector) Collect(to chan<- prometheus.Metric) {
	for _, state := range c.models.Index() {
		for i, f := range c.figures {
			kind := prometheus.CounterValue
			if f.gauge {
				kind = prometheus.GaugeValue
			}
			to <- prometheus.MustNewConstMetric(c.descriptions[i], kind, f.of(state), state.Name, state.Version)
		}
	}
}

// A figure is one of a model.
type figure struct {
	name, help string
	gauge      bool
	of         func(ModelState) float64
}

func modelFigures() []figure {
	return []figure{
		{"nv_inference_count", "Images that went through the network.", false, func(m ModelState) float64 { return float64(m.Stats.Images) }},
		{"nv_inference_exec_count", "Batches that went through the network.", false, func(m ModelState) float64 {
			var n uint64
			for _, of := range m.Stats.Batches {
				n += of
			}
			return float64(n)
		}},
		{"nv_inference_pending_request_count", "Images that wait or are in the network.", true, func(m ModelState) float64 { return float64(m.Stats.Waiting) }},
		{"nv_inference_queue_duration_us", "Time that images waited, in microseconds.", false, func(m ModelState) float64 { return micro(m.Stats.Queued) }},
		{"nv_inference_compute_input_duration_us", "Time that pictures were decoded, in microseconds.", false, func(m ModelState) float64 { return micro(m.Stats.Decoding) }},
		{"nv_inference_compute_infer_duration_us", "Time that images were in the network, in microseconds.", false, func(m ModelState) float64 { return micro(m.Stats.Computing) }},
		{"inception_images_left_total", "Images that were not computed since their client had gone or their time was over.", false, func(m ModelState) float64 { return float64(m.Stats.Left) }},
		{"inception_images_refused_total", "Images that were refused as too many were waiting.", false, func(m ModelState) float64 { return float64(m.Stats.Refused) }},
		{"inception_pending_bytes", "Memory of the images that wait or are in the network.", true, func(m ModelState) float64 { return float64(m.Stats.WaitingBytes) }},
		{"inception_model_ready", "1 where the model serves.", true, func(m ModelState) float64 { return one(m.State == Ready) }},
		{"inception_model_load_failed", "1 where the last load failed, also while an earlier one serves.", true, func(m ModelState) float64 { return one(m.Failed) }},
		{"inception_model_loads_total", "Loads that succeeded.", false, func(m ModelState) float64 { return float64(m.Loads) }},
		{"inception_model_load_failures_total", "Loads that failed.", false, func(m ModelState) float64 { return float64(m.Failures) }},
	}
}

func one(holds bool) float64 {
	if holds {
		return 1
	}
	return 0
}

func micro(d time.Duration) float64 { return float64(d.Microseconds()) }

// observe counts a request.
func (m *metrics) observe(model, version string, took time.Duration, err error) {
	m.requests.add(model, version, took, err)
	if err == nil {
		m.success.WithLabelValues(model, version).Inc()
	} else {
		m.failure.WithLabelValues(model, version, reasonOf(err)).Inc()
	}
	m.duration.WithLabelValues(model, version).Add(micro(took))
}

func (s *Server) scrape(w http.ResponseWriter, r *http.Request) error {
	s.metrics.handler.ServeHTTP(w, r)
	return nil
}
