package inception

import (
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/seed-fb2c0fa6/inception/"

// mayImport lists, for every package, which others of the module it may import:
// imports go one way, from the command line down to the networks. The packages below a
// folder that have no row of their own have that of "folder/*".
var mayImport = map[string][]string{
	"arch":                     {"internal/device"},             // what the backend is given in bfloat16
	"recipe":                   {"internal/textfile", "vision"}, // the cards of checkpoints and the recipes hold a vision.Preprocessing
	"vision":                   {"vision/*", "vision/jpeg", "vision/tiff"},
	"vision/*":                 {"vision/raster"}, // the formats of pictures
	"vision/jpeg":              {"vision/jpeg/avx2"},
	"vision/tiff":              {"vision/jpeg", "vision/raster"},
	"vision/jpeg/avx2":         {},
	"score":                    {},
	"shard":                    {},
	"internal/atomicfile":      {},
	"internal/ahead":           {},
	"internal/hdf5":            {},
	"internal/wire":            {},
	"internal/device":          {},
	"internal/splitmix":        {},
	"internal/printable":       {},
	"internal/page":            {},
	"internal/textfile":        {},
	"internal/tfrecord":        {},
	"dataset":                  {"internal/ahead", "internal/printable", "internal/splitmix", "internal/textfile", "internal/tfrecord", "vision"}, // of vision, what is an image
	"dataset/ilsvrc":           {"dataset", "internal/textfile"},
	"weights":                  {"arch", "recipe", "vision", "weights/tensorfile", "weights/*", "weights/keras", "weights/onnx", "weights/tensorflow", "weights/tfjs"},
	"weights/tensorfile":       {},
	"weights/keras":            {"internal/hdf5", "weights/keras/model", "weights/tensorfile"},
	"weights/keras/model":      {"weights/tensorfile"},
	"weights/onnx":             {"internal/atomicfile", "internal/wire", "weights/tensorfile"},
	"weights/tensorflow":       {"internal/atomicfile", "internal/wire", "weights/tensorfile"},
	"weights/tfjs":             {"weights/keras/model", "weights/tensorfile"},
	"weights/*":                {"internal/atomicfile", "weights/tensorfile"}, // the formats
	"weights/hub":              {"internal/atomicfile", "recipe", "weights/tensorfile"},
	"predict":                  {"arch", "internal/ahead", "internal/device", "internal/printable", "recipe", "score", "vision", "weights"},
	"train":                    {"arch", "dataset", "recipe", "score", "train/replica", "train/rundir", "train/step", "vision", "weights", "weights/safetensors", "weights/tensorfile"},
	"evaluate":                 {"dataset", "internal/ahead", "internal/printable", "predict", "recipe", "score", "shard", "vision", "weights"},
	"evaluate/gallery":         {"dataset", "evaluate", "internal/ahead", "internal/atomicfile", "internal/printable", "score", "vision"},
	"server":                   {"arch", "predict", "score", "server/inference", "server/oip", "server/page", "server/tfserving", "vision"},
	"server/oip":               {"server/inference"},
	"server/inference":         {},
	"server/client":            {"score", "server/inference"},
	"server/page":              {"predict", "recipe", "vision"},
	"server/tfserving":         {"server/oip"}, // the faults of requests
	"export":                   {"arch", "vision", "weights", "weights/onnx", "weights/tensorfile"},
	"quantize":                 {"arch", "dataset", "internal/ahead", "internal/device", "predict", "recipe", "score", "vision", "weights"},
	"engine/kernel/generic":    {},
	"engine/kernel/avx2":       {},
	"engine/kernel/avx512":     {},
	"engine/kernel/avx512bf16": {},
	"engine/kernel/avx512vnni": {},
	"engine/kernel/avxvnni":    {},
	"engine/kernel/amx":        {},
	"engine/internal/tuning":   {},
	"engine/kernel":            {"engine/internal/tuning", "engine/kernel/generic", "engine/kernel/avx2", "engine/kernel/avx512", "engine/kernel/avx512bf16", "engine/kernel/avx512vnni", "engine/kernel/avxvnni", "engine/kernel/amx"},
	"engine/internal/graph":    {},
	"engine/internal/plan":     {"engine/internal/tuning", "engine/kernel"},
	"engine/internal/lower":    {"engine/internal/graph", "engine/internal/plan", "engine/kernel"}, // of kernels, what they compute
	"engine/internal/run":      {"engine/internal/plan", "engine/internal/tuning", "engine/kernel"},
	"engine":                   {"engine/internal/graph", "engine/internal/lower", "engine/internal/plan", "engine/internal/run", "engine/kernel"},
	"train/events":             {"internal/tfrecord", "internal/wire"},
	"train/replica":            {},
	"train/replica/mpi":        {"train/replica"},
	"train/step":               {"arch", "internal/device", "recipe"},
	"train/rundir":             {"internal/atomicfile", "recipe", "train/events"},
	"train/curves":             {"internal/atomicfile", "train/rundir"},
	"explain":                  {"internal/atomicfile", "internal/page", "predict", "score", "vision"},
	"fid":                      {"score", "vision", "weights/npz"},
	"features":                 {"internal/atomicfile", "internal/printable", "vision", "weights/npz", "weights/safetensors", "weights/tensorfile"},
	"probe":                    {"arch", "features", "recipe", "score", "weights"},
	"nearest":                  {"engine/kernel", "features", "internal/ahead", "internal/atomicfile", "internal/page", "internal/printable", "vision"},
	"internal/version":         {"engine/kernel"},
	"internal/rendered":        {},
	"internal/demo": {
		"arch", "dataset", "evaluate", "internal/atomicfile", "internal/rendered", "predict", "quantize", "recipe", "score",
		"train", "train/curves", "train/rundir", "vision", "weights",
	},
	"internal/reproduce": {"arch", "dataset", "evaluate", "internal/atomicfile", "predict", "recipe", "score", "train", "train/rundir", "vision", "weights"},
	"internal/measure":   {"arch", "engine", "internal/device", "quantize", "recipe", "train", "weights"},
	"internal/cli": {
		"arch", "dataset", "dataset/ilsvrc", "engine", "evaluate", "evaluate/gallery", "explain", "export", "features", "fid", "internal/ahead", "internal/atomicfile",
		"internal/demo", "internal/measure", "internal/printable", "internal/reproduce", "internal/version", "nearest", "predict", "probe", "quantize", "recipe",
		"score", "server", "server/client", "server/inference", "shard", "train", "train/curves", "train/replica", "train/replica/mpi", "train/rundir", "vision", "weights", "weights/hub", "weights/onnx", "weights/tensorfile",
	},
	"cmd/inception": {"internal/cli"},
	"bench":         {"arch"},

	// For tests alone.
	"internal/golden":     {"arch", "internal/splitmix", "weights"},
	"internal/cpubackend": {"engine"},
	"internal/xlabackend": {},
	"internal/filetree":   {},
	"internal/pictures":   {},
	"internal/browser":    {},
	"internal/wanted":     {},
}

// backends are packages that only the command line, the engine, which has one for
// its long tail, and tests may link, so that users of the library choose theirs.
var backends = []string{"github.com/gomlx/compute/gobackend", "github.com/gomlx/gomlx/backends/"}

func TestImportsGoOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	rowOf := func(name string) string {
		if _, ok := mayImport[name]; ok {
			return name
		}
		return path.Dir(name) + "/*"
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		name, ok := strings.CutPrefix(fields[0], module)
		if !ok {
			continue // the module's own folder, which holds this test
		}
		row := rowOf(name)
		seen[row] = true
		allowed, ok := mayImport[row]
		if !ok {
			t.Errorf("package %s is new: say here what it may import", name)
		}
		for _, imported := range fields[1:] {
			if ours, ok := strings.CutPrefix(imported, module); ok && !slices.Contains(allowed, ours) && !slices.Contains(allowed, rowOf(ours)) {
				t.Errorf("%s must not import %s", name, ours)
			}
			for _, backend := range backends {
				if strings.HasPrefix(imported, backend) && name != "internal/cli" && name != "engine" {
					t.Errorf("%s must not link the backend %s", name, imported)
				}
			}
		}
	}
	for row := range mayImport {
		if !seen[row] {
			t.Errorf("%s is listed, but there is no such package", row)
		}
	}
}
