package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"
	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/engine"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/train"
)

// benchFlags are the flags of `bench`.
type benchFlags struct {
	batches   []int
	size      int
	runs      int
	json      bool
	layers    bool
	train     bool
	recompute bool
	backend   backendFlags
}

// benchResult is what `bench --json` prints of each batch size.
type benchResult struct {
	Network            string  `json:"network"`
	Batch              int     `json:"batch"`
	Size               int     `json:"size"`
	Threads            int     `json:"threads"`
	Train              bool    `json:"train"`
	ImagesPerSecond    float64 `json:"images_per_second"`
	ImagesPerSecondMin float64 `json:"images_per_second_min"`
	ImagesPerSecondMax float64 `json:"images_per_second_max"`
	GFLOPS             float64 `json:"gflops"`
	PeakRSSMB          float64 `json:"peak_rss_mb"`
	CompileMS          float64 `json:"compile_ms"`
}

func benchCommand() *cobra.Command {
	f := benchFlags{}
	cmd := &cobra.Command{
		Use:   "bench NETWORK",
		Short: "Measure a network's speed",
		Long: `Measure how many images a second a network classifies, with random weights and
images: the median of several runs after a warm-up, the slowest and the fastest.
GFLOP/s count two operations for each multiply-add of the network's definition.

With --train a run is a training step of the paper: forward, backward, RMSProp and the
averages of the parameters; its multiply-adds count three times.`,
		Example: "  inception bench inception_v4 --batch 1,8\n  inception bench inception_v4 --batch 1 --layers\n  inception bench inception_v4 --train --batch 8",
		Args:    usage(cobra.ExactArgs(1)),
		RunE:    func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	flags := cmd.Flags()
	flags.IntSliceVar(&f.batches, "batch", []int{1}, "images at a time; several, separated by commas, are measured one after the other")
	flags.IntVar(&f.size, "size", 299, "side of the images in pixels")
	flags.IntVar(&f.runs, "runs", 9, "runs to measure")
	flags.BoolVar(&f.json, "json", false, "print JSON")
	flags.BoolVar(&f.layers, "layers", false, "print each step of the cpu backend with its time")
	flags.BoolVar(&f.train, "train", false, "measure a training step")
	flags.BoolVar(&f.recompute, "recompute", false, "train with less memory: compute activations again for the gradients")
	cmd.MarkFlagsMutuallyExclusive("json", "layers")
	f.backend.add(cmd)
	return cmd
}

func (f *benchFlags) run(cmd *cobra.Command, name string) error {
	network, err := arch.New(name, arch.Options{})
	if err != nil {
		return usageError{err}
	}
	if err := network.CheckSize(f.size, f.size); err != nil {
		return usageError{err}
	}
	if f.runs < 1 || len(f.batches) == 0 || slices.Min(f.batches) < 1 {
		return usageError{errors.New("--runs and --batch must be at least 1")}
	}
	if f.recompute && !f.train {
		return usageError{errors.New("--recompute is for --train")}
	}
	backend, err := f.backend.open()
	if err != nil {
		return err
	}
	defer backend.Finalize()
	if f.layers {
		if _, ok := backend.(*engine.Backend); !ok {
			return usageError{fmt.Errorf("--layers is for the backend %s, found %s", engine.Name, backend.Name())}
		}
	}
	d, err := network.Describe(backend, f.size, f.size)
	if err != nil {
		return err
	}
	var results []benchResult
	for _, batch := range f.batches {
		b := bench{network: network, backend: backend, batch: batch, size: f.size, train: f.train}
		if f.train {
			err = b.compileTraining(f.recompute)
		} else {
			err = b.compile(d.Tensors)
		}
		if err != nil {
			return err
		}
		if f.layers {
			err = b.layers(cmd.OutOrStdout(), f.runs)
		} else {
			var r benchResult
			r, err = b.measure(cmd.Context(), f.runs, d.MultiplyAdds)
			results = append(results, r)
		}
		b.close()
		if err != nil {
			return err
		}
	}
	switch {
	case f.layers:
		return nil
	case f.json:
		return printJSON(cmd.OutOrStdout(), results)
	}
	fmt.Fprintln(cmd.OutOrStdout(), backend.Description())
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "batch\timages/s\tslowest\tfastest\tGFLOP/s\tpeak MB\tcompile ms\t")
	for _, r := range results {
		fmt.Fprintf(w, "%d\t%.2f\t%.2f\t%.2f\t%.1f\t%.0f\t%.0f\t\n", r.Batch, r.ImagesPerSecond, r.ImagesPerSecondMin, r.ImagesPerSecondMax, r.GFLOPS, r.PeakRSSMB, r.CompileMS)
	}
	return w.Flush()
}

