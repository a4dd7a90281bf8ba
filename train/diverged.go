package train

import "fmt"

// A DivergedError ends a run whose loss or gradient is not finite any more. The step that
// it names changed parameters that are not kept.
type DivergedError struct {
	// Step is the step that diverged, from 1.
	Step int
	// Loss is that of the step, or of the micro-batch that was not finite.
	Loss float64
	// GradientNorm is the L2 norm of all gradients before they are clipped; 0 in a
	// micro-batch that is not the last.
	GradientNorm float64
	// Parameter is the first, in the network's order, whose gradient is not finite; empty
	// unless Options.CheckGradients asks for it.
	Parameter string
	// Checkpoint is the path of the last good checkpoint; empty where there is none yet.
	Checkpoint string
}

func (e *DivergedError) Error() string {
	of, last := "", "there is no checkpoint yet"
	if e.Parameter != "" {
		of = ", the first of them that of " + e.Parameter
	}
	if e.Checkpoint != "" {
		last = "the last good checkpoint is " + e.Checkpoint
	}
	return fmt.Sprintf("step %d: expected a loss and a gradient that are numbers, found a loss of %g and a gradient of L2 %g%s; %s; begin again with a lower learning rate, a longer warm_up, or clip_norm", e.Step, e.Loss, e.GradientNorm, of, last)
}
