package rundir

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOpenMetricsDropsWhatComesAgain(t *testing.T) {
	head := strings.Join(header(), ",") + "\n"
	rows := []string{
		"10,0.5,2.1,0.1,3,0.2,0.6,100,0.01,,,\n",
		"20,1,1.9,0.1,3,0.3,0.7,100,0.01,,,\n",
		"20,1,,,,,,,,1.8,0.4,0.8\n",
		"30,1.5,1.7,0.1,3,0.3,0.7,100,0.01,,,\n",
		"40,2,1.5,0", // killed while it was written
	}
	for _, c := range []struct {
		step int
		due  bool
		keep int
	}{{0, false, 0}, {9, false, 0}, {10, false, 1}, {20, false, 3}, {20, true, 2}, {25, false, 3}, {30, false, 4}, {40, false, 4}} {
		path := filepath.Join(t.TempDir(), "metrics.csv")
		if err := os.WriteFile(path, []byte(head+strings.Join(rows, "")), 0o666); err != nil {
			t.Fatal(err)
		}
		m, err := openMetrics(path, c.step, c.due)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.validation(Validation{Step: 99, Epoch: 3, Top1: 0.5, Top5: 1, Loss: 0.25}); err != nil {
			t.Fatal(err)
		}
		if err := m.close(); err != nil {
			t.Fatal(err)
		}
		want := head + strings.Join(rows[:c.keep], "") + "99,3.0000,,,,,,,,0.25,0.5,1\n"
		if got, _ := os.ReadFile(path); string(got) != want {
			t.Errorf("resumed after step %d (validation due: %v):\n%swant:\n%s", c.step, c.due, got, want)
		}
	}
}

func TestOpenMetricsRefusesOtherFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.csv")
	text := "a table\nof something else\n"
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := openMetrics(path, 5, false); err == nil || !strings.Contains(err.Error(), "row 2") {
		t.Errorf("error %v should name row 2", err)
	}
	if got, _ := os.ReadFile(path); string(got) != text {
		t.Error("the file was changed")
	}
}
