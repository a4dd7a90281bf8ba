package evaluate

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// pair is an ensemble of two.
func pair() []Member {
	return []Member{
		calculator("one", 8, labelled("a", "b, or \"b\"", "c"), contrast(3)),
		calculator("two", 9, labelled("c", "b, or \"b\"", "a"), contrast(3)),
	}
}

func logSet(t testing.TB) *dataset.Set {
	return gradients(t, 4, 20, 15, "a", "b, or \"b\"", "c")
}

// TestResume cuts a file of predictions off, as a kill may leave it, at every end of a line
// and beside it, and at many places between, and expects the same file and the same report of the evaluation that goes on.
func TestResume(t *testing.T) {
	set, members := logSet(t), pair()
	path := filepath.Join(t.TempDir(), "predictions.csv")
	o := Options{Predictions: path}
	want := run(t, members, set, o)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(whole, []byte("\n")); lines != 1+3*12 {
		t.Fatalf("%d lines in\n%s", lines, whole)
	}
	resumed := map[int]bool{}
	for cut := range len(whole) + 1 {
		if cut%13 > 0 && !bytes.Contains(whole[max(cut-2, 0):min(cut+1, len(whole))], []byte("\n")) {
			continue
		}
		if err := os.WriteFile(path, whole[:cut], 0o644); err != nil {
			t.Fatal(err)
		}
		got := run(t, members, set, o)
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, whole) {
			t.Fatalf("cut off after %d bytes it became %v\n%s", cut, err, after)
		}
		if fmt.Sprint(got.Predictions) != fmt.Sprint(want.Predictions) || fmt.Sprint(got.Rows) != fmt.Sprint(want.Rows) {
			t.Fatalf("cut off after %d bytes the report is another", cut)
		}
		resumed[got.Speed.Resumed] = true
	}
	if len(resumed) != 13 {
		t.Errorf("went on after %d different numbers of images, want 0 to 12", len(resumed))
	}
}

// TestInterrupted ends an evaluation by its context, and goes on.
func TestInterrupted(t *testing.T) {
	set, members := logSet(t), pair()
	o := Options{Batch: 2, Predictions: filepath.Join(t.TempDir(), "whole.csv")}
	run(t, members, set, o)
	want, err := os.ReadFile(o.Predictions)
	if err != nil {
		t.Fatal(err)
	}
	o.Predictions = filepath.Join(t.TempDir(), "parts.csv")
	for runs := 1; ; runs++ {
		ctx, cancel := context.WithCancel(context.Background())
		first := true
		o.Progress = func(int, int) {
			if !first {
				cancel()
			}
			first = false
		}
		_, err := Run(ctx, members, set, o)
		cancel()
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if err == nil {
			if runs < 4 {
				t.Errorf("done after %d runs, want interruptions", runs)
			}
			break
		}
	}
	if got, err := os.ReadFile(o.Predictions); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v, and after interruptions the file is\n%s\nwant\n%s", err, got, want)
	}
}

