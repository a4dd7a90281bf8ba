//go:build mpi

package cli

import "github.com/seed-fb2c0fa6/inception/train/replica/mpi"

func connections() []connection { return []connection{{"mpi", mpi.Open}} }
