package server_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/server"
)

// TestMetrics has promtool's checks mind no name that is not Triton's.
func TestMetrics(t *testing.T) {
	s := newServer(t, server.Options{}, model(t, "m", tiny(t), predict.BatcherOptions{}))
	ask(t, s, 200, "POST", "/classify", picture(t, 80, 80))
	ask(t, s, 400, "POST", "/classify", []byte("no picture"))
	text := ask(t, s, 200, "GET", "/metrics", nil).Body.String()
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if !strings.HasPrefix(p.Metric, "nv_inference_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	for _, line := range []string{
		`nv_inference_request_success{model="m",version="1"} 1`, `nv_inference_request_failure{model="m",reason="OTHER",version="1"} 1`,
		`nv_inference_count{model="m",version="1"} 1`, `inception_model_ready{model="m",version="1"} 1`, `inception_model_loads_total{model="m",version="1"} 1`,
		`inception_http_responses_total{status="400"} 1`, "go_goroutines", "process_open_fds", "process_resident_memory_bytes",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("%s is not in\n%s", line, text)
		}
	}
}
