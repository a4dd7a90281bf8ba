// Package dataset reads labelled images for training and evaluation: folders of class
// folders, the same inside tar and zip archives, WebDataset shards, TFRecord shards as
// TF-slim writes them for ImageNet, and lists of paths and labels.
//
// What an image is, is one rule for all of them: a file whose name ends as those of images
// do, or whose first bytes are those of an image that package vision reads. What operating
// systems leave behind is none. What may be missing from a set, such as folders that cannot
// be listed and images of formats that are not read, says [Set.LeftOut].
//
// [Open] lists a set once; images are then read by index, from several goroutines at
// once. A [Loader] decodes and distorts them in parallel into batches. What it returns
// depends on the set, the seed and the position alone, not on the number of workers or
// on where a run was interrupted.
package dataset
