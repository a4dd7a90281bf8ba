// Package score has what is made of a network's logits and a set's labels: the softmax,
// the order of the classes, accuracies and errors, and their confidence intervals.
package score
