//go:build !mpi

package cli

func connections() []connection { return nil }