// TestLogCounts counts the errors again from the file alone.
func TestLogCounts(t *testing.T) {
	set := gradients(t, 5, 20, 15, "a", "b", "c", "d", "e", "f", "g")
	members := []Member{
		calculator("one", 8, labelled("a", "b", "c", "d", "e", "f", "g"), contrast(7)),
		calculator("two", 8, labelled("g", "b", "c", "d", "e", "f", "a"), contrast(7)),
	}
	path := filepath.Join(t.TempDir(), "predictions.csv")
	r := run(t, members, set, Options{Predictions: path})
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(lines[0], " "), "index image label model crops fingerprint top1 top2 top3 top4 top5 p1 p2 p3 p4 p5 logs"; got != want {
		t.Errorf("columns are %s, want %s", got, want)
	}
	top1, top5 := map[string]int{}, map[string]int{}
	var loss float64
	bins := map[float64][]float64{} // by the upper end, 1 less the probability for what is right, and 0 less for what is not
	for _, line := range lines[1:] {
		class, _, _ := strings.Cut(line[1], "/")
		if class != line[2] {
			t.Errorf("%s has the label %s", line[1], line[2])
		}
		if line[6] != class {
			top1[line[3]]++
		}
		if !slices.Contains(line[6:11], class) {
			top5[line[3]]++
		}
		for i := 12; i < 16; i++ {
			before, _ := strconv.ParseFloat(line[i-1], 64)
			if p, err := strconv.ParseFloat(line[i], 64); err != nil || !(p > 0 && p <= before) {
				t.Errorf("%s: probability %s after %s", line[1], line[i], line[i-1])
			}
		}
		if (line[3] == "ensemble") != (line[16] != "") {
			t.Errorf("%s, %s: the logarithms are %q", line[1], line[3], line[16])
		}
		if line[16] == "" {
			continue
		}
		logs, err := base64.StdEncoding.DecodeString(line[16])
		if err != nil || len(logs) != 4*7 {
			t.Fatalf("the logarithms are %q: %v", line[16], err)
		}
		of := func(class string) float64 {
			return float64(math.Float32frombits(binary.LittleEndian.Uint32(logs[4*(class[0]-'a'):])))
		}
		p, _ := strconv.ParseFloat(line[11], 64)
		if math.Abs(of(line[6])-math.Log(p)) > 1e-6 {
			t.Errorf("%s: the logarithm of %g is %g", line[1], p, of(line[6]))
		}
		loss -= of(class) / float64(r.Images)
		right := 0.0
		if line[6] == class {
			right = 1
		}
		end := math.Ceil(p*15) / 15
		bins[end] = append(bins[end], right-p)
	}
	ece := 0.0
	for _, differences := range bins {
		sum := 0.0
		for _, d := range differences {
			sum += d
		}
		ece += math.Abs(sum) / float64(r.Images)
	}
	if c := r.Calibration.Measured; math.Abs(c.ECE-ece) > 1e-6 || math.Abs(c.NLL-loss) > 1e-6 || ece == 0 {
		t.Errorf("the calibration is %+v, the file has the error %g and the loss %g", c, ece, loss)
	}
	if c := r.Calibration; c.Tempered == nil || c.Tempered.NLL > c.Measured.NLL || c.NoTemperature != "" {
		t.Errorf("at its temperature it is %+v %s", c.Tempered, c.NoTemperature)
	}
	for _, row := range r.Rows {
		if row.Top1.Count != top1[row.Name] || row.Top5.Count != top5[row.Name] || row.Top1.Count == 0 || row.Top5.Count == 0 {
			t.Errorf("%s has %d and %d errors, the file %d and %d", row.Name, row.Top1.Count, row.Top5.Count, top1[row.Name], top5[row.Name])
		}
	}
}

