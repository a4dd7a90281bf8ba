// Package dataset reads labelled images for training and evaluation: folders of
// class folders, the same inside tar archives, and TFRecord shards as TF-slim writes
// them for ImageNet.
//
// [Open] lists a set once; images are then read by index, from several goroutines at
// once. A [Loader] decodes and distorts them in parallel into batches. What it returns
// depends on the set, the seed and the position alone, not on the number of workers or
// on where a run was interrupted.
package dataset
