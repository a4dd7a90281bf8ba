package cli_test

import (
	"context"
	"encoding/json"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"

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
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	log, to := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- cli.Run(ctx, []string{"serve", "a=" + weights, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"}, nil, io.Discard, to)
		to.Close()
	}()
	addresses := regexp.MustCompile(`msg=ready http=(\S+) grpc=(\S+)`)
	var urls []string
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
	stop()
	if c := <-code; c != cli.Done {
		t.Errorf("serve ended with %d", c)
	}
}

func records(t *testing.T, stdout string) (all []predict.Record) {
	t.Helper()
	if err := json.Unmarshal([]byte(stdout), &all); err != nil {
		t.Fatalf("%v: %s", err, stdout)
	}
	return all
}
