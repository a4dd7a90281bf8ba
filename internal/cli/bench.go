package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/engine"
	"github.com/seed-fb2c0fa6/inception/internal/measure"
	"github.com/seed-fb2c0fa6/inception/predict"
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
	peak      bool
	precision string
	backend   backendFlags
}

func benchCommand() *cobra.Command {
	f := benchFlags{}
	cmd := &cobra.Command{
		Use:   "bench NETWORK | bench --peak",
		Short: "Measure a network's speed",
		Long: `Measure how many images a second a network classifies, with random weights and
images: the median of several runs after a warm-up, the slowest and the fastest.
GFLOP/s count two operations for each multiply-add of the network's definition.

With --train a run is a training step of the paper: forward, backward, RMSProp and the
averages of the parameters; its multiply-adds count three times.

With --layers each operation is compared with the machine's peaks: the share of what its
instructions could multiply that the network's definition asks for, which can exceed 100% where
Winograd's algorithm multiplies less; the bytes of its tensors and weights; and what bounds it.
That is the largest of three shares of its time: compute, what its multiplications take at the
peak; load, what loading the tiles of its products takes from the first cache, or its bytes
from the second; memory, what its bytes take from memory. --peak measures these alone.

In int8 the ranges of activations are found on the random images before.`,
		Example: "  inception bench inception_v4 --batch 1,8\n  inception bench inception_v4 --batch 1 --layers\n  inception bench inception_v4 --train --batch 8\n  inception bench --peak",
		Args: func(cmd *cobra.Command, args []string) error {
			if f.peak {
				return takes()(cmd, args)
			}
			return takes("a NETWORK")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.peak {
				return f.measurePeaks(cmd)
			}
			return f.run(cmd, args[0])
		},
	}
	flags := cmd.Flags()
	flags.IntSliceVar(&f.batches, "batch", []int{1}, "images at a time; several, separated by commas, are measured one after the other")
	addSize(cmd, &f.size)
	flags.IntVar(&f.runs, "runs", 9, "runs to measure")
	addJSON(cmd, &f.json)
	flags.BoolVar(&f.layers, "layers", false, "print each operation of the cpu backend with its time")
	flags.BoolVar(&f.peak, "peak", false, "measure the peaks of the machine: products, loads and the threads' barrier")
	flags.BoolVar(&f.train, "train", false, "measure a training step")
	flags.BoolVar(&f.recompute, "recompute", false, "train with less memory: compute activations again for the gradients")
	addPrecision(cmd, &f.precision, predict.Precisions(), arch.Float32)
	f.backend.add(cmd)
	f.backend.addStreams(cmd)
	return cmd
}

func (f *benchFlags) run(cmd *cobra.Command, name string) error {
	if err := checkPrecision(f.precision, predict.Precisions()); err != nil {
		return err
	}
	network, err := arch.New(name, arch.Options{})
	if err != nil {
		return usageError{err}
	}
	if err := network.CheckSize(f.size, f.size); err != nil {
		return usageError{err}
	}
	if err := f.check(cmd); err != nil {
		return err
	}
	backend, err := f.backend.open()
	if err != nil {
		return err
	}
	defer backend.Finalize()
	if f.layers && backend.Name() != engine.Name {
		return usageError{fmt.Errorf("--layers is for the backend %s, found %s", engine.Name, backend.Name())}
	}
	precision := arch.Precision(f.precision)
	if precision == predict.Auto {
		precision = predict.Fastest(backend, arch.Float32)
		sayPrecision(cmd.ErrOrStderr(), f.precision, precision, name)
	}
	if network, err = arch.New(name, arch.Options{Precision: precision}); err != nil {
		return err
	}
	measured, err := measure.New(backend, network, f.size)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	var speeds []measure.Speed
	for _, batch := range f.batches {
		o := measure.Options{Batch: batch, Runs: f.runs, Train: f.train, Recompute: f.recompute}
		if f.train {
			collectOften()
			o.Ready = collectForSteps
		}
		if f.layers {
			layers, err := measured.Layers(cmd.Context(), o)
			if err != nil {
				return err
			}
			if err := printLayers(out, backend.Description(), layers); err != nil {
				return err
			}
			continue
		}
		speed, err := measured.Speed(cmd.Context(), o)
		if err != nil {
			return err
		}
		speeds = append(speeds, speed)
	}
	switch {
	case f.layers:
		return nil
	case f.json:
		return printJSON(out, speeds)
	}
	return printSpeeds(out, backend.Description(), speeds)
}

