// Package evaluate measures classifiers as the paper does (section 5): top-1 and top-5
// errors of one network or of several over a labelled set, on 1, 10, 12 or 144 crops of
// each photograph.
//
//	report, err := evaluate.Run(ctx, []evaluate.Member{
//		evaluate.FromClassifier("v4", v4),
//		evaluate.FromClassifier("resnet", resnet),
//	}, set, evaluate.Options{Crops: vision.Crops12})
//	fmt.Println(report.Rows[2].Top1.Rate) // of both together
//
// [Report.Calibration] says how far probabilities are to be believed, and package
// evaluate/gallery makes a page of a report.
//
// Softmax outputs are averaged over the crops of a photograph, then over the members of
// an ensemble. All sums have a fixed order, so that the result depends on the logits
// alone: not on the batch size, the number of threads or an interruption.
package evaluate
