// Package ilsvrc reads and writes the files of the ImageNet Large Scale Visual Recognition
// Challenge of 2012 beside its images: the numbers of the synsets, the ground truth and the
// blacklist of the validation images, and submissions to the test server. The images are a
// flat set of package dataset.
//
//	synsets, err := ilsvrc.ReadSynsets("meta.mat")
//	labels, err := ilsvrc.ReadGroundTruth("ILSVRC2012_validation_ground_truth.txt", synsets)
//	set, err := dataset.Open(ctx, "ILSVRC2012_img_val.tar", dataset.Options{Flat: true, Classes: synsets, Labels: labels})
package ilsvrc
