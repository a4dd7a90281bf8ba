package dataset

import (
	"bytes"
	"context"
	"fmt"
	"image/jpeg"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/filetree"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
)

// shardsOfWebDataset copies the shards that its library wrote into a folder of their own.
func shardsOfWebDataset(t *testing.T) string {
	t.Helper()
	files := map[string][]byte{}
	for _, name := range []string{"wds-train-000000.tar", "wds-train-000001.tar", "wds-val-000000.tar"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = data
	}
	return filetree.Write(t, files)
}

func labelsIn(s *Set) []int {
	all := make([]int, s.Len())
	for i := range all {
		all[i] = s.Label(i)
	}
	return all
}

// TestSamples reads shards of WebDataset's own library.
func TestSamples(t *testing.T) {
	root := shardsOfWebDataset(t)
	classes := []string{"ant", "bee", "cat"} // in .json
	for name, c := range map[string]struct {
		path, split string
		images      []string
		labels      []int
	}{
		"folder":  {root, "train", []string{"wds-train-000000.tar/0000.jpg", "wds-train-000000.tar/0001.jpg", "wds-train-000000.tar/0002.jpg", "wds-train-000001.tar/0003.jpg", "wds-train-000001.tar/0004.jpg"}, []int{0, 1, 2, 0, 1}},
		"custom":  {root, "validation", []string{"wds-val-000000.tar/0005.jpg", "wds-val-000000.tar/0006.jpg", "wds-val-000000.tar/0007.jpg"}, []int{2, 0, 1}},
		"braces":  {filepath.Join(root, "wds-train-{000000..000001}.tar"), "", nil, []int{0, 1, 2, 0, 1}},
		"glob":    {filepath.Join(root, "wds-*.tar"), "val", nil, []int{2, 0, 1}},
		"several": {filepath.Join(root, "wds-{train-000001,val-000000}.tar"), "train", nil, []int{0, 1}},
		"one":     {filepath.Join(root, "wds-train-000000.tar"), "", nil, []int{0, 1, 2}},
	} {
		s := mustOpen(t, c.path, Options{Split: c.split})
		if c.images != nil && !slices.Equal(names(s), c.images) {
			t.Errorf("%s: images %q, want %q", name, names(s), c.images)
		}
		if len(s.Classes()) <= slices.Max(c.labels) || !slices.Equal(s.Classes(), classes[:len(s.Classes())]) || !slices.Equal(labelsIn(s), c.labels) {
			t.Errorf("%s: labels %d of %q, want %d of %q", name, labelsIn(s), s.Classes(), c.labels, classes)
		}
		for i := range s.Len() {
			data, err := s.Read(i)
			if err != nil {
				t.Fatal(err)
			}
			m, err := jpeg.Decode(bytes.NewReader(data))
			if err != nil || m.Bounds().Dx() != 6 {
				t.Errorf("%s: %s: %v", name, s.Name(i), err)
			}
		}
	}
	divided := filetree.Write(t, map[string][]byte{"Train/00000.tar": mustRead(t, root, "wds-train-000000.tar"), "Train/00001.tar": mustRead(t, root, "wds-train-000001.tar"), "val/00000.tar": mustRead(t, root, "wds-val-000000.tar")})
	for split, want := range map[string]int{"train": 5, "validation": 3} {
		if s := mustOpen(t, divided, Options{Split: split}); s.Len() != want || s.Split() == "" || !slices.Equal(s.Classes(), classes) {
			t.Errorf("%s: %q of %q", split, names(s), s.Classes())
		}
	}
	packed := filetree.Write(t, map[string][]byte{"x-00.tar.gz": gzipped(t, mustRead(t, root, "wds-train-000000.tar")), "x-01.tar.gz": gzipped(t, mustRead(t, root, "wds-train-000001.tar"))})
	if s := mustOpen(t, packed, Options{}); s.Len() != 5 {
		t.Errorf("compressed: %q", names(s))
	}
	if _, err := Open(context.Background(), packed, Options{MemoryLimit: 1000}); err == nil || !strings.Contains(err.Error(), "memory limit of 1000") {
		t.Errorf("compressed, beyond the limit: %v", err)
	}
	_, err := Open(context.Background(), root, Options{})
	wanted.ErrorOf(t, "no split", err, "wds-train, wds-val", "name the one")
	_, err = Open(context.Background(), root, Options{Split: "test"})
	wanted.ErrorOf(t, "no such split", err, `no split "test"`, "wds-train, wds-val")
	_, err = Open(context.Background(), filepath.Join(root, "wds-train-{000000..000004}.tar"), Options{})
	wanted.ErrorOf(t, "missing", err, "3 of the 5 files", "wds-train-000002.tar")
	_, err = Open(context.Background(), filepath.Join(root, "none-*.tar"), Options{})
	wanted.ErrorOf(t, "none", err, "names no file")
}

