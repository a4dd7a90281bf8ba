package cli

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/seed-fb2c0fa6/inception/internal/ahead"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/server/client"
	"github.com/seed-fb2c0fa6/inception/server/inference"
)

// serverFlags say which running server classifies.
type serverFlags struct {
	url, ca, cert, key string
}

// keyVariable is the environment's key of a client.
const keyVariable = "INCEPTION_KEY"

func (f *serverFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.url, "server", "", "`URL` of a running server that classifies; it may ask for a key, in the variable "+keyVariable)
	flags.StringVar(&f.ca, "tls-ca", "", "`file` of the authority of the server's certificate (default those of the system)")
	flags.StringVar(&f.cert, "tls-cert", "", "`file` of a certificate for the server, where it asks for one")
	flags.StringVar(&f.key, "tls-key", "", "`file` of its key")
}

// byServer are the flags that have a meaning with --server.
var byServer = []string{"server", "tls-ca", "tls-cert", "tls-key", "top", "json", "max-bytes", "help"}

// answers classifies one picture. An error that wraps errOfAll is that of all pictures.
type answers func(ctx context.Context, picture []byte) (predict.Record, error)

var errOfAll = errors.New("the server")

// errBusy is answered by a server that has too much to do.
var errBusy = errors.New("busy")

// runByServer has a running server classify.
func (f *predictFlags) runByServer(cmd *cobra.Command, args []string) error {
	ctx := cmd.Context()
	if err := atLeast(1, "top", f.top); err != nil {
		return err
	}
	var others []string
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		if !slices.Contains(byServer, flag.Name) {
			others = append(others, "--"+flag.Name)
		}
	})
	if len(others) > 0 {
		return usageError{fmt.Errorf("with --server the server has its own settings; leave out %s", strings.Join(others, ", "))}
	}
	ask, closeServer, err := f.server.open(ctx, f.top)
	if err != nil {
		return err
	}
	defer closeServer()
	files, incomplete, err := imageFiles(ctx, cmd.ErrOrStderr(), args)
	if err != nil {
		return err
	}
	type answer struct {
		record predict.Record
		err    error
	}
	failed := 0
	out := newReporter(cmd.OutOrStdout(), f.json)
	prepare := func(file string, to *answer, reserve func(int64)) {
		*to = answer{}
		data, err := readPicture(file, cmd.InOrStdin(), f.classifier.decode.maxBytes)
		if err == nil {
			reserve(int64(len(data)))
			to.record, err = askAgain(ctx, ask, data)
		}
		if err != nil && !errors.Is(err, errOfAll) {
			to.record, err = predict.Photo{Name: file, Err: err}.Record(f.top), nil
		}
		to.record.FileName, to.err = predict.NameOf(file), err
	}
	// Several at a time make the server's batches.
	err = ahead.Each(ctx, ahead.Options{Workers: predict.DefaultBatch, Results: 2 * predict.DefaultBatch}, slices.Values(files), prepare, func(_ string, a *answer) error {
		if a.err != nil {
			return a.err
		}
		if a.record.Error != "" {
			failed++
		}
		return out.report(a.record)
	})
	if err := errors.Join(err, out.close()); err != nil {
		return err
	}
	return reportFailed(cmd.ErrOrStderr(), failed, len(files), incomplete)
}

// askAgain asks a server that is busy until it is not.
func askAgain(ctx context.Context, ask answers, picture []byte) (predict.Record, error) {
	const tries = 60
	for try := 1; ; try++ {
		record, err := ask(ctx, picture)
		if !errors.Is(err, errBusy) || try == tries {
			return record, err
		}
		select {
		case <-ctx.Done():
			return record, fmt.Errorf("%w: %w", errOfAll, context.Cause(ctx))
		case <-time.After(time.Second):
		}
	}
}

// open returns what asks the server of the URL.
func (f *serverFlags) open(ctx context.Context, top int) (ask answers, close func(), err error) {
	at, err := url.Parse(f.url)
	if err != nil || at.Host == "" || at.RawQuery != "" || !slices.Contains([]string{"http", "https", "grpc", "grpcs"}, at.Scheme) {
		return nil, nil, usageError{fmt.Errorf("--server: expected http://HOST:PORT, https://, grpc:// or grpcs://, with /NAME for a model, found %q", f.url)}
	}
	model := strings.Trim(strings.TrimPrefix(at.Path, "/models/"), "/")
	if strings.Contains(model, "/") {
		return nil, nil, usageError{fmt.Errorf("--server: expected the name of a model after the host, found %q", at.Path)}
	}
	secure := strings.HasSuffix(at.Scheme, "s")
	if !secure && cmp.Or(f.ca, f.cert, f.key) != "" {
		return nil, nil, usageError{fmt.Errorf("--tls-ca, --tls-cert and --tls-key are for https:// and grpcs://, found %q", f.url)}
	}
	config, err := f.tls()
	if err != nil {
		return nil, nil, err
	}
	if strings.HasPrefix(at.Scheme, "http") {
		ask, close = overHTTP(at, model, top, config)
		return ask, close, nil
	}
	if !secure {
		config = nil
	}
	return overGRPC(ctx, at.Host, model, top, config)
}

