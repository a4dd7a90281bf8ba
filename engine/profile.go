package engine

import (
	"fmt"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
)

// An Operation is what one operation of a program does, and how long it takes.
type Operation struct {
	// Name is what is computed, such as "convolution", "batch norm gradient", or "go
	// backend" for a part that is not computed here.
	Name string
	// Algorithm is how it is computed, such as "direct GemmF32_14x32"; for the go
	// backend, the operations.
	Algorithm string
	// Input and Output are pixels and channels: n, height, width, channels. Convolutions
	// that are computed together are one of all their output channels.
	Input, Output [4]int
	// Window and Stride are height and width; zero where there is none.
	Window, Stride [2]int
	// MultiplyAdds are those of the definition, whatever the algorithm needs.
	MultiplyAdds int64
	// Products is the type of what is multiplied, as the instructions have it, and Done how
	// many multiply-adds the algorithm does; of what multiplies matrices alone.
	Products dtypes.DType
	Done     int64
	// Loaded is how many bytes the tiles of those products load, where each load counts as
	// one of a whole vector.
	Loaded int64
	// Bytes are those of the tensors that are read and written, and of the weights.
	Bytes int64
	// Time is the median.
	Time time.Duration
}

// Operations lists the operations of a program of this backend, in their order, without
// running it. A program that the go backend runs as a whole is one operation.
func Operations(program compute.Executable) ([]Operation, error) {
	switch e := program.(type) {
	case *executable:
		return operationsOf(e.program.Describe()), nil
	case *delegated:
		return []Operation{{Name: "go backend", Algorithm: "the whole program"}}, nil
	}
	return nil, fmt.Errorf("cpu: expected a program of this backend, found %T", program)
}

// Profile runs a program several times and returns its operations with the time that
// each takes. The program may write over its inputs.
func Profile(program compute.Executable, inputs []compute.Buffer, runs int) ([]Operation, error) {
	e, ok := program.(*executable)
	if !ok {
		return Operations(program)
	}
	if runs < 1 {
		return nil, fmt.Errorf("cpu: a profile takes at least 1 run, found %d", runs)
	}
	inner, err := e.check(inputs, 0)
	if err != nil {
		return nil, err
	}
	all, err := e.program.Profile(inner, runs)
	return operationsOf(all), err
}

func operationsOf(descriptions []plan.Description) []Operation {
	all := make([]Operation, len(descriptions))
	for i, d := range descriptions {
		all[i] = Operation(d)
	}
	return all
}
