// Package recipe holds what is known about networks as data: the public
// checkpoints with their preprocessing, and the class labels of ILSVRC-2012.
// It contains no behaviour beyond looking things up.
package recipe