// measurePeaks measures the machine.
func (f *benchFlags) measurePeaks(cmd *cobra.Command) error {
	backend, err := f.backend.open()
	if err != nil {
		return err
	}
	defer backend.Finalize()
	cpu, ok := backend.(*engine.Backend)
	if !ok {
		return usageError{fmt.Errorf("--peak is for the backend %s, found %s", engine.Name, backend.Name())}
	}
	peaks := cpu.Peaks()
	out := cmd.OutOrStdout()
	if f.json {
		return printJSON(out, peaks)
	}
	if err := printVersion(out); err != nil {
		return err
	}
	fmt.Fprintln(out, backend.Description())
	return printPeaks(out, peaks)
}

func (f *benchFlags) check(cmd *cobra.Command) error {
	if len(f.batches) == 0 {
		return usageError{errors.New("--batch must be at least one number")}
	}
	if f.train && !slices.Contains(inTraining(), arch.Precision(f.precision)) {
		return usageError{fmt.Errorf("--train is in one of %v, found --precision %s", inTraining(), f.precision)}
	}
	if f.backend.streams > 1 && (f.train || f.layers) {
		return usageError{errors.New("--streams is for classification without --layers")}
	}
	if f.recompute && !f.train {
		return usageError{errors.New("--recompute is for --train")}
	}
	return cmp.Or(exclusive(cmd, "json", "layers"), atLeast(1, "runs", f.runs), within(1, maxBatch, "batch", slices.Min(f.batches)), within(1, maxBatch, "batch", slices.Max(f.batches)))
}

func printSpeeds(out io.Writer, backend string, speeds []measure.Speed) error {
	if err := printVersion(out); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s, %s\n", backend, speeds[0].Precision)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "batch\timages/s\tslowest\tfastest\tGFLOP/s\tpeak MB\tcompile ms\t")
	for _, s := range speeds {
		fmt.Fprintf(w, "%d\t%.2f\t%.2f\t%.2f\t%.1f\t%.0f\t%.0f\t\n", s.Batch, s.ImagesPerSecond, s.ImagesPerSecondMin, s.ImagesPerSecondMax, s.GFLOPS, s.PeakRSSMB, s.CompileMS)
	}
	return w.Flush()
}

// printLayers prints each operation with its time, its share of what the threads could do at
// most with its instructions, and what bounds it.
func printLayers(out io.Writer, backend string, l *measure.Layers) error {
	fmt.Fprintln(out, backend)
	if err := printPeaks(out, l.Peaks); err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "OPERATION\tINPUT\tOUTPUT\tALGORITHM\t%8s\t%8s\t%6s\t%8s\tBOUND BY\n", "MICROS", "GFLOP/S", "PEAK", "KB")
	for _, s := range l.Operations {
		rate, share := "", ""
		if s.MultiplyAdds > 0 {
			flops := measure.Rate(s.MultiplyAdds, s.Time)
			rate, share = fmt.Sprintf("%.1f", flops/1e9), fmt.Sprintf("%.1f%%", 100*flops/l.Peaks.Of(s.Products))
		}
		operation := s.Name
		if s.Window[0] > 0 {
			operation = fmt.Sprintf("%dx%d %s / %d", s.Window[0], s.Window[1], operation, s.Stride[0])
		}
		bound := s.Bound()
		if bound != "" {
			bound = fmt.Sprintf("%s %.0f%%", bound, 100*max(s.Compute, s.Load, s.Memory))
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%8d\t%8s\t%6s\t%8d\t%s\n", operation, shapeText(s.Input[:]), shapeText(s.Output[:]), s.Algorithm, s.Time.Microseconds(), rate, share, s.Bytes/1e3, bound)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, a := range l.Algorithms {
		fmt.Fprintf(out, "%s: %.1f ms, %.1f%% of the peak\n", a.Name, 1e3*a.Time.Seconds(), 100*measure.Rate(a.MultiplyAdds, a.Time)/l.Peaks.Of(a.Products))
	}
	_, err := fmt.Fprintf(out, "total: %.1f ms\n", 1e3*l.Total.Seconds())
	return err
}

// printPeaks prints the most that the machine does.
func printPeaks(out io.Writer, p engine.Peaks) error {
	products := fmt.Sprintf("float32 %.0f", p.Float32/1e9)
	if p.BFloat16 > 0 {
		products += fmt.Sprintf(", bfloat16 %.0f", p.BFloat16/1e9)
	}
	_, err := fmt.Fprintf(out, `peaks of one thread, of %d: %s, int8 %.0f GFLOP/s
loads of one thread: first cache %.0f, second cache %.0f, memory %.1f GB/s; of all threads: memory %.1f GB/s
all threads begin and end together in %.1f microseconds
`, p.Threads, products, p.Int8/1e9, p.L1/1e9, p.L2/1e9, p.Memory/1e9, p.MemoryOfAll/1e9, float64(p.Barrier.Nanoseconds())/1e3)
	return err
}
