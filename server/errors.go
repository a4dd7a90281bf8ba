package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	"google.golang.org/grpc/codes"

	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/score"
	"github.com/seed-fb2c0fa6/inception/server/oip"
)

// clientGone is the status, in the log alone, of a request whose client did not wait.
const clientGone = 499

// outcomes say what a status of HTTP is over gRPC, and Triton's word for it in metrics.
var outcomes = map[int]struct {
	code   codes.Code
	reason string
}{
	http.StatusBadRequest:            {codes.InvalidArgument, "OTHER"},
	http.StatusUnauthorized:          {codes.Unauthenticated, "OTHER"},
	http.StatusForbidden:             {codes.PermissionDenied, "OTHER"},
	http.StatusNotFound:              {codes.NotFound, "OTHER"},
	http.StatusConflict:              {codes.FailedPrecondition, "OTHER"},
	http.StatusRequestEntityTooLarge: {codes.ResourceExhausted, "OTHER"},
	http.StatusNotImplemented:        {codes.Unimplemented, "OTHER"},
	http.StatusServiceUnavailable:    {codes.Unavailable, "REJECTED"},
	http.StatusGatewayTimeout:        {codes.DeadlineExceeded, "CANCELED"},
	clientGone:                       {codes.Canceled, "CANCELED"},
	http.StatusInternalServerError:   {codes.Internal, "BACKEND"},
}

// statusOf returns the status of an error, and whether it is a fault of this program.
func statusOf(err error) (status int, internal bool) {
	var fault *oip.Error
	switch {
	case errors.As(err, &fault):
		return fault.Status, false
	case errors.Is(err, predict.ErrBusy), errors.Is(err, predict.ErrDraining):
		return http.StatusServiceUnavailable, false
	case errors.Is(err, predict.ErrTooMany):
		return http.StatusRequestEntityTooLarge, false
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout, false
	case errors.Is(err, context.Canceled):
		return clientGone, false
	}
	return http.StatusInternalServerError, true
}

// codeOf returns the gRPC code of an error.
func codeOf(err error) codes.Code {
	status, _ := statusOf(err)
	if o, ok := outcomes[status]; ok {
		return o.code
	}
	return codes.InvalidArgument
}

// reasonOf is Triton's word for why a request failed.
func reasonOf(err error) string {
	status, _ := statusOf(err)
	if o, ok := outcomes[status]; ok {
		return o.reason
	}
	return "OTHER"
}

// explain returns what a client is told of an error. What is a fault of this program is in
// the log alone.
func (s *Server) explain(ctx context.Context, err error) string {
	if _, internal := statusOf(err); !internal {
		return err.Error()
	}
	id, _ := ctx.Value(requestKey{}).(string)
	var stack []byte
	var panicked *predict.PanicError
	if errors.As(err, &panicked) {
		stack = panicked.Stack
	}
	s.options.Log.Error("fault", "id", id, "error", err, "stack", string(stack))
	return "a fault of the server; its log tells more at the id " + id
}

// caught makes an error of what was recovered from.
func caught(v any) error { return &predict.PanicError{Value: v, Stack: debug.Stack()} }

// fail answers with an error.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, message := s.fault(w, r, err)
	if rw, ok := w.(*recorder); ok && rw.status != 0 {
		return // an answer has begun
	}
	writeJSON(w, status, oip.ErrorBody{Error: message})
}

// fault returns what an error is answered with, and sets its header.
func (s *Server) fault(w http.ResponseWriter, r *http.Request, err error) (status int, message string) {
	status, _ = statusOf(err)
	if status == http.StatusUnauthorized {
		w.Header().Add("WWW-Authenticate", `Bearer realm="inception"`)
		w.Header().Add("WWW-Authenticate", `Basic realm="inception", charset="UTF-8"`)
	}
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	return status, s.explain(r.Context(), err)
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err) // what is answered consists of text and finite numbers
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

func badRequest(format string, args ...any) error {
	return &oip.Error{Status: http.StatusBadRequest, Message: fmt.Sprintf(format, args...)}
}

// pictureFault makes an error of what is wrong with an image: the client's fault, unless it
// is the program's or the network's.
func pictureFault(where string, err error) error {
	var panicked *predict.PanicError
	if errors.As(err, &panicked) || errors.Is(err, score.ErrNotFinite) {
		return fmt.Errorf("%s: %w", where, err)
	}
	return badRequest("%s: %v", where, err)
}

// firstFault returns the error of the first image that has one.
func firstFault(photos []predict.Photo, where func(i int) string) error {
	for i, p := range photos {
		if p.Err != nil {
			return pictureFault(where(i), p.Err)
		}
	}
	return nil
}
