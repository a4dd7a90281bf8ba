package server

import (
	"net/http"
	"testing"
)

// TestAcceptsGzip reads the header as RFC 9110 writes weights.
func TestAcceptsGzip(t *testing.T) {
	for header, want := range map[string]bool{
		"": false, "gzip": true, "deflate, GZIP": true, "gzip;q=1.0": true, "gzip; q=0.001": true, "br;q=1, gzip ; Q=0.5": true,
		"gzip;q=0": false, "gzip;q=0.0": false, "gzip; q = 0": false, "gzip;Q=0.000": false, "identity": false, "xgzip": false,
	} {
		r := &http.Request{Header: http.Header{"Accept-Encoding": {header}}}
		if got := acceptsGzip(r); got != want {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
}
