// Package weights reads and writes the parameters of the networks, and maps the
// names and axes of public checkpoints to those of package arch.
//
// A Checkpoint is matched against the parameters of a network strictly: a
// parameter that the file lacks and a tensor that the network does not have are
// both errors. File formats are sub-packages.
package weights
