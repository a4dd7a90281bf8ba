// Package train trains the networks as the paper did (section 4): TensorFlow's RMSProp
// on distorted images, with a decaying learning rate, clipped gradients and running
// averages of the parameters, which are what is evaluated and kept.
//
// A run lives in a folder (package rundir), from which it can be resumed: what it computes
// is the same, bit for bit on the backend cpu, however often it was interrupted. Its steps,
// each an update of the parameters, are compiled programs (package step).
package train
