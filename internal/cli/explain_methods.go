package cli

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/explain"
)

// An explainMethod is a value of --method.
type explainMethod struct {
	name string
	// does says in the help what it is.
	does string
	// flags are its own, which methods that do not list them refuse.
	flags []string
	// many is set where a photograph goes through the network many times.
	many      bool
	gradients bool
	method    func(f *explainFlags) explain.Method
}

// explainMethods are the values of --method.
func explainMethods() []explainMethod {
	return []explainMethod{
		{
			name: "cam",
			does: `class activation mapping (Zhou et al., arXiv 1512.04150), exact for networks that
end in average pooling and one dense layer: what each cell of the last block's grid
adds to the logit, so that the map's mean and the class's bias are the logit`,
			method: func(*explainFlags) explain.Method { return explain.ClassActivation{} },
		},
		{
			name: "grad-cam",
			does: `Grad-CAM (Selvaraju et al., arXiv 1610.02391), for any head, and with --layer
for inner layers: their channels, weighted by their mean gradients`,
			flags: []string{"layer"}, gradients: true,
			method: func(f *explainFlags) explain.Method { return explain.GradCAM{Layer: f.layer} },
		},
		{
			name: "occlusion",
			does: `how much the logit falls where squares of --window pixels, --stride apart and of
the colour --baseline, cover the photograph (Zeiler and Fergus, arXiv 1311.2901)`,
			flags: []string{"window", "stride", "baseline"}, many: true,
			method: func(f *explainFlags) explain.Method {
				return explain.Occlusion{Window: f.window, Stride: f.stride, Fill: explain.Baseline(f.baseline)}
			},
		},
		{
			name: "integrated-gradients",
			does: `the gradients on the way from a --baseline, in --steps, summed (Sundararajan et
al., arXiv 1703.01365): the map's sum is the difference of the two logits, but for
what the steps leave over, which is said where it is more than 1%`,
			flags: []string{"steps", "baseline"}, many: true, gradients: true,
			method: func(f *explainFlags) explain.Method {
				return explain.IntegratedGradients{Steps: f.steps, From: explain.Baseline(f.baseline)}
			},
		},
		{
			name: "smoothgrad",
			does: `the mean gradient over --samples with --noise of a --seed, without its sign
(Smilkov et al., arXiv 1706.03825)`,
			flags: []string{"samples", "noise", "seed"}, many: true, gradients: true,
			method: func(f *explainFlags) explain.Method {
				return explain.SmoothGrad{Samples: f.samples, Noise: f.noise, Seed: f.seed}
			},
		},
	}
}

// namesOfMethods lists those for which is, or all.
func namesOfMethods(is func(explainMethod) bool) []string {
	var names []string
	for _, m := range explainMethods() {
		if is == nil || is(m) {
			names = append(names, m.name)
		}
	}
	return names
}

// explainMethodsText is the methods in the help.
func explainMethodsText() string {
	var s strings.Builder
	for _, m := range explainMethods() {
		for i, line := range strings.Split(m.does, "\n") {
			fmt.Fprintf(&s, "  %-22s%s\n", map[bool]string{true: m.name}[i == 0], line)
		}
	}
	return s.String()
}

// findMethod returns the method that --method names, nil without it, and refuses the flags of
// other methods.
func (f *explainFlags) findMethod(cmd *cobra.Command) (*explainMethod, error) {
	all := explainMethods()
	at := slices.IndexFunc(all, func(m explainMethod) bool { return m.name == f.method })
	if at < 0 && f.method != "" {
		return nil, usageError{fmt.Errorf("--method must be one of %s, found %q", strings.Join(namesOfMethods(nil), ", "), f.method)}
	}
	for _, m := range all {
		for _, flag := range m.flags {
			if !cmd.Flags().Changed(flag) || at >= 0 && slices.Contains(all[at].flags, flag) {
				continue
			}
			owners := strings.Join(namesOfMethods(func(m explainMethod) bool { return slices.Contains(m.flags, flag) }), " or ")
			if at < 0 {
				return nil, usageError{fmt.Errorf("--%s needs --method %s", flag, owners)}
			}
			return nil, usageError{fmt.Errorf("--method %s has no --%s, which is of %s; leave it out", f.method, flag, owners)}
		}
	}
	if at < 0 {
		return nil, nil
	}
	return &all[at], nil
}

// addMethod adds --method and the methods' own flags.
func (f *explainFlags) addMethod(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.method, "method", "", strings.Join(namesOfMethods(nil), ", ")+" (default cam where that is exact, else grad-cam)")
	batch := flags.Lookup("batch")
	batch.Usage += fmt.Sprintf(" (default %s, or %d for methods that run a photograph many times)", batch.DefValue, manyAtATime)
	batch.DefValue = "0" // says no other default
	flags.StringVar(&f.layer, "layer", "", "`name` of a stage with a grid, such as Mixed_7a (default the last); a wrong one is answered with all")
	flags.IntVar(&f.window, "window", 0, "side of the squares that cover, in `pixels` (default a fifth of the network's input)")
	flags.IntVar(&f.stride, "stride", 0, "`pixels` from one square to the next (default half of --window)")
	flags.IntVar(&f.steps, "steps", 0, fmt.Sprintf("`gradients` on the way from the baseline (default %d, and up to %d while more than 1%% is left over)", explain.LeastSteps, explain.MostSteps))
	flags.StringVar(&f.baseline, "baseline", "", "`colour` that shows nothing: "+baselineNames()+" (default black, for occlusion grey)")
	flags.IntVar(&f.samples, "samples", explain.DefaultSamples, "copies with noise that the mean is over")
	flags.Float64Var(&f.noise, "noise", explain.DefaultNoise, "standard deviation of the noise, a `share` of the range of a photograph's values, in (0,1]")
	flags.Uint64Var(&f.seed, "seed", 0, "`number` that the noise follows from")
}

func baselineNames() string {
	var names []string
	for _, b := range explain.Baselines() {
		names = append(names, string(b))
	}
	return strings.Join(names, ", ")
}

// checkMethod refuses values out of range that no network is needed to know.
func (f *explainFlags) checkMethod(cmd *cobra.Command) error {
	if _, err := explain.ParseBaseline(f.baseline); err != nil {
		return usageError{fmt.Errorf("--baseline: %w", err)}
	}
	if !(f.noise > 0 && f.noise <= 1) {
		return usageError{fmt.Errorf("--noise must be in (0,1], found %g", f.noise)}
	}
	for _, flag := range []string{"window", "stride", "steps"} {
		value, err := cmd.Flags().GetInt(flag)
		if err = cmp.Or(err, atLeast(1, flag, value)); err != nil && cmd.Flags().Changed(flag) {
			return err
		}
	}
	if f.layer == "" && cmd.Flags().Changed("layer") {
		return usageError{errors.New("--layer must be the name of a stage, found nothing")}
	}
	return atLeast(1, "samples", f.samples)
}
