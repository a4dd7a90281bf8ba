// Package version says what a binary was built from, and what the machine that it runs on
// offers.
package version

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// Info is the build and the machine.
type Info struct {
	// Version is the module's, or "devel" for a build without one.
	Version string `json:"version"`
	// Commit is the revision that was built, and Modified whether files differed from it;
	// empty and nil where the build does not tell.
	Commit   string `json:"commit,omitempty"`
	Modified *bool  `json:"modified,omitempty"`
	// Go is the version of the compiler, OS and Arch what was compiled for.
	Go   string `json:"go"`
	OS   string `json:"os"`
	Arch string `json:"arch"`
	// Cores are those that the process may use.
	Cores int `json:"cores"`
	// Instructions are the sets that there are kernels for and that the CPU has, the best
	// first.
	Instructions []kernel.ISA `json:"instructions"`
}

// Read returns what is known of this process.
func Read() Info {
	info := Info{Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.NumCPU(), Instructions: kernel.Available()}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		build = &debug.BuildInfo{}
	}
	info.built(build)
	return info
}

func (i *Info) built(build *debug.BuildInfo) {
	i.Version = build.Main.Version
	if i.Version == "" || i.Version == "(devel)" {
		i.Version = "devel"
	}
	for _, s := range build.Settings {
		switch s.Key {
		case "vcs.revision":
			i.Commit = s.Value
		case "vcs.modified":
			modified := s.Value == "true"
			i.Modified = &modified
		}
	}
}

// String is one line of all of it.
func (i Info) String() string {
	commit := ""
	if i.Commit != "" {
		commit = " (commit " + i.Commit[:min(len(i.Commit), 12)]
		if i.Modified != nil && *i.Modified {
			commit += ", modified"
		}
		commit += ")"
	}
	sets := make([]string, len(i.Instructions))
	for j, isa := range i.Instructions {
		sets[j] = string(isa)
	}
	cores := "cores"
	if i.Cores == 1 {
		cores = "core"
	}
	return fmt.Sprintf("inception %s%s, %s, %s/%s, %d %s with %s", i.Version, commit, i.Go, i.OS, i.Arch, i.Cores, cores, strings.Join(sets, ", "))
}