func mustRead(t *testing.T, path ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestSampleLabels has the kinds of files that say a class.
func TestSampleLabels(t *testing.T) {
	image := picture(t, "a.jpg", 1)
	shard := func(of, a, b, c string) map[string][]byte {
		files := map[string][]byte{}
		for i, label := range []string{a, b, c} {
			files[fmt.Sprintf("%d.jpg", i)] = image
			files[fmt.Sprintf("%d.%s", i, of)] = []byte(label)
			files[fmt.Sprintf("%d.seg.png", i)] = image // a mask
		}
		return files
	}
	for name, c := range map[string]struct {
		files   map[string][]byte
		beside  string // labels.txt
		o       Options
		classes []string
		labels  []int
		fails   string
	}{
		"numbers":           {shard("cls", "0", "2\n", "1"), "", Options{}, []string{"0", "1", "2"}, []int{0, 2, 1}, ""},
		"numbers from 1":    {shard("cls", "1", "2", "1"), "", Options{LabelOffset: 1}, []string{"0", "1"}, []int{0, 1, 0}, ""},
		"names in cls":      {shard("cls", "dog", "cat", "dog"), "", Options{}, []string{"cat", "dog"}, []int{1, 0, 1}, ""},
		"names in txt":      {shard("txt", "dog", "cat", "dog"), "", Options{}, []string{"cat", "dog"}, []int{1, 0, 1}, ""},
		"json":              {shard("json", `{"label": "dog"}`, `{"label": "cat"}`, `{"label": "dog"}`), "", Options{}, []string{"cat", "dog"}, []int{1, 0, 1}, ""},
		"json with numbers": {shard("json", `{"label": 1, "synset": "n1"}`, `{"label": 0, "synset": "n0"}`, `{"label": 1}`), "", Options{}, []string{"n0", "n1"}, []int{1, 0, 1}, ""},
		"a list":            {shard("cls", "0", "1", "0"), "# ours\nant\nbee\n", Options{}, []string{"ant", "bee"}, []int{0, 1, 0}, ""},
		"a numbered list":   {shard("cls", "1", "2", "1"), "\xef\xbb\xbf0:none\r\n1:ant\r\n2:bee\r\n", Options{LabelOffset: 1}, []string{"ant", "bee"}, []int{0, 1, 0}, ""},
		"given":             {shard("cls", "b", "a", "b"), "", Options{Classes: []string{"a", "c", "b"}}, []string{"a", "c", "b"}, []int{2, 0, 2}, ""},
		"not given":         {shard("cls", "b", "x", "b"), "", Options{Classes: []string{"a", "b"}}, nil, nil, `1.cls says "x"`},
		"beyond":            {shard("cls", "0", "7", "0"), "ant\nbee\n", Options{}, nil, nil, "1.cls has the label 7"},
		"mixed":             {shard("cls", "0", "cat", "1"), "", Options{}, nil, nil, `1.cls says "cat"`},
		"empty":             {shard("cls", "0", "", "1"), "", Options{}, nil, nil, "1.cls is empty"},
		"no JSON":           {shard("json", `{"label": 1}`, `{`, `{"label": 1}`), "", Options{}, nil, nil, "1.json should be a JSON object"},
		"no label":          {shard("json", `{"label": 1}`, `{"width": 1}`, `{"label": 1}`), "", Options{}, nil, nil, "1 has no class"},
		"captions":          {shard("txt", "a dog on grass", "a cat that sleeps", "two dogs that play"), "", Options{}, nil, nil, "captions"},
		"names, offset":     {shard("cls", "a", "b", "a"), "", Options{LabelOffset: 1}, nil, nil, "label offset is 1"},
	} {
		files := map[string][]byte{"x-0000.tar": tarBytes(t, c.files)}
		if c.beside != "" {
			files["classes.txt"] = []byte(c.beside)
		}
		s, err := Open(context.Background(), filepath.Join(filetree.Write(t, files), "x-0000.tar"), c.o)
		if c.fails != "" {
			wanted.ErrorOf(t, name, err, c.fails)
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		order := map[string]int{}
		for i := range s.Len() {
			order[filepath.Base(s.Name(i))] = s.Label(i)
		}
		got := []int{order["0.jpg"], order["1.jpg"], order["2.jpg"]}
		if !slices.Equal(s.Classes(), c.classes) || !slices.Equal(got, c.labels) || s.Len() != 3 {
			t.Errorf("%s: labels %d of %q, want %d of %q", name, got, s.Classes(), c.labels, c.classes)
		}
	}
	// Class folders with texts beside their images are class folders.
	scraped := map[string][]byte{"cat/1.jpg": image, "cat/1.txt": []byte("a cat"), "dog/1.jpg": image, "dog/1.json": []byte(`{"label": 5}`)}
	if s := mustOpen(t, filetree.File(t, "scraped.tar", tarBytes(t, scraped)), Options{}); !slices.Equal(s.Classes(), []string{"cat", "dog"}) {
		t.Errorf("classes %q", s.Classes())
	}
}

// TestBraces holds patterns to what bash makes of them.
func TestBraces(t *testing.T) {
	for pattern, want := range map[string]string{
		"a":                 "a",
		"a{1..3}b":          "a1b a2b a3b",
		"{08..11}":          "08 09 10 11",
		"{000..002}":        "000 001 002",
		"{3..1}":            "3 2 1",
		"{a,b}{1,2}":        "a1 a2 b1 b2",
		"x-{a,b{1..2}}.tar": "x-a.tar x-b1.tar x-b2.tar",
		"{a":                "{a",
		"{a}":               "{a}",
		"{,x}y":             "y xy",
	} {
		got, err := braces(pattern)
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s is %q, %v, want %s", pattern, got, err, want)
		}
	}
	_, err := braces("{0..99999}{0..99999}")
	wanted.ErrorOf(t, "too many", err, "at most")
}
