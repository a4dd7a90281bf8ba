// Package run computes plans.
//
// Each operation gets the first implementation of an ordered list that accepts it
// (choose.go), and keeps it: that knows what memory it needs, puts weights into the order of
// its kernel, and binds to the memory of a run. A [Program] is a plan with its
// implementations; a run (memory.go) is the memory of one execution, in which each
// implementation has become a function that computes its operation, on all threads
// (workers.go).
package run
