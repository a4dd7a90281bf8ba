package oip

import (
	"fmt"
	"net/http"
)

// An Error is a fault of a request.
type Error struct {
	Status  int // of HTTP
	Message string
}

func (e *Error) Error() string { return e.Message }

// faultf is a request that is wrong in itself.
func faultf(format string, args ...any) error {
	return &Error{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// ErrorBody is the body of a response to a request that failed.
type ErrorBody struct {
	Error string `json:"error"`
}