// A bench is one network for one batch size.
type bench struct {
	network    *arch.Network
	backend    compute.Backend
	batch      int
	size       int
	train      bool
	run        func() error
	close      func()
	executable compute.Executable
	inputs     []compute.Buffer // of the executable
	compiled   time.Duration
}

// compile makes the program, with random weights of the size that He's
// initialisation gives, so that activations neither vanish nor overflow.
func (b *bench) compile(parameters []arch.Parameter) error {
	random := rand.New(rand.NewPCG(1, 2))
	store := model.NewStore().WithVariableAsConst(true)
	for _, p := range parameters {
		values := make([]float32, p.Size())
		scale := math.Sqrt(2 / float64(p.Size()/p.Shape[len(p.Shape)-1]))
		for i := range values {
			switch {
			case len(p.Shape) > 1:
				values[i] = float32(random.NormFloat64() * scale)
			case strings.HasSuffix(p.Name, "/gamma"), strings.HasSuffix(p.Name, "/moving_variance"):
				values[i] = 1
			}
		}
		if _, err := store.CreateVariable(p.Name, tensors.FromFlatDataAndDimensions(values, p.Shape...)); err != nil {
			return err
		}
	}
	shape := shapes.Make(dtypes.Float32, b.batch, b.size, b.size, 3)
	start := time.Now()
	err := exceptions.TryCatch[error](func() {
		g := graph.NewGraph(b.backend, b.network.Name())
		logits := b.network.Graph(store.RootScope(), graph.Parameter(g, "images", shape)).Logits
		if err := g.Compile(logits); err != nil {
			panic(err)
		}
		b.executable = g.Executable()
	})
	b.compiled = time.Since(start)
	if err != nil {
		return fmt.Errorf("compile %s: %w", b.network.Name(), err)
	}
	pixels := make([]float32, shape.Size())
	b.fill(pixels)
	images, err := b.backend.BufferFromFlatData(0, pixels, shape)
	b.inputs = []compute.Buffer{images}
	b.close = b.executable.Finalize
	b.run = func() error {
		outputs, err := b.executable.Execute(b.inputs, nil, 0)
		for _, o := range outputs {
			err = errors.Join(err, o.Finalize())
		}
		return err
	}
	return err
}

// fill makes random images, in [-1,1].
func (b *bench) fill(pixels []float32) {
	random := rand.New(rand.NewPCG(3, 4))
	for i := range pixels {
		pixels[i] = 2*random.Float32() - 1
	}
}

// compileTraining makes the paper's training step (section 4), and does the first.
func (b *bench) compileTraining(recompute bool) error {
	collectOften()
	const classes = 1000
	r := recipe.Training{
		Network: b.network.Name(), Size: b.size, Batch: b.batch, Recompute: recompute, Seed: 1,
		Optimizer:    recipe.Optimizer{RMSProp: &recipe.RMSProp{Decay: 0.9, Momentum: 0.9, Epsilon: 1}},
		LearningRate: recipe.LearningRate{Initial: 0.045},
		WeightDecay:  4e-5, LabelSmoothing: 0.1, AverageDecay: 0.9999,
	}
	program, err := train.NewProgram(b.backend, r, classes)
	if err != nil {
		return err
	}
	images, err := program.Images(b.batch)
	if err != nil {
		program.Close()
		return err
	}
	b.fill(images)
	labels := make([]int32, b.batch)
	for i := range labels {
		labels[i] = int32(i % classes)
	}
	steps := 0
	b.close = program.Close
	b.run = func() error {
		_, err := program.Step(steps, images, labels)
		steps++
		return err
	}
	start := time.Now()
	if err := b.run(); err != nil {
		program.Close()
		return fmt.Errorf("train %s: %w", b.network.Name(), err)
	}
	collectForSteps()
	b.compiled, b.executable = time.Since(start), program.Executable()
	return nil
}

