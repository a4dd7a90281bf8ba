//go:build unix && !aix && !solaris && !illumos

package safetensors

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// fullDiskPath tells a re-executed test process where to write.
const fullDiskPath = "SAFETENSORS_TEST_FULL_DISK_PATH"

// TestWriteFullDisk has the system refuse bytes past the 64 KiB'th of a file,
// as a full disk does, at three places. The limit holds for a whole process,
// so a child of this one takes it upon itself; it needs no privilege.
func TestWriteFullDisk(t *testing.T) {
	if path := os.Getenv(fullDiskPath); path != "" {
		writeUnderLimit(t, path)
		return
	}
	path, untouched := oldFile(t)
	child := exec.Command(os.Args[0], "-test.run=^TestWriteFullDisk$", "-test.v")
	child.Env = append(os.Environ(), fullDiskPath+"="+path)
	out, err := child.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestWriteFullDisk") {
		t.Errorf("the child failed: %v\n%s", err, out)
	}
	untouched()
}

func writeUnderLimit(t *testing.T, path string) {
	const limit = 64 << 10
	signal.Ignore(unix.SIGXFSZ) // so that the write returns EFBIG
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
		t.Fatal(err)
	}
	long := map[string]string{"k": strings.Repeat("x", limit)}
	for _, c := range []struct {
		name     string
		metadata map[string]string
		tensors  []tensorfile.Tensor
		part     string
	}{
		{"in the header", long, []tensorfile.Tensor{constant("a", 1)}, "header"},
		{"in the first tensor", nil, []tensorfile.Tensor{constant("a", 1, limit)}, `tensor "a"`},
		{"in the last tensor", nil, []tensorfile.Tensor{constant("a", 1, 1000), constant("b", 1, limit/4-1000)}, `tensor "b"`},
	} {
		err := Write(path, c.metadata, c.tensors)
		if !errors.Is(err, unix.EFBIG) {
			t.Errorf("%s: error %v, want EFBIG", c.name, err)
			continue
		}
		for _, part := range []string{path, c.part, "expected room for", "make room on the disk"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q lacks %q", c.name, err, part)
			}
		}
	}
}
