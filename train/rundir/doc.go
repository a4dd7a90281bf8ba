// Package rundir is the folder of a training: the names of its files, and how those that
// are not weights are written and read back.
//
//	recipe.yaml              what is trained, from which a run resumes
//	checkpoints/             the last states that the run can go on from
//	model.safetensors        the averages of the last checkpoint
//	best.safetensors         those with the best accuracy so far
//	raw.safetensors          the parameters of the last checkpoint themselves, on demand
//	metrics.csv              loss, accuracies and speed by step
//	events.out.tfevents.*    the same for TensorBoard
//	curves.png               the curves of metrics.csv
//	lock                     held by the process that trains
package rundir
