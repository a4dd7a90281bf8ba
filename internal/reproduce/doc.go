// Package reproduce tests the paper's claims at a scale that a small machine can train:
// narrow networks on small images, pairs at equal cost with equal seeds. For each claim
// it says what the paper says, what was measured, with intervals, and whether it held.
package reproduce
