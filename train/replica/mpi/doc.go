// Package mpi connects replicas that mpirun has started, by the MPI library of the machine:
// MPICH and what has its binary interface (Intel MPI, MVAPICH, Cray), or Open MPI. It is
// loaded when it is needed, without cgo; what it needs is part of a binary that is built with
// the tag mpi, which is then linked with the system's loader.
package mpi
