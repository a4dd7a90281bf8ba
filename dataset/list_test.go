package dataset

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/filetree"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
)

// TestList reads lists of images in the forms that people and their programs write.
func TestList(t *testing.T) {
	images := pictures(t, "img/1.jpg", "img/2.jpg", "img/3, big.jpg", "img/caf\u00e9.jpg")
	catDog := []string{"cat", "dog"}
	for name, c := range map[string]struct {
		list    string
		o       Options
		classes []string
		labels  []int
	}{
		"header":          {"path,label\nimg/1.jpg,dog\nimg/2.jpg,cat\n", Options{}, catDog, []int{1, 0}},
		"none":            {"img/1.jpg,dog\nimg/2.jpg,cat\n", Options{}, catDog, []int{1, 0}},
		"quotes":          {"\"File Name\",\"Class\"\n\"img/3, big.jpg\",\"dog\"\nimg/2.jpg,\"cat\"\n", Options{}, catDog, []int{1, 0}},
		"windows":         {"\xef\xbb\xbffilename;label\r\nimg\\1.jpg;dog\r\nimg\\2.jpg;cat\r\n", Options{}, catDog, []int{1, 0}},
		"tabs":            {"img/1.jpg\tdog\nimg/2.jpg\tcat", Options{}, catDog, []int{1, 0}},
		"spaces":          {"img/1.jpg 1\nimg/2.jpg  0\n", Options{}, []string{"0", "1"}, []int{1, 0}},
		"comments":        {"# mine\npath,label\n#img/9.jpg,eel\nimg/1.jpg,dog\n\nimg/2.jpg,cat\n", Options{}, catDog, []int{1, 0}},
		"other columns":   {"id,width,label,image\n7,3,dog,img/1.jpg\n8,4,cat,img/2.jpg\n", Options{}, catDog, []int{1, 0}},
		"other names":     {"foto,soort\nimg/1.jpg,dog\nimg/2.jpg,cat\n", Options{}, catDog, []int{1, 0}},
		"numbers, names":  {"file,class_id,class_name\nimg/1.jpg,1,dog\nimg/2.jpg,0,cat\n", Options{}, catDog, []int{1, 0}},
		"numbers from 1":  {"img/1.jpg,2\nimg/2.jpg,1\n", Options{LabelOffset: 1}, []string{"0", "1"}, []int{1, 0}},
		"without endings": {"id,breed\nimg/1,dog\nimg/2,cat\n", Options{}, catDog, []int{1, 0}},
		"given":           {"img/1.jpg,dog\nimg/2.jpg,cat\n", Options{Classes: []string{"dog", "cat"}}, []string{"dog", "cat"}, []int{0, 1}},
		"splits":          {"path,label,data set\nimg/1.jpg,dog,train\nimg/2.jpg,cat,train\nimg/2.jpg,dog,valid\n", Options{Split: "Training"}, catDog, []int{1, 0}},
		"normal forms":    {"img/caf\u00e9.jpg,caf\u00e9\nimg/2.jpg,cafe\u0301\nimg/1.jpg,bar", Options{}, []string{"bar", "caf\u00e9"}, []int{1, 1, 0}},
		"one missing":     {"img/1.jpg,dog\nimg/9.jpg,cat\n", Options{}, catDog, []int{1, 0}},
	} {
		files := maps.Clone(images)
		files["list.csv"] = []byte(c.list)
		root := filetree.Write(t, files)
		s, err := Open(context.Background(), filepath.Join(root, "list.csv"), c.o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !slices.Equal(s.Classes(), c.classes) || !slices.Equal(labelsIn(s), c.labels) {
			t.Errorf("%s: labels %d of %q, want %d of %q", name, labelsIn(s), s.Classes(), c.labels, c.classes)
		}
		if _, err := s.Read(0); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]struct {
		list string
		o    Options
		want []string
	}{
		"empty":        {"# nothing\n", Options{}, []string{"found none"}},
		"no label":     {"path,label\nimg/1.jpg,dog\nimg/2.jpg,\n", Options{}, []string{"line 3", "expected both"}},
		"short":        {"path,x,label\nimg/1.jpg,1,dog\nimg/2.jpg,2\n", Options{}, []string{"line 3 has 2 columns", "at least 3"}},
		"one column":   {"img/1.jpg\nimg/2.jpg\n", Options{}, []string{"one column"}},
		"two labels":   {"img/1.jpg,dog\nimg/2.jpg,cat\nimg/1.jpg,cat\n", Options{}, []string{"line 1", `"dog"`, "line 3", `"cat"`}},
		"elsewhere":    {"path,label\na/1.jpg,dog\na/2.jpg,cat\n", Options{}, []string{"none of the 2 images is there", "a/1.jpg", "relative to"}},
		"columns":      {"a,b,c\nx,y,z\n", Options{}, []string{"none of the 2 images"}},
		"quote":        {"path,label\n\"img/1.jpg,dog\nimg/2.jpg,cat\n", Options{}, []string{"quote"}},
		"split":        {"path,label,split\nimg/1.jpg,dog,train\nimg/2.jpg,cat,val\n", Options{}, []string{"splits train, val", "name the split"}},
		"no split":     {"path,label\nimg/1.jpg,dog\nimg/2.jpg,cat\n", Options{Split: "val"}, []string{`"val"`, "column"}},
		"one class":    {"img/1.jpg,dog\nimg/2.jpg,dog\n", Options{}, []string{"at least two classes"}},
		"class":        {"img/1.jpg,dog\nimg/2.jpg,eel\n", Options{Classes: []string{"dog", "cat"}}, []string{"line 2", `"eel"`}},
		"label offset": {"img/1.jpg,1\nimg/2.jpg,0\n", Options{LabelOffset: 1}, []string{"line 2 has the label 0", "label offset"}},
	} {
		files := maps.Clone(images)
		files["list.csv"] = []byte(c.list)
		_, err := Open(context.Background(), filepath.Join(filetree.Write(t, files), "list.csv"), c.o)
		wanted.ErrorOf(t, name, err, c.want...)
	}
}

// FuzzList reads hostile lists: a set, or an error.
func FuzzList(f *testing.F) {
	f.Add("path,label\nlist_test.go,dog\nlist.go,cat\n")
	f.Add("list.go 1\n\"x\"\"y\";2\n#\n")
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := readRows(text)
		if err != nil || len(rows) == 0 {
			return
		}
		l := &list{root: "."}
		c, header, err := l.columns(rows)
		if err != nil {
			return
		}
		if header && max(c.path, c.label) >= len(rows[0].fields) {
			t.Errorf("columns %+v of %q", c, rows[0].fields)
		}
	})
}
