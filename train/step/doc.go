// Package step is a step of training, which changes a network's parameters once, as
// compiled programs. It has three stages:
//
//	Accumulate   each micro-batch of the step runs through the network forward and
//	             backward, and its gradients are added to those before
//	Reduce       replicas, where there are several, add up their gradients
//	Apply        the mean of the gradients is clipped, the optimiser changes the
//	             parameters, and their averages follow
//
// A training of one replica has no Reduce: its last micro-batch and Apply are one
// program, so that the gradients of a step with one micro-batch are nowhere stored.
//
// Programs write the state over what it was: the buffers of the variables that they
// change are donated, where the backend takes them over. Elsewhere the state is on the
// device from step to step too, twice while a step runs. No graph is kept, and the images of
// all steps lie in one buffer, if the backend shares its own.
package step
