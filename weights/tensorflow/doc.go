// Package tensorflow reads the variables of TensorFlow's files, and writes checkpoints of
// version 2:
//
//   - checkpoints of version 2: an index, which is a table of LevelDB's form, and shards
//     with the bytes of the tensors (bundle.go);
//   - checkpoints of version 1: one table, or one a shard, that has the tensors too
//     (slices.go).
//
// Variables that were saved in slices are whole again. A tensor is read when it is asked
// for, and its checksum compared then.
//
// Sources: tensorflow/core/lib/io/table*, core/util/tensor_bundle, core/util/saved_tensor_slice*.
package tensorflow
