package curves

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/train/rundir"
)

var nan = math.NaN()

// writeRun writes a metrics.csv and returns its folder.
func writeRun(t *testing.T, name, content string) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), name)
	if err := os.Mkdir(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(rundir.Dir(folder).Metrics(), []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestRead(t *testing.T) {
	folder := writeRun(t, "a run", "epoch,loss,top1\n1,2.5,0.25\n2,1.5,0.5\n")
	for _, path := range []string{folder, rundir.Dir(folder).Metrics(), folder + "/"} {
		run, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if run.Name != "a run" || len(run.Points) != 2 || run.Points[1].Training.Loss != 1.5 {
			t.Errorf("%s: the run is %+v", path, run)
		}
	}
}

func TestReadErrors(t *testing.T) {
	if _, err := Read(filepath.Join(t.TempDir(), "nowhere")); err == nil || !strings.Contains(err.Error(), "expected the folder of a run") {
		t.Errorf("a folder that does not exist: %v", err)
	}
}

// level is a run whose errors stay the same.
func level(name string, top1, top5 float64) Run {
	run := Run{Name: name}
	for i := range 10 {
		m := rundir.Measures{Loss: 1, Top1: 1 - top1, Top5: 1 - top5}
		run.Points = append(run.Points, rundir.Point{Epoch: float64(i + 1), Training: m, Validation: m})
	}
	return run
}

func drawn(t *testing.T, runs ...Run) image.Image {
	t.Helper()
	path := filepath.Join(t.TempDir(), "curves.png")
	if err := Write(path, runs...); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// height returns the mean height of the pixels of a colour in the given columns below
// the legend, as a share of the picture's; NaN without any.
func height(m image.Image, c color.NRGBA, left, right float64) float64 {
	size := m.Bounds().Size()
	sum, n := 0.0, 0.0
	for y := size.Y / 8; y < size.Y; y++ {
		for x := int(left * float64(size.X)); x < int(right*float64(size.X)); x++ {
			if r, g, b, _ := m.At(x, y).RGBA(); uint8(r>>8) == c.R && uint8(g>>8) == c.G && uint8(b>>8) == c.B {
				sum += 1 - float64(y)/float64(size.Y)
				n++
			}
		}
	}
	return sum / n
}

// TestComparison finds the lines of three runs where their errors put them: between 0 at
// the axis and the largest error just below the top.
func TestComparison(t *testing.T) {
	m := drawn(t, level("high", 0.5, 0.1), level("low", 0.2, 0.02), level("middle", 0.35, 0.05))
	if size := m.Bounds().Size(); size.X != 2000 || size.Y < 700 || size.Y > 800 {
		t.Errorf("the picture is %v", size)
	}
	for _, panel := range [][2]float64{{0.1, 0.45}, {0.6, 0.95}} {
		high, low, middle := height(m, blue, panel[0], panel[1]), height(m, vermilion, panel[0], panel[1]), height(m, green, panel[0], panel[1])
		want := (0.35 - 0.2) / (0.5 - 0.2)
		if panel[0] > 0.5 {
			want = (0.05 - 0.02) / (0.1 - 0.02)
		}
		if got := (middle - low) / (high - low); !(high > low) || !(math.Abs(got-want) < 0.03) {
			t.Errorf("the lines are at %.3f, %.3f and %.3f of the height: the third at %.2f between the others, want %.2f", high, low, middle, got, want)
		}
	}
}

// TestOneRun draws losses on the left, and top-1 above top-5 errors on the right.
func TestOneRun(t *testing.T) {
	m := drawn(t, level("one", 0.4, 0.2))
	if loss := height(m, blue, 0.1, 0.45); math.IsNaN(loss) || !math.IsNaN(height(m, vermilion, 0.1, 0.45)) {
		t.Errorf("the loss is at %.3f, and should be alone on its side", loss)
	}
	if top1, top5 := height(m, blue, 0.6, 0.95), height(m, vermilion, 0.6, 0.95); !(top1 > top5+0.1) {
		t.Errorf("the top-1 error is at %.3f of the height, the top-5 error at %.3f", top1, top5)
	}
}

func TestDrawErrors(t *testing.T) {
	none := Run{Name: "unmeasured", Points: []rundir.Point{{Epoch: 1, Training: rundir.Measures{Loss: 1, Top1: nan, Top5: nan}, Validation: rundir.Measures{Loss: nan, Top1: nan, Top5: nan}}}}
	for name, c := range map[string]struct {
		runs []Run
		want string
	}{
		"nothing":   {nil, "at least one run"},
		"no errors": {[]Run{none}, `unmeasured has nothing to draw as "Error (%)"`},
		"one lacks": {[]Run{level("a", 0.5, 0.1), none}, `unmeasured has nothing to draw as "Top-1 error on training (%)"`},
	} {
		path := filepath.Join(t.TempDir(), "curves.png")
		err := Write(path, c.runs...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error is %v, should have %q", name, err, c.want)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: there is a picture", name)
		}
	}
	if err := Write(filepath.Join(t.TempDir(), "nowhere", "curves.png"), level("a", 0.5, 0.1)); err == nil || !strings.Contains(err.Error(), "check that the folder exists") {
		t.Errorf("a folder that does not exist: %v", err)
	}
}

func TestSmooth(t *testing.T) {
	var points []point
	for i := range 240 {
		points = append(points, point{X: float64(i), Y: float64(i % 2)})
	}
	got := smooth(points) // 239/60 of an epoch each: 4 points, of alternating values
	if len(got) != 61 && len(got) != 60 {
		t.Fatalf("%d points, want 60, and perhaps the last alone", len(got))
	}
	if want := (point{X: 1.5, Y: 0.5}); got[0] != want {
		t.Errorf("the first is %v, want %v", got[0], want)
	}
	if few := points[:60]; !slices.Equal(smooth(few), few) {
		t.Error("few points should stay as they are")
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		want      string
	}{
		{0, 12, "0 2 4 6 8 10 12"},
		{0, 1, "0.0 0.2 0.4 0.6 0.8 1.0"},
		{17.5, 31, "20 25 30"},
		{0, 0.3, "0.00 0.05 0.10 0.15 0.20 0.25 0.30"},
		{0, 160, "0 50 100 150"},
	} {
		var labels []string
		for _, tick := range (roundTicks{}).Ticks(c.low, c.high) {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != c.want {
			t.Errorf("from %g to %g: %s, want %s", c.low, c.high, got, c.want)
		}
	}
}

// TestMarks keeps the mark of the last point.
func TestMarks(t *testing.T) {
	points := make([]point, 100)
	for i := range points {
		points[i].X = float64(i)
	}
	marked := everyNth(points)
	if len(marked) != 25 || marked[0].X != 99 || marked[1].X != 95 {
		t.Errorf("%d marks, the last at %g and %g", len(marked), marked[0].X, marked[1].X)
	}
}
