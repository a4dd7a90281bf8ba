package cli_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"math"
	"math/big"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-fb2c0fa6/inception/internal/cli"
	"github.com/seed-fb2c0fa6/inception/predict"
)

// TestPredictByServer expects of a running server, over both protocols, what predict prints.
func TestPredictByServer(t *testing.T) {
	for args, part := range map[string]string{
		"predict --server nowhere x.jpg":                             "http://HOST:PORT",
		"predict --server ftp://a x.jpg":                             "ftp://a",
		"predict --server http://a/b/c/d x.jpg":                      "name of a model",
		"predict --server http://a --weights w x.jpg":                "leave out --weights",
		"predict --server http://a --tls-ca c x.jpg":                 "--tls-ca",
		"predict --server http://a --top 0 x.jpg":                    "--top",
		"predict --server http://a --batch 2 --precision auto x.jpg": "--batch, --precision",
	} {
		_, stderr := run(t, cli.Usage, strings.Fields(args)...)
		contains(t, stderr, part)
	}
	weights := tiny(t)
	urls := serving(t, "a="+weights)

	folder := t.TempDir()
	first := writeFile(t, folder+"/first.png", pngFile(t, 90, 80))
	writeFile(t, folder+"/second.png", pngFile(t, 80, 100))
	writeFile(t, folder+"/third.png", []byte("no picture"))
	text, _ := run(t, cli.Failed, "predict", "--weights", weights, "--top", "3", folder)
	stdout, _ := run(t, cli.Failed, "predict", "--weights", weights, "--json", folder)
	want := records(t, stdout)
	for _, url := range append(urls, urls[0]+"/a", urls[1]+"/a") {
		got, stderr := run(t, cli.Failed, "predict", "--server", url, "--top", "3", folder)
		if got != text {
			t.Errorf("%s prints\n%s, want\n%s", url, got, text)
		}
		contains(t, stderr, "1 of 3 images failed")
		stdout, _ := run(t, cli.Failed, "predict", "--server", url, "--json", folder)
		for i, r := range records(t, stdout) {
			if r.File != want[i].File || r.Width != want[i].Width || r.Height != want[i].Height || r.Error != want[i].Error && !strings.Contains(want[i].Error, r.Error) || len(r.Predictions) != len(want[i].Predictions) {
				t.Errorf("%s: %+v, want %+v", url, r, want[i])
				continue
			}
			for j, p := range r.Predictions {
				w := want[i].Predictions[j]
				if p.Index != w.Index || p.Label != w.Label || p.Synset != w.Synset || math.Abs(float64(p.Logit-w.Logit)) > 1e-4 || math.Abs(p.Probability-w.Probability) > 1e-6 {
					t.Errorf("%s: %+v, want %+v", url, p, w)
				}
			}
		}
		_, stderr = run(t, cli.Failed, "predict", "--server", strings.TrimSuffix(url, "/a")+"/other", first)
		contains(t, stderr, "other")
	}
	_, stderr := run(t, cli.Failed, "predict", "--server", "http://127.0.0.1:1", first)
	contains(t, stderr, "127.0.0.1:1")
	_, stderr = run(t, cli.Failed, "predict", "--server", "grpc://127.0.0.1:1", first)
	contains(t, stderr, "127.0.0.1:1")
}

