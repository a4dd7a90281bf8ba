package version

import (
	"encoding/json"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

func TestString(t *testing.T) {
	machine := Info{Go: "go1.26.5", OS: "linux", Arch: "amd64", Cores: 2, Instructions: []kernel.ISA{kernel.AVX2, kernel.Generic}}
	commit := debug.BuildSetting{Key: "vcs.revision", Value: "0123456789abcdef0123456789abcdef01234567"}
	for _, c := range []struct {
		build debug.BuildInfo
		want  string
		// modified is what JSON says of it.
		modified string
	}{
		{debug.BuildInfo{}, "inception devel, go1.26.5, linux/amd64, 2 cores with avx2, generic", ""},
		{debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: []debug.BuildSetting{commit, {Key: "vcs.modified", Value: "true"}}},
			"inception devel (commit 0123456789ab, modified), go1.26.5, linux/amd64, 2 cores with avx2, generic", "true"},
		{debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}, Settings: []debug.BuildSetting{commit, {Key: "vcs.modified", Value: "false"}}},
			"inception v1.2.3 (commit 0123456789ab), go1.26.5, linux/amd64, 2 cores with avx2, generic", "false"},
	} {
		info := machine
		info.built(&c.build)
		if got := info.String(); got != c.want {
			t.Errorf("it says %q, want %q", got, c.want)
		}
		encoded, err := json.Marshal(info)
		if err != nil {
			t.Fatal(err)
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(encoded, &fields); err != nil {
			t.Fatal(err)
		}
		if got := string(fields["modified"]); got != c.modified {
			t.Errorf("%s: modified is %q, want %q", encoded, got, c.modified)
		}
	}
}

func TestRead(t *testing.T) {
	info := Read()
	if info.Version == "" || info.Go != runtime.Version() || info.Cores < 1 || len(info.Instructions) == 0 || info.Instructions[len(info.Instructions)-1] != kernel.Generic {
		t.Errorf("it is %+v", info)
	}
}
