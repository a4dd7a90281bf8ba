package onnx

import (
	"fmt"
	"math"

	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// A channel is one of the images', times scale, plus offset.
type channel struct {
	index         int
	scale, offset float64
}

// ofTorchvision are the channels of what torchvision's transform_input makes of images that
// were normalised with ImageNet's mean and deviation: values in [-1,1], which the network
// itself takes.
func ofTorchvision() [3]channel {
	mean, deviation := [3]float64{0.485, 0.456, 0.406}, [3]float64{0.229, 0.224, 0.225}
	var all [3]channel
	for i := range all {
		all[i] = channel{i, deviation[i] / 0.5, (mean[i] - 0.5) / 0.5}
	}
	return all
}

// channelwise follows images that are taken apart into channels, and put together again. It
// reports whether the operation is part of that.
func (b *builder) channelwise(n node) (bool, error) {
	if len(n.inputs) == 0 || len(n.outputs) == 0 {
		return false, nil
	}
	at, ofImages := b.values[n.inputs[0]]
	if ofImages = ofImages && at == tensorfile.GraphInput; ofImages && (n.op == "Gather" || n.op == "Slice") {
		index, err := b.takenChannel(n)
		b.channels[n.outputs[0]] = channel{index, 1, 0}
		return true, err
	}
	var taken []channel
	other := ""
	for _, in := range n.inputs {
		if c, ok := b.channels[in]; ok {
			taken = append(taken, c)
		} else if other == "" {
			other = in
		}
	}
	if len(taken) == 0 {
		return false, nil
	}
	made := taken[0]
	switch n.op {
	case "Unsqueeze", "Squeeze", "Reshape", "Identity", "Cast":
	case "Concat":
		return true, b.joined(n, taken)
	case "Mul", "Add", "Sub", "Div":
		numbers, err := b.numbers(other)
		if err != nil {
			return true, err
		}
		if len(taken) != 1 || len(numbers) != 1 || n.inputs[0] == other && (n.op == "Sub" || n.op == "Div") {
			return true, fmt.Errorf("of a channel of the images, expected one number beside it")
		}
		switch v := float64(numbers[0]); n.op {
		case "Mul":
			made.scale, made.offset = made.scale*v, made.offset*v
		case "Div":
			made.scale, made.offset = made.scale/v, made.offset/v
		case "Add":
			made.offset += v
		case "Sub":
			made.offset -= v
		}
	default:
		return true, fmt.Errorf("of a channel of the images, which no network of this family has")
	}
	b.channels[n.outputs[0]] = made
	return true, nil
}

// takenChannel is which one an operation takes.
func (b *builder) takenChannel(n node) (int, error) {
	const channels = 1 // the axis
	wrong := fmt.Errorf("of the images, expected one of three channels")
	first := func(input int, attribute string) (int, bool) {
		v := n.ints[attribute]
		if len(v) == 0 && input < len(n.inputs) {
			var err error
			if v, err = b.whole(n.inputs[input]); err != nil {
				return 0, false
			}
		}
		if len(v) != 1 {
			return 0, false
		}
		return v[0], true
	}
	if n.op == "Gather" {
		axis := n.ints["axis"]
		index, ok := first(1, "")
		if !ok || len(axis) != 1 || axis[0] != channels || index < 0 || index > 2 {
			return 0, wrong
		}
		return index, nil
	}
	start, ok := first(1, "starts")
	end, okEnd := first(2, "ends")
	axis, okAxis := first(3, "axes")
	if !ok || !okEnd || !okAxis || axis != channels || start < 0 || start > 2 || end != start+1 {
		return 0, wrong
	}
	return start, nil
}

// joined puts channels together, as images or as a scale for each.
func (b *builder) joined(n node, taken []channel) error {
	const close = 1e-6
	if axis := n.ints["axis"]; len(taken) != 3 || len(n.inputs) != 3 || len(axis) != 1 || axis[0] != 1 {
		return fmt.Errorf("of %d channels of the images, expected three", len(taken))
	}
	same := true
	factors := [][]float32{make([]float32, 3), make([]float32, 3)}
	for i, want := range ofTorchvision() {
		c := taken[i]
		if c.index != i {
			return fmt.Errorf("of channels of the images in another order, which only a network for other images has")
		}
		same = same && math.Abs(c.scale-want.scale) < close && math.Abs(c.offset-want.offset) < close
		factors[0][i], factors[1][i] = float32(c.scale), float32(c.offset)
	}
	if same {
		b.values[n.outputs[0]], b.graph.OfImageNet = tensorfile.GraphInput, true
		return nil
	}
	b.set(n, tensorfile.Node{Op: tensorfile.OpScale, Name: n.name, Inputs: []int{tensorfile.GraphInput}, Factors: factors})
	return nil
}