// serving serves over both protocols until the test ends, and returns the URLs.
func serving(t *testing.T, args ...string) (urls []string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	log, to := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- cli.Run(ctx, append([]string{"serve", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"}, args...), nil, io.Discard, to)
		to.Close()
	}()
	t.Cleanup(func() {
		stop()
		if c := <-code; c != cli.Done {
			t.Errorf("serve ended with %d", c)
		}
	})
	addresses := regexp.MustCompile(`msg=ready http=(\S+) grpc=(\S+)`)
	var seen []byte
	for urls == nil {
		chunk := make([]byte, 4096)
		n, err := log.Read(chunk)
		if err != nil {
			t.Fatalf("%v: %s", err, seen)
		}
		seen = append(seen, chunk[:n]...)
		if found := addresses.FindStringSubmatch(string(seen)); found != nil {
			urls = found[1:]
		}
	}
	go io.Copy(io.Discard, log)
	return urls
}

// TestPredictByServerSecurely has a server ask for a key and a certificate, over both protocols,
// and leaves out each of what a client needs.
func TestPredictByServerSecurely(t *testing.T) {
	const key = "0123456789abcdef"
	folder := t.TempDir()
	authority, cert, certKey := certificates(t, folder)
	weights := tiny(t)
	urls := serving(t, "a="+weights, "--tls-cert", cert, "--tls-key", certKey, "--tls-client-ca", authority, "--keys", writeFile(t, folder+"/keys.txt", []byte(key+"\n")))
	photo := writeFile(t, folder+"/photo.png", pngFile(t, 90, 80))
	want, _ := run(t, cli.Done, "predict", "--weights", weights, photo)
	trust, own := []string{"--tls-ca", authority}, []string{"--tls-cert", cert, "--tls-key", certKey}
	for i, url := range urls {
		if scheme := []string{"https://", "grpcs://"}[i]; !strings.HasPrefix(url, scheme) {
			t.Errorf("the log names %s, want %s", url, scheme)
		}
		ask := func(code int, key string, options ...[]string) (stdout, stderr string) {
			t.Helper()
			t.Setenv("INCEPTION_KEY", key)
			return run(t, code, slices.Concat([]string{"predict", "--server", url}, slices.Concat(options...), []string{photo})...)
		}
		if got, _ := ask(cli.Done, key, trust, own); got != want {
			t.Errorf("%s prints\n%s, want\n%s", url, got, want)
		}
		_, stderr := ask(cli.Failed, key, own)
		contains(t, stderr, "certificate")
		_, stderr = ask(cli.Failed, key, trust)
		contains(t, stderr, "expected a certificate of the client's")
		_, stderr = ask(cli.Failed, "", trust, own)
		contains(t, stderr, "expected a key")
		_, stderr = ask(cli.Failed, key+"x", trust, own)
		contains(t, stderr, "not one of the server's")
		if strings.Contains(stderr, key) {
			t.Errorf("the key is printed: %s", stderr)
		}
		_, stderr = run(t, cli.Failed, "predict", "--server", url, "--tls-ca", photo, photo)
		contains(t, stderr, "--tls-ca")
		_, stderr = run(t, cli.Failed, "predict", "--server", url, "--tls-cert", cert, photo)
		contains(t, stderr, "--tls-key")
		// One that does not encrypt asks one that does.
		plain := strings.Replace(strings.Replace(url, "https", "http", 1), "grpcs", "grpc", 1)
		run(t, cli.Failed, "predict", "--server", plain, photo)
	}
}

// certificates writes an authority's, and one of 127.0.0.1 for servers and clients with its key.
func certificates(t *testing.T, folder string) (authority, cert, key string) {
	t.Helper()
	keys := make([]*ecdsa.PrivateKey, 2)
	for i := range keys {
		var err error
		if keys[i], err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	parent := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	child := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: parent.NotBefore, NotAfter: parent.NotAfter, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	write := func(name, kind string, der []byte, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return writeFile(t, folder+"/"+name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	der, err := x509.CreateCertificate(rand.Reader, parent, parent, &keys[0].PublicKey, keys[0])
	authority = write("ca.pem", "CERTIFICATE", der, err)
	der, err = x509.CreateCertificate(rand.Reader, child, parent, &keys[1].PublicKey, keys[0])
	cert = write("cert.pem", "CERTIFICATE", der, err)
	der, err = x509.MarshalPKCS8PrivateKey(keys[1])
	return authority, cert, write("key.pem", "PRIVATE KEY", der, err)
}

func records(t *testing.T, stdout string) (all []predict.Record) {
	t.Helper()
	if err := json.Unmarshal([]byte(stdout), &all); err != nil {
		t.Fatalf("%v: %s", err, stdout)
	}
	return all
}
