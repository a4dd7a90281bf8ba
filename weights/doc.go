// Package weights reads and writes the parameters of the networks, and maps the
// names and axes of public checkpoints to those of package arch.
//
// A Checkpoint is matched against the parameters of a network strictly: a
// parameter that the file lacks and a tensor that the network does not have are
// both errors.
//
// A file has a Format, which is how its bytes hold named tensors, and a Layout, which is
// how these are called and how their axes are ordered. Both are rows of a static table
// (formats.go, layouts.go), and any format goes with any layout. The formats are
// sub-packages that know of files alone (package tensorfile); a file's layout and its
// network are told from the names and shapes of its tensors; of a file that carries the
// network's graph, from the graph (topology.go), with its head.
package weights
