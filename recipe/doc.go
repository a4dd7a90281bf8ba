// Package recipe holds what is known about networks as data: how they are trained, the
// public checkpoints with their preprocessing, and the class labels of ILSVRC-2012.
//
// A recipe for training is read from YAML, checked, completed with its defaults and
// compared with another; package train does what it says. Throughout, a step is one
// update of the parameters by the optimiser.
package recipe
