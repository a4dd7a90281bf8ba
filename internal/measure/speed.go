package measure

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"slices"
	"time"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/engine"
)

// A Speed is how fast a network is for one batch size.
type Speed struct {
	Network string `json:"network"`
	Batch   int    `json:"batch"`
	Size    int    `json:"size"`
	Threads int    `json:"threads"`
	Train   bool   `json:"train"`
	// Precision is the network's, and Instructions are those that the cpu backend chose.
	Precision    arch.Precision `json:"precision"`
	Instructions string         `json:"instructions,omitempty"`
	// ImagesPerSecond is the median of the runs.
	ImagesPerSecond    float64 `json:"images_per_second"`
	ImagesPerSecondMin float64 `json:"images_per_second_min"`
	ImagesPerSecondMax float64 `json:"images_per_second_max"`
	// GFLOPS counts two operations for each multiply-add of the network's definition, and
	// three times as many where it is trained, in 1e9 a second.
	GFLOPS float64 `json:"gflops"`
	// PeakRSSMB is the most memory that the process has held so far, in 1e6 bytes; 0 where
	// the system does not tell.
	PeakRSSMB float64 `json:"peak_rss_mb"`
	// CompileMS is how long compiling took in milliseconds, in training with the first
	// step.
	CompileMS float64 `json:"compile_ms"`
}

// Speed measures how many images a second the network classifies or trains on. The
// context is looked at before each run.
func (n *Network) Speed(ctx context.Context, o Options) (Speed, error) {
	p, err := n.compile(ctx, o)
	if err != nil {
		return Speed{}, err
	}
	defer p.close()
	batch := o.Batch
	multiplyAdds := n.description.MultiplyAdds
	if o.Train {
		multiplyAdds *= 3
	}
	if streams := streamsOf(n.backend); streams > 1 && !o.Train {
		p.run = sideBySide(p.run, streams)
		o.Batch *= streams
	}
	var rates []float64
	for i := range p.warmUp + o.Runs {
		if err := ctx.Err(); err != nil {
			return Speed{}, err
		}
		start := time.Now()
		if err := p.run(); err != nil {
			return Speed{}, err
		}
		if i >= p.warmUp {
			rates = append(rates, float64(o.Batch)/time.Since(start).Seconds())
		}
	}
	slices.Sort(rates)
	median := rates[len(rates)/2]
	return Speed{
		Precision: cmp.Or(n.network.Options().Precision, arch.Float32), Instructions: instructionsOf(n.backend),
		Network: n.network.Name(), Batch: batch, Size: n.size, Threads: threadsOf(n.backend), Train: o.Train,
		ImagesPerSecond: median, ImagesPerSecondMin: rates[0], ImagesPerSecondMax: rates[len(rates)-1],
		GFLOPS:    median * 2 * float64(multiplyAdds) / 1e9,
		PeakRSSMB: peakRSS() / 1e6, CompileMS: float64(p.compiled.Microseconds()) / 1e3,
	}, nil
}

func instructionsOf(backend compute.Backend) string {
	if b, ok := backend.(*engine.Backend); ok {
		return b.Instructions()
	}
	return ""
}

func streamsOf(backend compute.Backend) int {
	if b, ok := backend.(*engine.Backend); ok {
		return b.Streams()
	}
	return 1
}

// sideBySide runs as many batches as there are streams.
func sideBySide(run func() error, streams int) func() error {
	return func() error {
		failures := make(chan error, streams)
		for range streams {
			go func() { failures <- run() }()
		}
		var err error
		for range streams {
			err = errors.Join(err, <-failures)
		}
		return err
	}
}

func threadsOf(backend compute.Backend) int {
	if b, ok := backend.(*engine.Backend); ok {
		return b.Threads()
	}
	return runtime.GOMAXPROCS(0)
}
