package server

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/seed-fb2c0fa6/inception/predict"
)

// metrics are those of Triton, by its names, and those of Go and the process.
type metrics struct {
	success, failure, duration *prometheus.CounterVec
	handler                    http.Handler
}

func newMetrics(models []*Model) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, append([]string{"model", "version"}, labels...))
	}
	m := &metrics{
		success:  counter("nv_inference_request_success", "Requests that were answered."),
		failure:  counter("nv_inference_request_failure", "Requests that were not answered, by reason.", "reason"),
		duration: counter("nv_inference_request_duration_us", "Time of requests from their head to their answer, in microseconds."),
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(m.success, m.failure, m.duration, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, model := range models {
		labels := prometheus.Labels{"model": model.Name(), "version": model.protocol.Version}
		m.success.With(labels)
		for _, f := range batcherFigures() {
			figure := func() float64 { return f.of(model.batcher.Stats()) }
			if f.gauge {
				registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: f.name, Help: f.help, ConstLabels: labels}, figure))
			} else {
				registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: f.name, Help: f.help, ConstLabels: labels}, figure))
			}
		}
	}
	m.handler = promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	return m
}

// A figure is one of a Batcher.
type figure struct {
	name, help string
	gauge      bool
	of         func(predict.BatcherStats) float64
}

func batcherFigures() []figure {
	return []figure{
		{"nv_inference_count", "Images that went through the network.", false, func(s predict.BatcherStats) float64 { return float64(s.Images) }},
		{"nv_inference_exec_count", "Batches that went through the network.", false, func(s predict.BatcherStats) float64 {
			var n uint64
			for _, of := range s.Batches {
				n += of
			}
			return float64(n)
		}},
		{"nv_inference_pending_request_count", "Images that wait or are in the network.", true, func(s predict.BatcherStats) float64 { return float64(s.Waiting) }},
		{"nv_inference_queue_duration_us", "Time that images waited, in microseconds.", false, func(s predict.BatcherStats) float64 { return micro(s.Queued) }},
		{"nv_inference_compute_input_duration_us", "Time that pictures were decoded, in microseconds.", false, func(s predict.BatcherStats) float64 { return micro(s.Decoding) }},
		{"nv_inference_compute_infer_duration_us", "Time that images were in the network, in microseconds.", false, func(s predict.BatcherStats) float64 { return micro(s.Computing) }},
		{"inception_images_left", "Images that were not computed since their client had gone or their time was over.", false, func(s predict.BatcherStats) float64 { return float64(s.Left) }},
		{"inception_images_refused", "Images that were refused as too many were waiting.", false, func(s predict.BatcherStats) float64 { return float64(s.Refused) }},
		{"inception_pending_bytes", "Memory of the images that wait or are in the network.", true, func(s predict.BatcherStats) float64 { return float64(s.WaitingBytes) }},
	}
}

func micro(d time.Duration) float64 { return float64(d.Microseconds()) }

// observe counts a request.
func (m *metrics) observe(model, version string, took time.Duration, err error) {
	if err == nil {
		m.success.WithLabelValues(model, version).Inc()
	} else {
		m.failure.WithLabelValues(model, version, reasonOf(err)).Inc()
	}
	m.duration.WithLabelValues(model, version).Add(micro(took))
}

// reasonOf is Triton's word for why a request failed.
func reasonOf(err error) string {
	switch status, _ := statusOf(err); status {
	case http.StatusServiceUnavailable:
		return "REJECTED"
	case clientGone, http.StatusGatewayTimeout:
		return "CANCELED"
	case http.StatusInternalServerError:
		return "BACKEND"
	}
	return "OTHER"
}

func (s *Server) scrape(w http.ResponseWriter, r *http.Request) error {
	s.metrics.handler.ServeHTTP(w, r)
	return nil
}
