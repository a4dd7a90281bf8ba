// Package engine is a compute backend for GoMLX that makes convolutional networks
// fast on CPUs, without C. It is registered under the name "cpu".
//
// A program is recorded operation by operation. When it is compiled, what the
// networks consist of (convolutions with their batch norm, activation and residual
// sum, pooling, concatenation, dense layers) becomes a plan: a list of steps over
// one arena of memory. What else a program has is handed, in parts that are as
// large as possible, to GoMLX's go backend, which also checks the shapes of every
// operation.
package engine