// TestOtherLogs expects that files of something else are refused, and stay as they are.
func TestOtherLogs(t *testing.T) {
	set, members := logSet(t), pair()
	path := filepath.Join(t.TempDir(), "predictions.csv")
	o := Options{Predictions: path}
	run(t, members, set, o)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(whole), "\n")
	firstLogs := strings.TrimSpace(lines[3][strings.LastIndex(lines[3], ",")+1:])
	replaced := func(old, new string) string { return strings.Replace(string(whole), old, new, 1) }
	other := pair()
	other[1].Fingerprint = "other weights"
	smaller := pair()
	smaller[0].Preprocessing.Crop = 0.5
	for name, c := range map[string]struct {
		content string
		members []Member
		crops   vision.Crops
		want    []string
	}{
		"text":          {"a letter\nto somebody", members, 1, []string{"first line", "a letter", "index,image"}},
		"a line":        {"a letter", members, 1, []string{"first line", "a letter"}},
		"weights":       {string(whole), other, 1, []string{"line 3", "fingerprint", "another evaluation"}},
		"preprocessing": {string(whole), smaller, 1, []string{"line 2", "fingerprint"}},
		"crops":         {string(whole), members, 12, []string{"line 2", "crops", `"1"`, `"12"`}},
		"members":       {string(whole), members[:1], 1, []string{"line 3", "model", `"two"`, `"one"`}},
		"image":         {replaced("a/0.png", "a/9.png"), members, 1, []string{"line 2", "image", "a/9.png", "a/0.png"}},
		"index":         {replaced("\n0,", "\n12,"), members, 1, []string{"line 2", "index", "from 0 to 11"}},
		"no number":     {replaced("\n0,", "\nx,"), members, 1, []string{"line 2", `"x"`}},
		"class":         {replaced(",c,a,", ",c,x,"), members, 1, []string{"none of the classes"}},
		"twice":         {string(whole) + strings.Join(lines[1:4], ""), members, 1, []string{"image 0 is there twice"}},
		"fields":        {string(whole) + "1,2\n", members, 1, []string{"wrong number of fields"}},
		"logs":          {replaced(firstLogs, "AAAA"), members, 1, []string{"line 4", "3 bytes"}},
		"fewer logs":    {replaced(firstLogs, "AAAAAA=="), members, 1, []string{"image 0", "logarithms of 1 probabilities, expected 3"}},
		"no numbers":    {replaced(firstLogs, "AACAfwAAgH8AAIB/"), members, 1, []string{"image 0", "not finite"}},
		"mixed images":  {strings.Join(append(append([]string{}, lines[:2]...), lines[5:]...), ""), members, 1, []string{"line 3", "about image 1, expected image 0"}},
	} {
		if c.content == string(whole) && name == "class" {
			t.Fatal("the class was not replaced")
		}
		if err := os.WriteFile(path, []byte(c.content), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Run(context.Background(), c.members, set, Options{Predictions: path, Crops: c.crops})
		t.Run(name, func(t *testing.T) { wanted.Error(t, err, append(c.want, path)...) })
		if after, _ := os.ReadFile(path); string(after) != c.content {
			t.Errorf("%s: the file became\n%s", name, after)
		}
	}
	_, err = Run(context.Background(), members, set, Options{Predictions: filepath.Join(path, "nowhere")})
	wanted.Error(t, err, "file of predictions")
}

// TestLimitedLog takes from a longer file what a limited evaluation needs, and goes on
// from a limited one to all.
func TestLimitedLog(t *testing.T) {
	set, members := logSet(t), pair()
	path := filepath.Join(t.TempDir(), "predictions.csv")
	few := run(t, members, set, Options{Predictions: path, Limit: 4})
	all := run(t, members, set, Options{Predictions: path})
	again := run(t, members, set, Options{Predictions: path, Limit: 4})
	if few.Speed.Resumed != 0 || all.Speed.Resumed != 4 || again.Speed.Resumed != 4 || again.Speed.Views != 0 {
		t.Errorf("resumed %d, %d and %d images", few.Speed.Resumed, all.Speed.Resumed, again.Speed.Resumed)
	}
	if fmt.Sprint(few.Rows) != fmt.Sprint(again.Rows) || all.Images != 12 || few.Images != 4 {
		t.Errorf("%+v became %+v", few.Rows, again.Rows)
	}
	fresh := run(t, members, set, Options{})
	if fmt.Sprint(fresh.Predictions) != fmt.Sprint(all.Predictions) {
		t.Error("predictions differ from those without a file")
	}
}

// TestDecodeOptions refuses large photographs, and goes on with no file of predictions of
// photographs that were turned otherwise.
func TestDecodeOptions(t *testing.T) {
	set, members := logSet(t), pair()
	o := Options{Predictions: filepath.Join(t.TempDir(), "predictions.csv"), Decode: vision.DecodeOptions{MaxPixels: 20*15 - 1}}
	var unreadable *UnreadableError
	if _, err := Run(context.Background(), members, set, o); !errors.As(err, &unreadable) || !strings.Contains(err.Error(), "299") {
		t.Errorf("error %v should say that there are more than 299 pixels", err)
	}
	o.Decode.MaxPixels = 20 * 15
	run(t, members, set, o)
	o.Decode = vision.DecodeOptions{} // makes no other numbers
	run(t, members, set, o)
	o.Decode.IgnoreOrientation = true
	_, err := Run(context.Background(), members, set, o)
	wanted.Error(t, err, "fingerprint", "another evaluation")
}
