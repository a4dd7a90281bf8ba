package server_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-fb2c0fa6/inception/server"
)

const key, otherKey = "0123456789abcdef", "fedcba9876543210"

// TestKeys asks with keys of all kinds, and without.
func TestKeys(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys.txt")
	writeKeys := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	writeKeys("# of the first client\n" + key + "\n\n" + otherKey + " \r\n")
	access := &server.Access{}
	if err := access.AllowKeysIn(file, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	s := newServer(t, server.Options{Access: access})
	for name, value := range map[string]string{"Authorization": "Bearer " + key, "X-Api-Key": otherKey} {
		ask(t, s, 200, "GET", "/v2", nil, name, value)
	}
	ask(t, s, 200, "GET", "/v2", nil, "Authorization", "Basic OjAxMjM0NTY3ODlhYmNkZWY=") // ":" and the key
	for _, value := range []string{"", "Bearer", "Bearer 0123456789abcdeg", "Bearer " + key + key, "Basic !", "Bearer # of the first client"} {
		w := ask(t, s, 401, "GET", "/v2", nil, "Authorization", value)
		if len(w.Header().Values("WWW-Authenticate")) != 2 || strings.Contains(w.Body.String(), key) {
			t.Errorf("%q: %v, %s", value, w.Header(), w.Body)
		}
	}
	ask(t, s, 401, "POST", "/classify", nil)
	ask(t, s, 401, "GET", "/metrics", nil)
	ask(t, s, 401, "GET", "/v2/health/live/", nil)
	ask(t, s, 200, "GET", "/v2/health/live", nil)
	writeKeys("new keys are longer\n")
	until(t, "the new key is known", func() bool { return access.Check("new keys are longer", nil) == nil })
	if access.Check(key, nil) == nil {
		t.Error("a key that is not in the file any more is taken")
	}
	writeKeys("short\n")
	time.Sleep(1100 * time.Millisecond) // until the file is looked at again
	if err := access.Check("new keys are longer", nil); err != nil {
		t.Errorf("a file that is wrong takes the keys away: %v", err)
	}
	// What cannot be read for a while is read when it can be, though it has not changed since.
	long := "once more other keys\n"
	if err := os.Rename(file, file+".away"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1100 * time.Millisecond)
	_ = access.Check(key, nil)
	if err := os.WriteFile(file+".away", []byte(long), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".away", file); err != nil {
		t.Fatal(err)
	}
	until(t, "keys that are there again are known", func() bool { return access.Check("once more other keys", nil) == nil })
	for text, want := range map[string]string{"": "found none", "# none": "found none", "a\n": "line 1: a key has at least 16"} {
		if err := (&server.Access{}).AllowKeys(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
	if err := access.AllowKeysIn(file+".none", slog.Default()); err == nil {
		t.Error("a file of keys that is not there is no error")
	}
}

// TestOrigins has web pages elsewhere ask.
func TestOrigins(t *testing.T) {
	const allowed, foreign = "https://example.org", "https://example.com"
	models := repository(t, model(t, "m", tiny(t), batcherDefaults))
	serverOf := func(origins ...string) *server.Server {
		t.Helper()
		s, err := server.New(models, server.Options{Origins: origins, Access: withKey(t)})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	bearer := "Bearer " + key
	picture := picture(t, 80, 80)
	for _, c := range []struct {
		origins []string
		origin  string
		status  int
		allow   string
	}{
		{nil, "", 200, ""},
		{nil, foreign, 403, ""},
		{[]string{allowed}, foreign, 403, ""},
		{[]string{allowed}, allowed, 200, allowed},
		{[]string{"*"}, foreign, 200, foreign},
	} {
		s := serverOf(c.origins...)
		header := []string{"Authorization", bearer}
		if c.origin != "" {
			header = append(header, "Origin", c.origin, "Sec-Fetch-Site", "cross-site")
		}
		w := ask(t, s, c.status, "POST", "/classify", picture, header...)
		if got := w.Header().Get("Access-Control-Allow-Origin"); got != c.allow {
			t.Errorf("%v: the origin %q gets %q", c.origins, c.origin, got)
		}
		// A browser asks first, without a key.
		status := map[bool]int{true: 204, false: 401}[c.allow != ""]
		if c.origin != "" {
			w = ask(t, s, status, "OPTIONS", "/classify", nil, "Origin", c.origin, "Access-Control-Request-Method", "POST", "Sec-Fetch-Site", "cross-site")
			if allowed := w.Header().Get("Access-Control-Allow-Headers"); strings.Contains(allowed, "Authorization") != (c.allow != "") {
				t.Errorf("%v: the origin %q may send %q", c.origins, c.origin, allowed)
			}
		}
	}
	if _, err := server.New(models, server.Options{Origins: []string{"example.org"}}); err == nil {
		t.Error("an origin without a scheme is no error")
	}
}

func withKey(t *testing.T) *server.Access {
	t.Helper()
	a := &server.Access{}
	if err := a.AllowKeys(key); err != nil {
		t.Fatal(err)
	}
	return a
}

// TestTraces sends ids, and expects them in the answer and in the log.
func TestTraces(t *testing.T) {
	var log bytes.Buffer
	s := newServer(t, server.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	const trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	for _, c := range []struct {
		traceparent, id string
		want            string // id
		traced          bool
	}{
		{"", "mine", "mine", false},
		{"00-" + trace + "-" + parent + "-01", "", trace, true},
		{"cc-" + trace + "-" + parent + "-01-more", "mine", "mine", true},
		{"00-" + trace + "-" + parent + "-01-more", "mine", "mine", false},
		{"00-" + strings.Repeat("0", 32) + "-" + parent + "-01", "mine", "mine", false},
		{"ff-" + trace + "-" + parent + "-01", "mine", "mine", false},
		{"00-" + strings.ToUpper(trace) + "-" + parent + "-01", "mine", "mine", false},
	} {
		log.Reset()
		var header []string
		for name, value := range map[string]string{"Traceparent": c.traceparent, "X-Request-Id": c.id} {
			if value != "" {
				header = append(header, name, value)
			}
		}
		w := ask(t, s, 200, "GET", "/v2", nil, header...)
		if w.Header().Get("X-Request-Id") != c.want || !strings.Contains(log.String(), "id="+c.want) || strings.Contains(log.String(), "trace="+trace+" parent="+parent) != c.traced {
			t.Errorf("%+v: %v, %s", c, w.Header(), &log)
		}
	}
	for _, id := range []string{strings.Repeat("x", 129), "two words"} {
		if got := ask(t, s, 200, "GET", "/v2", nil, "X-Request-Id", id).Header().Get("X-Request-Id"); got == id || got == "" {
			t.Errorf("the id %q became %q", id, got)
		}
	}
}

// An authority makes certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	a.certificate = &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, a.certificate, a.certificate, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return a
}

// issue makes a certificate and its key in PEM.
func (a *authority) issue(t *testing.T, serial int64) (certificate, key []byte) {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &private.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

// TestTLS asks over TLS, replaces the certificate, and asks with certificates of clients.
func TestTLS(t *testing.T) {
	trusted, stranger := newAuthority(t), newAuthority(t)
	folder := t.TempDir()
	files := server.TLSFiles{Certificate: filepath.Join(folder, "cert.pem"), Key: filepath.Join(folder, "key.pem"), ClientAuthority: filepath.Join(folder, "ca.pem")}
	place := func(serial int64) {
		t.Helper()
		certificate, key := trusted.issue(t, serial)
		put(t, files.Key, key)
		put(t, files.Certificate, certificate)
	}
	place(2)
	put(t, files.ClientAuthority, trusted.pem)
	config, err := server.TLS(files, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	access := &server.Access{}
	access.AllowCertificates()
	url, _ := served(t, newServer(t, server.Options{TLS: config, Access: access}), "https")
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(trusted.pem)
	// get asks over a new connection, and returns the serial number of the server.
	get := func(path string, client *authority) (status int, serial int64, protocol string, err error) {
		c := &tls.Config{RootCAs: roots}
		if client != nil {
			certificate, key := client.issue(t, 9)
			pair, err := tls.X509KeyPair(certificate, key)
			if err != nil {
				t.Fatal(err)
			}
			c.Certificates = []tls.Certificate{pair}
		}
		transport := &http.Transport{TLSClientConfig: c, ForceAttemptHTTP2: true}
		defer transport.CloseIdleConnections()
		r, err := (&http.Client{Transport: transport}).Get(url + path)
		if err != nil {
			return 0, 0, "", err
		}
		r.Body.Close()
		return r.StatusCode, r.TLS.PeerCertificates[0].SerialNumber.Int64(), r.Proto, nil
	}
	for _, c := range []struct {
		path   string
		client *authority
		status int
	}{{"/v2", trusted, 200}, {"/v2", nil, 401}, {"/v2/health/ready", nil, 200}} {
		if status, serial, protocol, err := get(c.path, c.client); err != nil || status != c.status || serial != 2 || protocol != "HTTP/2.0" {
			t.Errorf("%s: %d over %s with the certificate %d, %v", c.path, status, protocol, serial, err)
		}
	}
	if _, _, _, err := get("/v2", stranger); err == nil {
		t.Error("a client of another authority is served")
	}
	place(3)
	until(t, "the new certificate is used", func() bool { _, serial, _, err := get("/v2", trusted); return err == nil && serial == 3 })
	put(t, files.Key, []byte("no key"))
	time.Sleep(1100 * time.Millisecond)
	if status, serial, _, err := get("/v2", trusted); err != nil || status != 200 || serial != 3 {
		t.Errorf("with a key that is wrong: %d, certificate %d, %v", status, serial, err)
	}
	if _, err := server.TLS(files, slog.Default()); err == nil || !strings.Contains(err.Error(), "key.pem") {
		t.Errorf("a wrong key at the start: %v", err)
	}
}
