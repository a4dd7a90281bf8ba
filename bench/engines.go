package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// How many runs, after the warm-up, a measurement is the median of: of inference, and of
// training.
const inferenceRuns, trainingRuns = 9, 5

func (l load) runs() string {
	if l.train {
		return strconv.Itoa(trainingRuns)
	}
	return strconv.Itoa(inferenceRuns)
}

const (
	onnxRuntime = "onnxruntime"
	pyTorch     = "pytorch"
)

// A load is what the engines are compared on.
type load struct {
	network string
	batch   int
	size    int // side of the images in pixels
	threads int
	train   bool // a training step; otherwise inference
}

// An engine measures one load at a time, in a process of its own.
type engine struct {
	name    string
	ours    bool
	command func(load) []string
	rates   []float64 // measured images/s, one a round
	memory  []float64 // most that the process held, in MB, one a round
}

func ours(binary, backend string, flags ...string) engine {
	name := strings.Join(append([]string{"inception", backend}, flags...), " ")
	return engine{name: name, ours: true, command: func(l load) []string {
		command := []string{binary, "bench", l.network, "--json", "--backend", backend,
			"--batch", strconv.Itoa(l.batch), "--size", strconv.Itoa(l.size),
			"--threads", strconv.Itoa(l.threads), "--runs", l.runs()}
		if l.train {
			command = append(command, "--train")
		}
		return append(command, flags...)
	}}
}

// measure returns images a second, and the most memory in MB.
func (e engine) measure(ctx context.Context, l load) (rate, memory float64, err error) {
	out, err := output(ctx, e.command(l)...)
	if err != nil {
		return 0, 0, fmt.Errorf("%s: %w", e.name, err)
	}
	m, err := parse(out)
	if err == nil && (m.Batch != l.batch || m.Threads != l.threads || m.ImagesPerSecond <= 0) {
		err = fmt.Errorf("expected images/s with batch %d and %d threads, found %+v", l.batch, l.threads, m)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("%s: %w", e.name, err)
	}
	return m.ImagesPerSecond, m.PeakRSSMB, nil
}

// A measurement is what an engine prints, as a list of one.
type measurement struct {
	Version         string  `json:"version"` // of a peer
	Batch           int     `json:"batch"`
	Threads         int     `json:"threads"`
	ImagesPerSecond float64 `json:"images_per_second"`
	PeakRSSMB       float64 `json:"peak_rss_mb"`
}

func parse(out []byte) (measurement, error) {
	var list []measurement
	if err := json.Unmarshal(out, &list); err != nil {
		return measurement{}, fmt.Errorf("expected a measurement as JSON, found %q: %w", out, err)
	}
	if len(list) != 1 {
		return measurement{}, fmt.Errorf("expected one measurement, found %d in %q", len(list), out)
	}
	return list[0], nil
}

// A peer is an engine that a script of this folder measures.
type peer struct {
	name      string
	program   string
	script    string
	needs     string // what the script needs, and where it is looked for
	install   string // the command that installs it
	extension string // of its networks
	version   string
}

// findPeer asks a peer for its version.
func findPeer(ctx context.Context, name, python string) (peer, error) {
	var p peer
	switch name {
	case onnxRuntime:
		p = peer{name, "node", filepath.Join("bench", "onnxruntime.js"),
			fmt.Sprintf("node in PATH and its package onnxruntime-node in bench/node_modules, node_modules and NODE_PATH=%q", os.Getenv("NODE_PATH")),
			"apt-get install nodejs npm; npm install --prefix bench --no-save --ignore-scripts onnxruntime-node@1.30.0", ".onnx", ""}
	case pyTorch:
		p = peer{name, python, filepath.Join("bench", "pytorch.py"), python + " (--python names another) and its package torch",
			"apt-get install python3-torch", ".pt", ""}
	default:
		return p, fmt.Errorf("unknown peer %q, expected %s or %s", name, onnxRuntime, pyTorch)
	}
	out, err := output(ctx, p.program, p.script)
	if err != nil {
		return p, fmt.Errorf("%s: looked for %s: %w; to install it: %s", name, p.needs, err, p.install)
	}
	m, err := parse(out)
	if err != nil {
		return p, fmt.Errorf("%s: %w", name, err)
	}
	p.version = m.Version
	return p, nil
}

// engine is the peer with its form of a network.
func (p *peer) engine(models, network string, train bool) (engine, error) {
	extension, mode := p.extension, []string(nil)
	if train {
		extension, mode = ".train"+extension, []string{"train"}
	}
	model := filepath.Join(models, network+extension)
	if _, err := os.Stat(model); err != nil {
		return engine{}, fmt.Errorf("%s: looked for the network: %w; to write it: python3 bench/export.py %s %s", p.name, err, network, models)
	}
	return engine{name: p.name + " " + p.version, command: func(l load) []string {
		return append([]string{p.program, p.script, model, strconv.Itoa(l.batch), strconv.Itoa(l.size), strconv.Itoa(l.threads), l.runs()}, mode...)
	}}, nil
}
