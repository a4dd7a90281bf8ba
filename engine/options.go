package engine

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"

	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// options are what a backend's config says.
type options struct {
	threads, streams  int
	kernels           *kernel.Set
	winograd, release bool
}

// MaxThreads is how many threads there may be: more than the machine has cores are of no use
// but to see what others compute, and each takes memory of its own.
func MaxThreads() int { return max(256, 4*runtime.NumCPU()) }

// CheckConfig returns the error of New for a config that is wrong.
func CheckConfig(config string) error {
	_, err := parseOptions(config)
	return err
}

func parseOptions(config string) (options, error) {
	o := options{threads: runtime.GOMAXPROCS(0), streams: 1, winograd: true}
	isa := kernel.Available()[0]
	for option := range strings.SplitSeq(config, ",") {
		key, value, _ := strings.Cut(option, "=")
		var err error
		switch key {
		case "":
		case "threads":
			if o.threads, err = strconv.Atoi(value); err != nil || o.threads < 1 || o.threads > MaxThreads() {
				return o, fmt.Errorf("cpu: threads should be a number from 1 to %d, found %q", MaxThreads(), value)
			}
		case "streams":
			if o.streams, err = strconv.Atoi(value); err != nil || o.streams < 1 {
				return o, fmt.Errorf("cpu: streams should be a number of at least 1, found %q", value)
			}
		case "winograd":
			o.winograd, err = onOrOff(key, value)
		case "release":
			o.release, err = onOrOff(key, value)
		case "isa":
			isa = kernel.ISA(value)
		default:
			err = fmt.Errorf("cpu: unknown option %q; options are threads=N, streams=N, isa=amx, avx512, avxvnni, avx2 or generic, winograd=on or off, and release=on or off", option)
		}
		if err != nil {
			return o, err
		}
	}
	if o.streams > o.threads {
		return o, fmt.Errorf("cpu: expected at least as many threads as streams, found %d streams and %d threads", o.streams, o.threads)
	}
	var err error
	if o.kernels, err = kernel.For(isa); err != nil {
		return o, fmt.Errorf("cpu: %w", err)
	}
	return o, nil
}

func onOrOff(key, value string) (bool, error) {
	if value != "on" && value != "off" {
		return false, fmt.Errorf("cpu: %s should be on or off, found %q", key, value)
	}
	return value == "on", nil
}
