// Package graph records a program operation by operation, as GoMLX builds it.
//
// Each operation is given to the go backend too, which infers its shape and finds its
// errors; a [Node] keeps how to replay it there, for what is left to that backend. What
// the go backend lacks is recorded as one node and given to it as several operations
// (expansion.go).
package graph
