// Package score has what is made of a network's logits and a set's labels: the softmax,
// the order of the classes, accuracies and errors with their confidence intervals, and how
// far probabilities are to be believed.
package score
