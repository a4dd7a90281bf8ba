package cli_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/cli"
)

// shards runs a command for each of n shards, and returns their files.
func shards(t *testing.T, n int, args ...string) (paths []string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "shard.jsonl")
	for i := range n {
		printed, _ := run(t, cli.Done, append(args, "--shard", fmt.Sprintf("%d/%d", i, n), "--out", out)...)
		if printed != "" {
			t.Errorf("shard %d/%d printed %q", i, n, printed)
		}
		paths = append(paths, strings.TrimSuffix(out, ".jsonl")+fmt.Sprintf("-%05d-of-%05d.jsonl", i, n))
	}
	return paths
}

func merge(t *testing.T, code int, paths []string, args ...string) (stdout, stderr string) {
	t.Helper()
	return run(t, code, append(append([]string{"merge"}, args...), paths...)...)
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestMergePredict expects of 1, 3 and 7 shards what one run prints, byte for byte, with
// files that cannot be read.
func TestMergePredict(t *testing.T) {
	data := labelledPhotos(t, 3, "cat", "cow", "dog")
	writeFile(t, filepath.Join(data, "test", "cat", "bad.png"), []byte("no picture"))
	if os.WriteFile(filepath.Join(data, "caf\xe9.png"), pngFile(t, 90, 80), 0o666) != nil {
		t.Log("names are UTF-8 here")
	}
	args := []string{"predict", "--weights", tinyNamed(t, "inception_v4", 75, "cat", "cow", "dog"), "--batch", "4", "--top", "2", data}
	table, told := run(t, cli.Failed, args...)
	records, _ := run(t, cli.Failed, append(args, "--json")...)
	for _, n := range []int{1, 3, 7, 13} {
		paths := shards(t, n, args...)
		if got, errOut := merge(t, cli.Failed, paths); got != table || errOut != told {
			t.Errorf("%d shards: %s%s, want %s%s", n, got, errOut, table, told)
		}
		out := filepath.Join(t.TempDir(), "all.json")
		if merge(t, cli.Failed, paths, "--json", "--out", out); readFile(t, out) != records {
			t.Errorf("%d shards: %s, want %s", n, readFile(t, out), records)
		}
	}
	paths := shards(t, 3, args...)
	_, errOut := merge(t, cli.Usage, paths, "--confusion", "x.png")
	contains(t, errOut, "--confusion", "evaluate")
	_, errOut = merge(t, cli.Failed, paths[:2])
	contains(t, errOut, "2/3")
	_, errOut = merge(t, cli.Failed, append(paths, paths[1]))
	contains(t, errOut, "1/3 is there twice")
	for change, flags := range map[string][]string{
		"file of weights":  {"--weights", tinyNamed(t, "inception_v4", 75, "cat", "cow", "dog", "eel")},
		"batch size":       {"--batch", "3"},
		"number of class":  {"--top", "3"},
		"preprocessing":    {"--crop", "0.5"},
		"way to decode":    {"--exact-decode"},
		"--threads":        {"--backend", "cpu:threads=7"},
		"list of photogra": {filepath.Join(data, "test", "cat", "0.png")},
	} {
		foreign := shards(t, 3, append(args, flags...)...)
		_, errOut := merge(t, cli.Failed, []string{paths[0], foreign[1], paths[2]})
		contains(t, errOut, foreign[1]+", shard 1/3, has another", change)
	}
	for _, c := range [][]string{{"--shard", "3/3"}, {"--shard", "slurm/x"}, {"--shard", ""}, {"--shard", "0/3", "--json"}} {
		_, errOut := run(t, cli.Usage, append(args, c...)...)
		contains(t, errOut, "--shard")
	}
}

// speed is the part of a report that tells the time that it took.
var speed = regexp.MustCompile(`(?s),\s*"speed": \{[^}]*\}`)

// TestMergeEvaluate expects of 1, 3 and 7 shards the report and the predictions of one run,
// byte for byte.
func TestMergeEvaluate(t *testing.T) {
	data := labelledPhotos(t, 3, "cat", "cow", "dog")
	w := tinyNamed(t, "inception_v4", 75, "cat", "cow", "dog", "eel") + "," + tinyNamed(t, "inception_resnet_v1", 80, "dog", "eel", "cat", "cow")
	folder := t.TempDir()
	args := []string{"evaluate", "--weights", w, "--data", data, "--split", "test", "--crops", "10", "--batch", "7", "--classes", "subset"}
	none, _ := run(t, cli.Done, append(args, "--json")...)
	writeFile(t, filepath.Join(data, "test", "cow", "bad.png"), []byte("no picture"))
	unreadable, _ := run(t, cli.Failed, append(args, "--shard", "1/3")...)
	if unreadable != "" {
		t.Errorf("printed %q", unreadable)
	}
	args = append(args, "--max-unreadable", "0.1")
	whole, picture := filepath.Join(folder, "whole.csv"), filepath.Join(folder, "whole.png")
	report, _ := run(t, cli.Done, append(args, "--json", "--predictions", whole, "--confusion", picture)...)
	if report == none || !speed.MatchString(report) {
		t.Fatalf("report is %s", report)
	}
	report = speed.ReplaceAllString(report, "")
	for _, n := range []int{1, 3, 7, 13} {
		paths := shards(t, n, args...)
		predictions, drawn := filepath.Join(folder, fmt.Sprint(n, ".csv")), filepath.Join(folder, fmt.Sprint(n, ".png"))
		got, _ := merge(t, cli.Done, paths, "--json", "--predictions", predictions, "--confusion", drawn)
		if got != report {
			t.Errorf("%d shards: %s, want %s", n, got, report)
		}
		if readFile(t, predictions) != readFile(t, whole) {
			t.Errorf("%d shards: %s, want %s", n, readFile(t, predictions), readFile(t, whole))
		}
		if readFile(t, drawn) != readFile(t, picture) {
			t.Errorf("%d shards: another confusion matrix", n)
		}
	}
	if !json.Valid([]byte(report)) {
		t.Errorf("without its speed the report is %s", report)
	}

	// A shard goes on from its own file of predictions.
	own := filepath.Join(folder, "own.csv")
	first := shards(t, 3, append(args, "--predictions", own)...)
	again := shards(t, 3, append(args, "--predictions", own)...)
	for i := range first {
		if readFile(t, first[i]) != readFile(t, again[i]) {
			t.Errorf("shard %d is another when it goes on", i)
		}
	}
	contains(t, readFile(t, filepath.Join(folder, "own-00002-of-00003.csv")), "dog/2.png")

	for change, flags := range map[string][]string{
		"file of weights":     nil,
		"number of crops":     {"--crops", "12"},
		"batch size":          {"--batch", "8"},
		"matching of classes": {"--classes", "all"},
		"unreadable":          {"--skip-unreadable"},
		"list of photographs": {"--limit", "9", "--max-unreadable", "0.2"},
	} {
		others := append(slices.Clone(args), flags...)
		if flags == nil {
			others[2] = tinyNamed(t, "inception_v4", 75, "cat", "cow", "eel", "dog") + "," + strings.Split(w, ",")[1]
		}
		foreign := shards(t, 3, others...)
		_, errOut := merge(t, cli.Failed, []string{first[0], foreign[1], first[2]})
		contains(t, errOut, foreign[1], change)
	}
	_, errOut := merge(t, cli.Failed, []string{first[0], shards(t, 3, "predict", "--weights", tiny(t), "--size", "75", data)[1], first[2]})
	contains(t, errOut, "a shard of predictions, expected one of evaluation")
	_, errOut = merge(t, cli.Failed, []string{whole})
	contains(t, errOut, "no file of a shard")
}

// TestMergeUnreadable has no more unreadable images in a shard than there may be, but in all.
func TestMergeUnreadable(t *testing.T) {
	data := labelledPhotos(t, 3, "cat", "cow", "dog")
	for _, class := range []string{"cat", "dog"} {
		writeFile(t, filepath.Join(data, "test", class, "bad.png"), []byte("no picture"))
	}
	args := []string{"evaluate", "--weights", tinyNamed(t, "inception_v4", 75, "cat", "cow", "dog"), "--data", data, "--split", "test", "--max-unreadable", "0.1"}
	_, whole := run(t, cli.Failed, args...)
	contains(t, whole, "dog/bad.png cannot be evaluated")
	_, errOut := merge(t, cli.Failed, shards(t, 3, args...))
	contains(t, whole, errOut)
}
