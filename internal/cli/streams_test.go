package cli_test

import (
	"path/filepath"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/cli"
)

// TestStreams expects of batches that are computed side by side what one after the other are.
func TestStreams(t *testing.T) {
	data := labelledPhotos(t, 3, "cat", "cow", "dog")
	writeFile(t, filepath.Join(data, "test", "cat", "bad.png"), []byte("no picture"))
	network := tinyNamed(t, "inception_v4", 75, "cat", "cow", "dog")
	for _, batch := range []string{"1", "2", "4"} {
		predict := []string{"predict", "--weights", network, "--batch", batch, "--threads", "3", "--json", data}
		evaluation := []string{"evaluate", "--weights", network + "," + tinyNamed(t, "inception_resnet_v1", 80, "cow", "dog", "cat"), "--data", data, "--split", "test", "--skip-unreadable", "--batch", batch, "--threads", "3", "--predictions"}
		first := filepath.Join(t.TempDir(), "predictions.csv")
		records, _ := run(t, cli.Failed, predict...)
		run(t, cli.Done, append(evaluation, first)...)
		for _, streams := range []string{"2", "3"} {
			if got, _ := run(t, cli.Failed, append(predict, "--streams", streams)...); got != records {
				t.Errorf("batches of %s, %s streams: predict prints %s, want %s", batch, streams, got, records)
			}
			second := filepath.Join(t.TempDir(), "predictions.csv")
			run(t, cli.Done, append(evaluation, second, "--streams", streams)...)
			if got, want := readFile(t, second), readFile(t, first); got != want {
				t.Errorf("batches of %s, %s streams: the predictions are %s, want %s", batch, streams, got, want)
			}
		}
	}
	out, _ := run(t, cli.Done, "bench", "inception_resnet_v1", "--size", "75", "--runs", "1", "--threads", "2", "--streams", "2")
	contains(t, out, "2 streams of 1 threads")
	for _, args := range [][]string{{"--streams", "3", "--threads", "2"}, {"--streams", "2", "--threads", "2", "--backend", "go"}, {"--streams", "2", "--threads", "2", "--train"}, {"--streams", "2", "--threads", "2", "--backend", "cpu:streams=2"}, {"--streams", "-1"}} {
		_, errOut := run(t, cli.Usage, append([]string{"bench", "inception_v4"}, args...)...)
		contains(t, errOut, "--streams")
	}
}
