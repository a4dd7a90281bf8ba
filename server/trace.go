package server

import (
	"crypto/rand"
	"net/http"
	"regexp"
)

// traceparent is W3C's header: version, trace, parent, flags.
var traceparent = regexp.MustCompile(`^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$`)

var printableID = regexp.MustCompile(`^[!-~]{1,128}$`)

// traceOf returns the ids of the trace and the span that a request is a part of; empty where
// its header Traceparent is missing or wrong.
func traceOf(h http.Header) (trace, parent string) {
	values := h.Values("Traceparent")
	if len(values) != 1 {
		return "", ""
	}
	m := traceparent.FindStringSubmatch(values[0])
	if m == nil || m[1] == "ff" || m[1] == "00" && m[5] != "" || allZero(m[2]) || allZero(m[3]) {
		return "", ""
	}
	return m[2], m[3]
}

func allZero(s string) bool {
	for _, c := range s {
		if c != '0' {
			return false
		}
	}
	return true
}

// idOf returns the id of a request: the client's, or that of its trace, or a new one.
func idOf(h http.Header, trace string) string {
	if id := h.Get("X-Request-Id"); printableID.MatchString(id) {
		return id
	}
	if trace != "" {
		return trace
	}
	return rand.Text()
}
