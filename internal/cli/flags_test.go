package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestSharedFlags expects that a flag that several verbs have takes and says the same
// everywhere, but for what is listed: there the verbs say what it is of.
func TestSharedFlags(t *testing.T) {
	ownWords := []string{"batch", "crops", "label-offset", "layer", "max-unreadable", "model", "out", "precision", "predictions", "report", "seed", "size", "split", "tls-cert", "top", "weights"}
	lists := []string{"evaluate --weights", "bench --batch", "merge --data"}
	type use struct{ verb, usage, kind string }
	first := map[string]use{}
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			u := use{cmd.Name(), f.Usage, f.Value.Type()}
			if slices.Contains(lists, u.verb+" --"+f.Name) {
				return
			}
			before, ok := first[f.Name]
			if !ok {
				first[f.Name] = u
				return
			}
			if u.kind != before.kind {
				t.Errorf("--%s is a %s of %s and a %s of %s", f.Name, u.kind, u.verb, before.kind, before.verb)
			}
			if u.usage != before.usage && !slices.Contains(ownWords, f.Name) {
				t.Errorf("--%s says %q of %s and %q of %s", f.Name, u.usage, u.verb, before.usage, before.verb)
			}
		})
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
	}
	visit(rootCommand())
	if len(first) < 30 {
		t.Errorf("only %d flags were found", len(first))
	}
}

// TestSiblingFlags expects of each verb what its siblings take too.
func TestSiblingFlags(t *testing.T) {
	for verb, flags := range map[string][]string{
		"predict":   {"orient", "max-pixels", "model", "weights", "labels", "size", "crop", "interpolation", "alpha", "batch", "json", "shard", "out", "backend", "threads"},
		"evaluate":  {"orient", "max-pixels", "model", "weights", "labels", "size", "crop", "interpolation", "alpha", "batch", "json", "shard", "out", "backend", "threads", "data", "split", "crops", "label-offset", "max-unreadable", "classes"},
		"train":     {"model", "weights", "batch", "json", "backend", "threads", "data", "split", "label-offset", "max-unreadable"},
		"quantize":  {"orient", "max-pixels", "model", "weights", "labels", "size", "crop", "interpolation", "alpha", "json", "backend", "threads", "data", "split", "out", "skip-unreadable"},
		"bench":     {"size", "batch", "json", "backend", "threads"},
		"describe":  {"size", "json", "crops", "out", "orient", "max-pixels", "weights", "model", "head", "layer", "crop", "alpha", "precision", "backend"},
		"demo":      {"precision", "json", "backend", "threads", "out"},
		"reproduce": {"json", "backend", "threads", "data", "split", "out"},
	} {
		cmd, _, err := rootCommand().Find([]string{verb})
		if err != nil {
			t.Fatal(err)
		}
		for _, flag := range flags {
			if cmd.Flags().Lookup(flag) == nil {
				t.Errorf("%s has no --%s", verb, flag)
			}
		}
	}
}

// TestFlagsOfDescribe expects each flag to be of something that the verb describes.
func TestFlagsOfDescribe(t *testing.T) {
	var of []string
	for _, d := range new(describeFlags).descriptions() {
		of = append(append(of, d.with...), d.flag)
	}
	cmd := describeCommand()
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !slices.Contains(of, f.Name) {
			t.Errorf("--%s is of nothing that is described", f.Name)
		}
	})
	for _, name := range of {
		if name != "" && cmd.Flags().Lookup(name) == nil {
			t.Errorf("there is no --%s", name)
		}
	}
}

// TestDefaultsOfTrain expects the flags that change a recipe to say that it has the default.
func TestDefaultsOfTrain(t *testing.T) {
	var f trainFlags
	cmd := trainCommand()
	for name := range f.changes() {
		if name == "data" || name == "head" { // most recipes have none
			continue
		}
		if usage := cmd.Flags().Lookup(name).Usage; !strings.Contains(usage, "(default th") || !strings.Contains(usage, "of the recipe") {
			t.Errorf("--%s says %q, and not what its default is", name, usage)
		}
	}
}