func (b *bench) measure(ctx context.Context, runs int, multiplyAdds int64) (benchResult, error) {
	warmUp := 2
	if b.train {
		warmUp, multiplyAdds = 1, 3*multiplyAdds // the first step has been done
	}
	var rates []float64
	for i := range warmUp + runs {
		if err := ctx.Err(); err != nil {
			return benchResult{}, err
		}
		start := time.Now()
		if err := b.run(); err != nil {
			return benchResult{}, err
		}
		if i >= warmUp {
			rates = append(rates, float64(b.batch)/time.Since(start).Seconds())
		}
	}
	slices.Sort(rates)
	median := rates[len(rates)/2]
	r := benchResult{
		Network: b.network.Name(), Batch: b.batch, Size: b.size, Threads: threadsOf(b.backend), Train: b.train,
		ImagesPerSecond: median, ImagesPerSecondMin: rates[0], ImagesPerSecondMax: rates[len(rates)-1],
		GFLOPS:    median * 2 * float64(multiplyAdds) / 1e9,
		PeakRSSMB: peakRSS() / 1e6, CompileMS: float64(b.compiled.Microseconds()) / 1e3,
	}
	return r, nil
}

// layers prints each step with its time and its share of what the threads could
// do at most.
func (b *bench) layers(out io.Writer, runs int) error {
	backend := b.backend.(*engine.Backend)
	peak := backend.PeakFLOPS() * float64(backend.Threads())
	if b.inputs == nil {
		if err := b.fillInputs(); err != nil {
			return err
		}
	}
	steps, err := engine.Profile(b.executable, b.inputs, runs)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s; measured peak %.1f GFLOP/s\n", backend.Description(), peak/1e9)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "OPERATION\tINPUT\tOUTPUT\tALGORITHM\t%8s\t%8s\t%6s\n", "MICROS", "GFLOP/S", "PEAK")
	var total time.Duration
	byAlgorithm := map[string]*[2]float64{} // seconds, operations
	for _, s := range steps {
		total += s.Time
		rate, share := "", ""
		if s.MultiplyAdds > 0 {
			flops := 2 * float64(s.MultiplyAdds) / s.Time.Seconds()
			rate, share = fmt.Sprintf("%.1f", flops/1e9), fmt.Sprintf("%.1f%%", 100*flops/peak)
			sums, ok := byAlgorithm[s.Algorithm]
			if !ok {
				sums = new([2]float64)
				byAlgorithm[s.Algorithm] = sums
			}
			sums[0] += s.Time.Seconds()
			sums[1] += 2 * float64(s.MultiplyAdds)
		}
		operation := s.Operation
		if s.Window[0] > 0 {
			operation = fmt.Sprintf("%dx%d %s / %d", s.Window[0], s.Window[1], operation, s.Stride[0])
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%8d\t%8s\t%6s\n", operation, shapeText(s.Input[:]), shapeText(s.Output[:]), s.Algorithm, s.Time.Microseconds(), rate, share)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, algorithm := range slices.Sorted(maps.Keys(byAlgorithm)) {
		sums := byAlgorithm[algorithm]
		fmt.Fprintf(out, "%s: %.1f ms, %.1f%% of the peak\n", algorithm, 1e3*sums[0], 100*sums[1]/sums[0]/peak)
	}
	_, err = fmt.Fprintf(out, "total: %.1f ms\n", 1e3*total.Seconds())
	return err
}

// fillInputs makes inputs for a training step: its time does not depend on their values,
// but must not be that of numbers too small to be normal.
func (b *bench) fillInputs() error {
	_, all := b.executable.Inputs()
	for _, shape := range all {
		buffer, flat, err := b.backend.NewSharedBuffer(0, shape)
		if err != nil {
			return err
		}
		if values, ok := flat.([]float32); ok {
			for i := range values {
				values[i] = float32(i%17+1) / 64
			}
		}
		b.inputs = append(b.inputs, buffer)
	}
	return nil
}

func threadsOf(backend compute.Backend) int {
	if b, ok := backend.(*engine.Backend); ok {
		return b.Threads()
	}
	return runtime.GOMAXPROCS(0)
}

// peakRSS is the most memory that the process has held, in bytes; 0 where the
// system does not tell.
func peakRSS() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kB, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return 1024 * kB
		}
	}
	return 0
}