func (f *serverFlags) tls() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.ca != "" {
		text, err := os.ReadFile(f.ca)
		if err != nil {
			return nil, fmt.Errorf("--tls-ca: %w", err)
		}
		if config.RootCAs = x509.NewCertPool(); !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("--tls-ca: %s has no certificate in PEM", f.ca)
		}
	}
	if f.cert != "" || f.key != "" {
		pair, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			return nil, fmt.Errorf("--tls-cert and --tls-key: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

func overHTTP(at *url.URL, model string, top int, config *tls.Config) (answers, func()) {
	path := "/classify"
	if model != "" {
		path = "/models/" + url.PathEscape(model) + path
	}
	where := fmt.Sprintf("%s://%s%s?top=%d", at.Scheme, at.Host, path, top)
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: predict.DefaultBatch, Proxy: http.ProxyFromEnvironment}
	asker := &http.Client{Transport: transport}
	return func(ctx context.Context, picture []byte) (record predict.Record, err error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, where, bytes.NewReader(picture))
		if err != nil {
			return record, err
		}
		r.Header.Set("Content-Type", "application/octet-stream")
		if key := os.Getenv(keyVariable); key != "" {
			r.Header.Set("Authorization", "Bearer "+key)
		}
		answer, err := asker.Do(r)
		if err != nil {
			return record, fmt.Errorf("%w: %w", errOfAll, err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(io.LimitReader(answer.Body, 64<<20))
		if err != nil {
			return record, fmt.Errorf("%w: %w", errOfAll, err)
		}
		var records []predict.Record
		if json.Unmarshal(body, &records) == nil && len(records) == 1 {
			if records[0].Error != "" {
				return record, errors.New(records[0].Error)
			}
			return records[0], nil
		}
		var fault struct{ Error string }
		if json.Unmarshal(body, &fault) != nil || fault.Error == "" {
			return record, fmt.Errorf("%w at %s: expected an answer of inception serve, found status %s", errOfAll, where, answer.Status)
		}
		switch answer.StatusCode {
		case http.StatusServiceUnavailable:
			return record, fmt.Errorf("%w: %w: %s", errOfAll, errBusy, fault.Error)
		case http.StatusRequestEntityTooLarge:
			return record, errors.New(fault.Error)
		}
		return record, fmt.Errorf("%w: %s", errOfAll, fault.Error)
	}, transport.CloseIdleConnections
}

func overGRPC(ctx context.Context, host, model string, top int, config *tls.Config) (answers, func(), error) {
	asker, err := client.New(host, client.Options{Key: os.Getenv(keyVariable), TLS: config})
	if err != nil {
		return nil, nil, err
	}
	if model == "" {
		index, err := asker.RPC().RepositoryIndex(asker.Context(ctx), &inference.RepositoryIndexRequest{Ready: true})
		if err == nil && len(index.Models) == 0 {
			err = errors.New("it has no model")
		}
		if err != nil {
			return nil, nil, errors.Join(fmt.Errorf("%w at %s: %s", errOfAll, host, status.Convert(err).Message()), asker.Close())
		}
		model = index.Models[0].Name
	}
	return func(ctx context.Context, picture []byte) (record predict.Record, err error) {
		pictures, err := asker.Classify(ctx, model, top, picture)
		switch status.Code(err) {
		case codes.OK:
		case codes.InvalidArgument, codes.ResourceExhausted:
			return record, errors.New(strings.TrimPrefix(status.Convert(err).Message(), "inputs[0]: image 0 of 1: "))
		case codes.Unavailable:
			if len(status.Convert(err).Details()) > 0 {
				return record, fmt.Errorf("%w: %w: %s", errOfAll, errBusy, status.Convert(err).Message())
			}
			fallthrough
		default:
			return record, fmt.Errorf("%w at %s: %s", errOfAll, host, status.Convert(err).Message())
		}
		record.Width, record.Height = pictures[0].Width, pictures[0].Height
		for _, p := range pictures[0].Predictions {
			record.Predictions = append(record.Predictions, predict.Prediction{Index: p.Index, Synset: p.Synset, Label: p.Label, Logit: p.Logit, Probability: p.Probability})
		}
		return record, nil
	}, func() { _ = asker.Close() }, nil
}
