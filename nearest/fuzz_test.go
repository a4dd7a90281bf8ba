package nearest_test

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-fb2c0fa6/inception/nearest"
)

// FuzzOpen opens files of any metadata and values: they are an index that can be searched, or an
// error.
func FuzzOpen(f *testing.F) {
	values := []byte{0, 0, 128, 63, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 128, 191}
	f.Add(`{"network":"inception_v3","shape":[2]}`, `["a","b"]`, `{"folder":"/x","photographs":[{"size":1},{"sha256":"ab","width":3}]}`, values)
	f.Add(`{"shape":[-1]}`, `["a"]`, `{"photographs":[{"file_bytes":"/w=="}]}`, values)
	f.Add(`{"shape":[4611686018427387904,4]}`, `[]`, `{}`, []byte{})
	f.Add(`{"shape":[]}`, `["a","b","c","d"]`, `null`, []byte{0, 0, 192, 127})
	path := filepath.Join(f.TempDir(), "x.safetensors")
	f.Fuzz(func(t *testing.T, about, files, index string, values []byte) {
		rows := max(1, len(values)/8)
		header, err := json.Marshal(map[string]any{
			"__metadata__": map[string]string{"inception.features": about, "inception.files": files, "inception.index": index},
			"features":     map[string]any{"dtype": "F32", "shape": []int{rows, len(values) / 4 / rows}, "data_offsets": []int{0, len(values)}},
		})
		if err != nil {
			t.Fatal(err)
		}
		data := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
		if err := os.WriteFile(path, append(append(data, header...), values...), 0o666); err != nil {
			t.Fatal(err)
		}
		x, err := nearest.Open(path)
		if err != nil {
			return
		}
		if len(x.Photos) != x.Vectors.Len() {
			t.Fatalf("%d photographs have %d rows", len(x.Photos), x.Vectors.Len())
		}
		if _, err := x.Duplicates(t.Context(), 0.9); err != nil {
			t.Fatal(err)
		}
	})
}
