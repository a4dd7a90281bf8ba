package oip

import (
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// HeaderLength is the name of the HTTP header that says how many bytes of a body, once it is
// decompressed, are JSON; the tensors' bytes follow. Zero says that the body is a tensor.
const HeaderLength = "Inference-Header-Content-Length"

// ReadBody reads the body of a request, decompressed as its Content-Encoding says. It is
// allocated as it arrives. More bytes than the limit, before or after that, are an error, as
// soon as they come. grow, unless it is nil, is told of the bytes that come, decompressed, and
// its error ends reading.
func ReadBody(r *http.Request, limit int64, grow func(bytes int64) error) ([]byte, error) {
	large := &Error{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has more bytes than the limit of %d", limit)}
	if r.ContentLength > limit {
		return nil, large
	}
	var from io.Reader = &limited{r.Body, limit, large}
	encoding := r.Header.Get("Content-Encoding")
	var err error
	switch encoding {
	case "", "identity":
	case "gzip":
		from, err = gzip.NewReader(from)
	case "deflate":
		from, err = zlib.NewReader(from)
	default:
		return nil, &Error{http.StatusUnsupportedMediaType, fmt.Sprintf("header Content-Encoding: expected gzip, deflate or identity, found %q", encoding)}
	}
	var data []byte
	growing := &growing{grow: grow}
	if err == nil {
		growing.from = &limited{from, limit, large}
		data, err = io.ReadAll(growing)
	}
	var fault *Error
	switch {
	case err == nil:
		return data, nil
	case growing.err != nil:
		return nil, growing.err
	case errors.As(err, &fault):
		return nil, fault
	case encoding != "" && (errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, zlib.ErrHeader) || errors.Is(err, zlib.ErrChecksum)):
		return nil, faultf("the body is no whole %s stream: %v", encoding, err)
	}
	return nil, faultf("the body ends too early or is damaged: %v", err)
}

// limited gives an error instead of more than left bytes.
type limited struct {
	from io.Reader
	left int64
	err  error
}

func (l *limited) Read(p []byte) (int, error) {
	// One byte more is asked for, to tell the end from an excess.
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.from.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, l.err
	}
	return n, err
}

// growing tells of what is read.
type growing struct {
	from io.Reader
	grow func(int64) error
	err  error // grow's
}

func (g *growing) Read(p []byte) (int, error) {
	n, err := g.from.Read(p)
	if g.grow != nil {
		if g.err = g.grow(int64(n)); g.err != nil {
			return 0, g.err
		}
	}
	return n, err
}

// Split divides a body into its JSON and the bytes of tensors, by the header HeaderLength;
// raw says that there is no JSON.
func Split(header http.Header, body []byte) (json, tensors []byte, raw bool, err error) {
	values := header.Values(HeaderLength)
	if len(values) == 0 {
		return body, nil, false, nil
	}
	n, err := strconv.ParseUint(values[0], 10, 63)
	if err != nil || len(values) > 1 {
		return nil, nil, false, faultf("header %s: expected one whole number of at least 0, found %q", HeaderLength, values)
	}
	if n > uint64(len(body)) {
		return nil, nil, false, faultf("header %s: found %d, more than the %d bytes of the body", HeaderLength, n, len(body))
	}
	return body[:n], body[n:], n == 0, nil
}
