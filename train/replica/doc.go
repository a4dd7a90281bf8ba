// Package replica connects processes that train one network together: each computes the
// gradients of its part of a batch, and all apply the sum (the 20 replicas of the paper's
// section 4, but in step with each other).
//
// A [Group] is what a training needs of the others. A [Transport] moves its bytes: package
// mpi has that of MPI, and [Local] one between goroutines. Sums are made here, in the order
// of the ranks, whatever a transport would make of them: they do not depend on it.
package replica
