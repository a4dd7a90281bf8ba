package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/cli"
	"github.com/seed-fb2c0fa6/inception/internal/filetree"
)

// TestPhoneFolder has what lies in a camera's folder, and names that are not UTF-8, and
// expects every photograph in its place, and the rest said.
func TestPhoneFolder(t *testing.T) {
	heic := []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic")
	photo := pngFile(t, 90, 80)
	root := filetree.Write(t, map[string][]byte{
		"camera/IMG_1.PNG": photo, "camera/IMG_2": photo, "camera/IMG_3.HEIC": heic, "camera/IMG_4.MOV": []byte("\x00\x00\x00\x14ftypqt  "),
		"camera/IMG_5.PNG": photo[:len(photo)/2], "camera/._IMG_1.PNG": []byte("\x00\x05\x16\x07"), "camera/.thumbnails/1.png": photo,
		"other/IMG_6.PNG": photo,
	})
	camera := filepath.Join(root, "camera")
	for _, link := range [][2]string{{"../other", "link"}, {"..", "up"}, {"nowhere", "gone"}} {
		if err := os.Symlink(link[0], filepath.Join(camera, link[1])); err != nil {
			t.Skipf("no symbolic links here: %v", err)
		}
	}
	want := 6                                                                    // one by two ways
	if os.WriteFile(filepath.Join(camera, "caf\xe9.png"), photo, 0o666) == nil { // not where names are UTF-8
		writeFile(t, filepath.Join(camera, "caf\xe8.png"), photo)
		want += 2
	}
	out, errOut := run(t, cli.Failed, "predict", "--weights", tiny(t), "--size", "75", "--json", camera)
	var records []struct {
		File, Error string
		Bytes       []byte `json:"file_bytes"`
	}
	if err := json.Unmarshal([]byte(out), &records); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, r := range records {
		name := r.File[len(camera)+1:]
		if _, twice := files[name]; twice {
			t.Errorf("%s is there twice", name)
		}
		files[name] = r.Error
		if r.Bytes != nil {
			if _, err := os.Stat(string(r.Bytes)); err != nil {
				t.Error(err)
			}
		}
	}
	for name, failed := range map[string]string{
		"IMG_1.PNG": "", "IMG_2": "", "IMG_3.HEIC": "HEIC", "IMG_5.PNG": "damaged", "link/IMG_6.PNG": "",
	} {
		found, ok := files[name]
		if !ok || (failed == "") != (found == "") {
			t.Errorf("%s: %q, %v, want %q", name, found, ok, failed)
		}
		contains(t, found, failed)
	}
	if len(files) != want {
		t.Errorf("%d files, want %d: %q", len(files), want, files)
	}
	contains(t, errOut, "gone cannot be read", "up/camera leads back", "2 of ", "images failed")
}

// TestEvaluateLeftOut evaluates a set with an image of a format that is not read, and one
// that is unreadable.
func TestEvaluateLeftOut(t *testing.T) {
	photo := pngFile(t, 90, 80)
	files := map[string][]byte{"cat/x.heic": []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), "cat/bad.png": []byte("no picture"), "dog/1.png": photo, "cow/1.png": photo, "cat/1.png": photo}
	data := filetree.Write(t, files)
	w := tinyNamed(t, "inception_v4", 75, "cat", "cow", "dog", "eel")
	args := []string{"evaluate", "--weights", w, "--data", data}
	_, errOut := run(t, cli.Failed, args...)
	contains(t, errOut, "only the network has eel", "only the data has none", "--classes subset")
	args = append(args, "--classes", "subset")
	_, errOut = run(t, cli.Failed, args...)
	contains(t, errOut, "cat/bad.png", "max_unreadable", "x.heic (HEIC)", "1 file looks like an image")
	args = append(args, "--max-unreadable", "0.25")
	out, errOut := run(t, cli.Done, args...)
	contains(t, errOut, "x.heic", "cat/bad.png is left out")
	contains(t, out, "3 images, without 1 that cannot be decoded, without 1 of formats that are not read", "3 of the network's 4 classes compete")
	out, _ = run(t, cli.Done, append(args, "--json")...)
	var report struct {
		Matching     string
		Renormalized bool
		LeftOut      struct {
			Images []struct{ Name, Format string }
		} `json:"left_out"`
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	if report.Matching != "subset" || !report.Renormalized || len(report.LeftOut.Images) != 1 || report.LeftOut.Images[0].Format != "HEIC" {
		t.Errorf("report is %+v", report)
	}
	out, _ = run(t, cli.Done, append(args, "--classes", "all")...)
	contains(t, out, "all 4 classes of the network compete")
	for flag, value := range map[string]string{"--classes": "none", "--max-unreadable": "1.5"} {
		_, errOut = run(t, cli.Usage, append(args, flag, value)...)
		contains(t, errOut, flag, value)
	}
	_, errOut = run(t, cli.Usage, append(args, "other")...)
	contains(t, errOut, "quotes")
}
