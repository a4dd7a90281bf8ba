package engine

import (
	"fmt"
	"time"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
)

// A Step is what one step of a program does, and how long it takes.
type Step struct {
	// Operation is what is computed, such as "convolution", "batch norm gradient", or "go
	// backend" for a part that is not computed here.
	Operation string
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
	// Time is the median.
	Time time.Duration
}

// Steps lists the steps of a program of this backend without running it. A program
// that the go backend runs as a whole is one step.
func Steps(program compute.Executable) ([]Step, error) {
	switch e := program.(type) {
	case *executable:
		return steps(e.program.Describe()), nil
	case *delegated:
		return []Step{{Operation: "go backend", Algorithm: "the whole program"}}, nil
	}
	return nil, fmt.Errorf("cpu: expected a program of this backend, found %T", program)
}

// Profile runs a program several times and returns its steps with the time that
// each takes. The program may write over its inputs.
func Profile(program compute.Executable, inputs []compute.Buffer, runs int) ([]Step, error) {
	e, ok := program.(*executable)
	if !ok {
		return Steps(program)
	}
	inner, err := e.check(inputs, 0)
	if err != nil {
		return nil, err
	}
	all, err := e.program.Profile(inner, runs)
	return steps(all), err
}

func steps(descriptions []plan.Description) []Step {
	all := make([]Step, len(descriptions))
	for i, d := range descriptions {
		all[i] = Step(d)
	}
	return all
}
