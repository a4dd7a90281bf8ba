package shard

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

type record struct {
	N    int  `json:"n"`
	Name Text `json:"name"`
}

// written is the file of a shard of n records.
func written(t *testing.T, s Shard, n int, change func(*Header)) []byte {
	t.Helper()
	h := Header{Kind: "test", Shard: s, Things: n, Settings: []Setting{{"weights", "abc"}, {"crops", "12"}}, Common: json.RawMessage(`{"a":1}`)}
	if change != nil {
		change(&h)
	}
	var b bytes.Buffer
	w, err := NewWriter(&b, h)
	from, to := s.Range(n)
	for i := from; i < to && err == nil; i++ {
		err = w.Append(record{i, Text(fmt.Sprintf("caf\xe9 %d", i))})
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestJoin joins shards in any order, and names what is wrong with others.
func TestJoin(t *testing.T) {
	const n = 10
	for _, of := range []int{1, 3, 7, 12} {
		folder := t.TempDir()
		var paths []string
		for i := range of {
			path := filepath.Join(folder, fmt.Sprint(i))
			if err := os.WriteFile(path, written(t, Shard{i, of}, n, nil), 0o666); err != nil {
				t.Fatal(err)
			}
			paths = append([]string{path}, paths...)
		}
		j, err := Join("test", paths)
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		err = j.Each(func(data json.RawMessage) error {
			var r record
			err := json.Unmarshal(data, &r)
			if want := fmt.Sprintf("caf\xe9 %d", r.N); string(r.Name) != want {
				t.Errorf("name %q, want %q", r.Name, want)
			}
			got = append(got, r.N)
			return err
		})
		if err != nil || len(got) != n || !slices.IsSorted(got) {
			t.Errorf("%d shards: %v, %v", of, got, err)
		}
	}

	good := func(i int) []byte { return written(t, Shard{i, 3}, n, nil) }
	other := func(change func(*Header)) []byte { return written(t, Shard{1, 3}, n, change) }
	for name, c := range map[string]struct {
		files [][]byte
		want  []string
	}{
		"missing":         {[][]byte{good(0), good(2)}, []string{"1 are missing: 1/3"}},
		"two missing":     {[][]byte{good(2)}, []string{"2 are missing: 0/3, 1/3"}},
		"double":          {[][]byte{good(0), good(1), good(2), good(1)}, []string{"1/3 is there twice", "file1", "file3"}},
		"weights":         {[][]byte{good(0), other(func(h *Header) { h.Settings[0].Value = "xyz" }), good(2)}, []string{"file1, shard 1/3, has another weights than", "found xyz, expected abc"}},
		"setting":         {[][]byte{good(0), other(func(h *Header) { h.Settings[1].Name = "size" }), good(2)}, []string{"file1", `"size"`, `"crops"`}},
		"fewer settings":  {[][]byte{good(0), other(func(h *Header) { h.Settings = h.Settings[:1] }), good(2)}, []string{"file1", `"crops"`}},
		"common":          {[][]byte{good(0), other(func(h *Header) { h.Common = json.RawMessage(`{"a":2}`) }), good(2)}, []string{"file1", `{"a":2}`}},
		"number":          {[][]byte{good(0), good(1), written(t, Shard{2, 4}, n, nil)}, []string{"file2", "number of shards", "found 4, expected 3"}},
		"things":          {[][]byte{good(0), written(t, Shard{1, 3}, n+3, nil), good(2)}, []string{"file1", "found 13, expected 10"}},
		"kind":            {[][]byte{good(0), other(func(h *Header) { h.Kind = "else" }), good(2)}, []string{"file1", "a shard of else, expected one of test"}},
		"torn":            {[][]byte{good(0), good(1)[:len(good(1))-20], good(2)}, []string{"file1", "ends after", "run it again"}},
		"without its end": {[][]byte{good(0), good(1)[:bytes.LastIndexByte(bytes.TrimSpace(good(1)), '\n')+1], good(2)}, []string{"file1", "1/3 ends after 3 of its 3"}},
		"two in one":      {[][]byte{good(0), append(good(1), good(1)...), good(2)}, []string{"file1", "one shard in a file"}},
		"a record less":   {[][]byte{good(0), bytes.Replace(good(1), []byte(`{"n":5,"name":{"bytes":"Y2Fm6SA1"}}`+"\n"), nil, 1), good(2)}, []string{"file1", "has 2 records, and should have 3"}},
		"no shard":        {[][]byte{good(0), []byte("index,image\n"), good(2)}, []string{"file1", "no file of a shard", "index,image"}},
		"JSON":            {[][]byte{[]byte("[]\n")}, []string{"file0", "no file of a shard"}},
		"empty":           {[][]byte{nil}, []string{"file0", "no file of a shard"}},
		"header":          {[][]byte{[]byte(`{"inception_shard":"test","shard":3,"of":3}` + "\n")}, []string{"file0", "0 to 2"}},
		"noise":           {[][]byte{good(0), bytes.Replace(good(1), []byte(`{"n":5`), []byte(`("n":5`), 1), good(2)}, []string{"file1", "line 3", "expected a record in JSON"}},
	} {
		folder := t.TempDir()
		var paths []string
		for i, data := range c.files {
			paths = append(paths, filepath.Join(folder, fmt.Sprintf("file%d", i)))
			if err := os.WriteFile(paths[i], data, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		_, err := Join("test", paths)
		if err == nil {
			t.Errorf("%s: joined", name)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v should say %q", name, err, want)
			}
		}
	}
	if _, err := Join("test", []string{filepath.Join(t.TempDir(), "gone")}); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("a file that is not there: %v", err)
	}
}
