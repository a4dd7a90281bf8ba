package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/seed-fb2c0fa6/inception/server/oip"
)

// origins are those of web pages elsewhere that may ask by their visitors' browsers; "*" is
// all. Pages of other origins are refused what they might do without reading the answer, too.
type origins struct {
	allowed    []string
	protection *http.CrossOriginProtection
}

func newOrigins(allowed []string) (*origins, error) {
	o := &origins{allowed: allowed, protection: http.NewCrossOriginProtection()}
	for _, origin := range allowed {
		if origin == "*" {
			continue
		}
		if err := o.protection.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("an origin is given as https://example.org, or * for all, found %q: %w", origin, err)
		}
	}
	return o, nil
}

// check says what a page may read, and reports whether the request has had its whole answer.
func (o *origins) check(w http.ResponseWriter, r *http.Request) (done bool, err error) {
	origin := r.Header.Get("Origin")
	all := slices.Contains(o.allowed, "*")
	if origin != "" && (all || slices.Contains(o.allowed, origin)) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", origin)
		h.Add("Vary", "Origin")
		h.Set("Access-Control-Expose-Headers", "X-Request-Id, Inference-Header-Content-Length, Retry-After")
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			h.Set("Access-Control-Allow-Methods", "GET, POST")
			h.Set("Access-Control-Allow-Headers", strings.Join([]string{
				"Authorization", "Content-Encoding", "Content-Type", "Inference-Header-Content-Length", "Traceparent", "X-Api-Key", "X-Request-Id",
			}, ", "))
			h.Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
			return true, nil
		}
		return false, nil
	}
	if err := o.protection.Check(r); err != nil {
		return false, &oip.Error{Status: http.StatusForbidden, Message: fmt.Sprintf("web pages of the origin %q may not ask this server", origin)}
	}
	return false, nil
}
