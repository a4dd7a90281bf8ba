package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/seed-fb2c0fa6/inception/server/inference"
	"github.com/seed-fb2c0fa6/inception/server/oip"
)

// Access says who may ask for more than whether the server is alive and ready. The zero value
// lets everybody.
type Access struct {
	keys         func() [][sha256.Size]byte // hashes, of one length for all
	certificates bool
}

// shortestKey is how many bytes a key has at least, so that it cannot be guessed.
const shortestKey = 16

// AllowKeys lets those ask who send one of the keys, one a line of the text; lines that are
// empty or begin with # are none.
func (a *Access) AllowKeys(text string) error {
	hashes, err := hashesOf([]byte(text))
	a.keys = func() [][sha256.Size]byte { return hashes }
	return err
}

// AllowKeysIn is AllowKeys of a file, which is read again when it changes.
func (a *Access) AllowKeysIn(file string, log *slog.Logger) error {
	current, err := newReloaded(log, func(contents [][]byte) ([][sha256.Size]byte, error) {
		hashes, err := hashesOf(contents[0])
		if err != nil {
			err = fmt.Errorf("%s: %w", file, err)
		}
		return hashes, err
	}, file)
	if err == nil {
		a.keys = current.get
	}
	return err
}

// AllowCertificates lets those ask who have a certificate of the authorities that TLS was
// given.
func (a *Access) AllowCertificates() { a.certificates = true }

func hashesOf(text []byte) ([][sha256.Size]byte, error) {
	var hashes [][sha256.Size]byte
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		key := strings.TrimSpace(line)
		if key == "" || strings.HasPrefix(key, "#") {
			continue
		}
		if len(key) < shortestKey {
			return nil, fmt.Errorf("line %d: a key has at least %d characters, found %d", number, shortestKey, len(key))
		}
		hashes = append(hashes, sha256.Sum256([]byte(key)))
	}
	if len(hashes) == 0 {
		return nil, errors.New("expected keys, one a line, found none")
	}
	return hashes, nil
}

// Check returns why a client may not ask: an oip.Error of status 401. The key is what it
// sends, and the connection nil where it is not encrypted. Where keys and certificates are
// asked for, it needs both. How long it takes does not depend on the keys.
func (a *Access) Check(key string, connection *tls.ConnectionState) error {
	if a.certificates && (connection == nil || len(connection.VerifiedChains) == 0) {
		return &oip.Error{Status: http.StatusUnauthorized, Message: "expected a certificate of the client's, found none"}
	}
	if a.keys == nil {
		return nil
	}
	hash, same := sha256.Sum256([]byte(key)), 0
	for _, known := range a.keys() {
		same |= subtle.ConstantTimeCompare(hash[:], known[:])
	}
	switch {
	case same == 1:
		return nil
	case key == "":
		return &oip.Error{Status: http.StatusUnauthorized, Message: "expected a key, found none; send the header Authorization: Bearer KEY"}
	}
	return &oip.Error{Status: http.StatusUnauthorized, Message: "the key is not one of the server's"}
}

// keyOf is the key in a request: Authorization as Bearer, or as Basic with any name, which
// browsers ask people for, or X-Api-Key.
func keyOf(r *http.Request) string {
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	if scheme, key, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(key)
	}
	return r.Header.Get("X-Api-Key")
}

// open reports whether a path is for everybody: those of probes.
func open(path string) bool {
	return path == "/v2/health/live" || path == "/v2/health/ready"
}

// openCalls are those over gRPC.
var openCalls = map[string]bool{
	inference.GRPCInferenceService_ServerLive_FullMethodName:  true,
	inference.GRPCInferenceService_ServerReady_FullMethodName: true,
	healthpb.Health_Check_FullMethodName:                      true,
	healthpb.Health_Watch_FullMethodName:                      true,
}
