package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seed-fb2c0fa6/inception/internal/cli"
	"github.com/seed-fb2c0fa6/inception/predict"
)

func TestServe(t *testing.T) {
	for args, part := range map[string]string{
		"serve": "at least one NAME=WEIGHTS", "serve x.safetensors": `"x.safetensors"`, "serve a=x --set b.batch=2": "no model b", "serve a=x --set a.threads=0": "from 1 to", "serve a=x --set a.threads=99999999": "from 1 to", "serve a=x --set a.size=2": "batch, precision", "serve a=x --set batch=2": "NAME.FLAG=VALUE", "serve a=x --threads 0": "--threads",
		"serve a=x --tls-cert c": "--tls-key", "serve a=x --tls-client-ca c": "--tls-cert", "serve a=x --log-format xml": "--log-format", "serve a=x --model-control-mode poll": "--watch", "serve a=x --model-control-mode on": "explicit", "serve a=x --max-connections 0": "--max-connections",
		"serve a=x --watch=-1s": "--watch", "serve a=x --set a.precision=half": "half", "serve a=x --set a/b.batch=1": `"a/b"`, "serve =x": "NAME=WEIGHTS", "serve a=": "NAME=WEIGHTS",
		"serve a=x --batch 0": "--batch", "serve a=x --queue 0": "--queue", "serve a=x --max-body 0": "--max-body", "serve a=x --drain-timeout 0s": "--drain-timeout",
		"serve a=x --precision half": "--precision",
	} {
		_, stderr := run(t, cli.Usage, strings.Fields(args)...)
		contains(t, stderr, part)
	}
	_, stderr := run(t, cli.Failed, "serve", "a=nowhere.safetensors", "--http", "127.0.0.1:0")
	contains(t, stderr, "nowhere.safetensors")
	weights := tiny(t)
	_, stderr = run(t, cli.Usage, "serve", "a="+weights, "a="+weights, "--http", "127.0.0.1:0")
	contains(t, stderr, "two models have the name a")
	_, stderr = run(t, cli.Usage, "serve", "a/b="+weights, "--http", "127.0.0.1:0")
	contains(t, stderr, `"a/b"`)

	// What it answers is what predict prints.
	photo := writeFile(t, t.TempDir()+"/photo.png", pngFile(t, 90, 80))
	stdout, _ := run(t, cli.Done, "predict", "--weights", weights, "--json", photo)
	var want []predict.Record
	if err := json.Unmarshal([]byte(stdout), &want); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	log, to := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- cli.Run(ctx, []string{"serve", "a=" + weights, "--http", "127.0.0.1:0"}, nil, io.Discard, to)
		to.Close()
	}()
	address := regexp.MustCompile(`msg=ready http=(\S+)`)
	var url string
	seen := make([]byte, 0, 4096)
	for url == "" {
		chunk := make([]byte, 4096)
		n, err := log.Read(chunk)
		if err != nil {
			t.Fatalf("%v: %s", err, seen)
		}
		seen = append(seen, chunk[:n]...)
		if found := address.FindSubmatch(seen); found != nil {
			url = string(found[1])
		}
	}
	go io.Copy(io.Discard, log)
	data, err := os.ReadFile(photo)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.Post(url+"/classify", "image/png", bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var got []predict.Record
	if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].Width != want[0].Width || len(got[0].Predictions) != len(want[0].Predictions) || got[0].Predictions[0].Index != want[0].Predictions[0].Index {
		t.Errorf("it answers %+v, predict %+v", got, want)
	}
	stop()
	select {
	case c := <-code:
		if c != cli.Done {
			t.Errorf("the exit code is %d, want %d", c, cli.Done)
		}
	case <-time.After(20 * time.Second):
		t.Error("it does not stop")
	}
}
